"""Choose one version of a publication."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.model import Publication, PublicationVersion
from jupyter_etl.spec.timezone import parse_instant


class Catalogue(Protocol):
    """Knows publications: the ledger's facade or a kernel's channel."""

    def publication(self, name: str) -> Publication:
        """Return one; raises `NotFound`."""
        ...

    def history(self, name: str, *, draft: bool = False) -> list[PublicationVersion]:
        """Return its versions, newest first."""
        ...


def choose_version(
    catalogue: Catalogue,
    name: str,
    *,
    number: int | None = None,
    as_of: datetime | None = None,
    draft: bool = False,
) -> PublicationVersion:
    """Return one version.

    Args:
        catalogue: Where to look.
        name: Of the publication.
        number: Of the version; None for the newest.
        as_of: The one that was the newest at that instant, aware.
        draft: Look among the drafts.

    Raises:
        DeclarationError: Both a number and an instant are given.
        NotFound: No publication or version is called so, and the message lists those there are; or
            its content was deleted to make room.
    """
    if as_of is not None:
        if number is not None:
            raise DeclarationError("A version is chosen by its number or by a time, not by both.")
        return _version_at(catalogue, name, as_of, draft=draft)
    if number is None and not draft:
        return live_version(catalogue.publication(name))
    versions = catalogue.history(name, draft=draft)
    for version in versions:
        if number is None or version.number == number:
            return _present(version)
    kind = "draft" if draft else "version"
    present = [str(v.number) for v in versions if v.pruned_at is None]
    known = ", ".join(present[:10]) or "none"
    wanted = f" {number}" if number is not None else ""
    raise NotFound(
        f"{name!r} has no {kind}{wanted}; there are: {known}.", hint=f"jupyter etl history {name}"
    )


def _version_at(
    catalogue: Catalogue, name: str, at: datetime, *, draft: bool
) -> PublicationVersion:
    versions = catalogue.history(name, draft=draft)
    for version in versions:
        if version.published_at <= at:
            return _present(version)
    kind = "draft" if draft else "version"
    first = f"; the first is of {versions[-1].published_at:%Y-%m-%d %H:%M:%S} UTC"
    raise NotFound(
        f"{name!r} had no {kind} at {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        f"{first if versions else ''}.",
        hint=f"jupyter etl history {name}",
    )


def instant_given(given: datetime | str, timezone: str) -> datetime:
    """Read the instant of ``as_of``.

    Args:
        given: Aware, or on the clock of the timezone; as text in ISO 8601.
        timezone: IANA name.

    Raises:
        DeclarationError: The text is no time.
    """
    if isinstance(given, str):
        return parse_instant(given, timezone)
    if given.tzinfo is None:
        return given.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    return given.astimezone(UTC)


def _present(version: PublicationVersion) -> PublicationVersion:
    if version.pruned_at is not None:
        raise NotFound(
            f"Version {version.number} of {version.name!r} was pruned on "
            f"{version.pruned_at:%Y-%m-%d}; its rows or files are gone.",
            hint=f"jupyter etl history {version.name} shows what there is; JUPYTER_ETL_KEEP_VERSIONS "
            "and JUPYTER_ETL_KEEP_DAYS say what is kept.",
        )
    return version


def number_before(versions: Sequence[PublicationVersion], number: int) -> int:
    """Return the number of the version before another; numbers may leave gaps after a restore.

    Args:
        versions: All of a publication, newest first.
        number: Of one of them.

    Raises:
        NotFound: It is the first.
    """
    for version in versions:
        if version.number < number:
            return version.number
    name = versions[0].name
    raise NotFound(f"There is no version of {name!r} before version {number}, the first.")


def live_version(publication: Publication) -> PublicationVersion:
    """Return what consumers get; raises `NotFound` where there are only drafts."""
    if publication.live is None:
        raise NotFound(
            f"{publication.name!r} has no live version yet, only drafts.",
            hint=f"Read the draft with draft=True, or run {publication.pipeline or 'its notebook'}.",
        )
    return publication.live
