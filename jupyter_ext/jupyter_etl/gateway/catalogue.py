"""The gateway's interface to the platform: lookup and reading of publications."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from jupyter_etl.errors import NotFound
from jupyter_etl.model import Publication, PublicationVersion
from jupyter_etl.ports import Reading


class Publications(Protocol):
    """Looks up and opens publications; each method except `list` raises `NotFound`."""

    def list(self) -> list[Publication]:
        """Return all publications, by name."""
        ...

    def get(self, name: str) -> Publication:
        """Return a publication."""
        ...

    def history(self, name: str, *, draft: bool = False) -> Sequence[PublicationVersion]:
        """Return the versions of a publication, newest first."""
        ...

    def reader(
        self,
        name: str,
        *,
        version: int | None = None,
        draft: bool = False,
        columns: tuple[str, ...] | None = None,
        limit: int | None = None,
    ) -> Reading:
        """Open the rows of a version."""
        ...

    def file(self, name: str, *, version: int | None = None, draft: bool = False) -> Path:
        """Return the path of a file, or of a report's page."""
        ...


class Catalogue(Protocol):
    """Provides the publications."""

    @property
    def publications(self) -> Publications:
        """Return the publications."""
        ...


def live_version(catalogue: Catalogue, name: str, number: int | None) -> PublicationVersion:
    """Return a live version, by default the newest; drafts are not visible here.

    Raises:
        NotFound: The message is the same whether there are only drafts or nothing at all.
    """
    try:
        publication = catalogue.publications.get(name)
    except NotFound:
        raise absent(name) from None
    if publication.live is None:
        raise absent(name)
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


def absent(name: str) -> NotFound:
    """Return the error for a name under which the sender of a request may see nothing."""
    return NotFound(f"Nothing is published as {name!r}.", hint="GET /publications lists all.")
