"""From a name and a number in an address to a live version."""

from __future__ import annotations

from jupyter_etl.errors import NotFound
from jupyter_etl.model import PublicationVersion
from jupyter_etl.serve.catalogue import Catalogue


def live_version(catalogue: Catalogue, name: str, number: int | None) -> PublicationVersion:
    """Return a live version, the newest by default; drafts do not exist here.

    Raises:
        NotFound: With the same words whether there are only drafts or nothing at all.
    """
    try:
        publication = catalogue.publications.get(name)
    except NotFound:
        raise _absent(name) from None
    if publication.live is None:
        raise _absent(name)
    if number is None or number == publication.live.number:
        return publication.live
    for version in catalogue.publications.history(name, draft=False):
        if version.number == number and not version.draft:
            if version.pruned_at is not None:
                raise NotFound(
                    f"Version {number} of {name!r} was pruned on {version.pruned_at:%Y-%m-%d}.",
                    hint=f"The newest is {publication.live.number}.",
                )
            return version
    raise NotFound(
        f"{name!r} has no version {number}.", hint=f"The newest is {publication.live.number}."
    )


def _absent(name: str) -> NotFound:
    return NotFound(f"Nothing is published as {name!r}.", hint="GET /publications lists all.")
