"""Opening of sources and publication versions through their plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from jupyter_etl.errors import (
    DeclarationError,
    NotFound,
    PublishError,
    SourceError,
    user_code_boundary,
)
from jupyter_etl.language.schedules.timezones import parse_instant
from jupyter_etl.language.sources import file_kind
from jupyter_etl.model import (
    Committed,
    Publication,
    PublicationKind,
    PublicationVersion,
    Source,
    Staged,
    TableInfo,
)
from jupyter_etl.ports import Access, Connector, Publisher, Reading, ReadRequest
from jupyter_etl.publishing.files.publisher import records_types
from jupyter_etl.publishing.selection import limited
from jupyter_etl.publishing.tables.staging import staged_rows
from jupyter_etl.services.plugins import load_block


class Catalogue(Protocol):
    """Looks up publications: the ledger's facade or a kernel's channel."""

    def publication(self, name: str) -> Publication:
        """Return a publication; raises `NotFound`."""
        ...

    def history(self, name: str, *, draft: bool = False) -> list[PublicationVersion]:
        """Return the versions of a publication, newest first."""
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
        catalogue: Where to look it up.
        number: Version number; None for the newest.
        as_of: The version that was the newest at this instant, aware.
        draft: Whether to search the drafts.

    Raises:
        DeclarationError: Both a number and an instant are given.
        NotFound: There is no such publication or version, or its content was pruned.
    """
    if as_of is not None:
        if number is not None:
            raise DeclarationError("Select a version by its number or by a time, not by both.")
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
    """Parse the instant of ``as_of``.

    Args:
        given: Aware, or local time in the time zone; text is ISO 8601.
        timezone: IANA name.

    Raises:
        DeclarationError: The text is not a valid time.
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
            f"{version.pruned_at:%Y-%m-%d}; its rows or files were deleted.",
            hint=f"List the remaining versions: jupyter etl history {version.name}. "
            "JUPYTER_ETL_KEEP_VERSIONS and JUPYTER_ETL_KEEP_DAYS set how long versions are "
            "kept.",
        )
    return version


def number_before(versions: Sequence[PublicationVersion], number: int) -> int:
    """Return the number of the preceding version; numbers may have gaps after a restore.

    Args:
        versions: All versions of a publication, newest first.

    Raises:
        NotFound: It is the first.
    """
    for version in versions:
        if version.number < number:
            return version.number
    name = versions[0].name
    raise NotFound(f"There is no version of {name!r} before version {number}, the first.")


def live_version(publication: Publication) -> PublicationVersion:
    """Return the version that consumers get; raises `NotFound` if there are only drafts."""
    if publication.live is None:
        raise NotFound(
            f"{publication.name!r} has no live version yet, only drafts.",
            hint=f"Read the draft with draft=True, or run {publication.pipeline or 'its notebook'}.",
        )
    return publication.live


def connector_for(kind: str) -> Connector:
    """Return the connector for a kind of source; errors as in `load_block`."""
    return cast("Connector", load_block("connector", kind)())


def publisher_for(kind: PublicationKind) -> Publisher:
    """Return the publisher for a kind of output; errors as in `load_block`."""
    return cast("Publisher", load_block("publisher", kind.value)())


def check_source(source: Source) -> None:
    """Reject a declaration that its connector could not read; nothing is opened.

    Raises:
        DeclarationError: No connector is installed for the kind, or an option is not valid.
        MissingDependency: The connector needs a package that is not installed.
    """
    connector = connector_for(source.kind)
    # Connectors of other packages may predate this method.
    check = getattr(connector, "check", None)
    if check is not None:
        with user_code_boundary(f"The connector of {source.name!r} ({source.kind})", SourceError):
            check(source)


def open_source(source: Source, request: ReadRequest, access: Access) -> Reading:
    """Start reading a source; raises `SourceError`."""
    begun = perf_counter()
    with user_code_boundary(f"The connector of {source.name!r} ({source.kind})", SourceError):
        reading = connector_for(source.kind).read(source, request, access)
        return replace(reading, begun=begun)


def tables_of(source: Source, access: Access) -> list[TableInfo]:
    """List the tables of a source; raises `SourceError`."""
    with user_code_boundary(f"The connector of {source.name!r} ({source.kind})", SourceError):
        return connector_for(source.kind).tables(source, access)


def open_version(version: PublicationVersion, request: ReadRequest) -> Reading:
    """Start reading one version of a publication.

    A file that a notebook wrote itself has no recorded types and is read like a source.

    Raises:
        PublishError: It has no rows, or its files do not exist.
        SourceError: A file without recorded types cannot be read.
    """
    begun, what = perf_counter(), version.what
    if what.kind is PublicationKind.FILE and not records_types(what):
        kind = file_kind(what.location)
        if kind is not None and request.query is None:
            source = Source(name=version.name, kind=kind, location=what.location)
            access = access_with(secret=_no_secret, publication=_no_publication)
            return replace(open_source(source, request, access), version=str(version.number))
    with user_code_boundary(f"The publisher of {version.name!r}", PublishError):
        reading = publisher_for(version.what.kind).read(version, request)
        return replace(reading, begun=begun)


def open_staged(staged: Staged, *, limit: int | None) -> Reading:
    """Start reading staged data that has not been published.

    Args:
        limit: Maximum number of rows; None for all.

    Raises:
        PublishError: It has no rows, or its files cannot be read.
        SourceError: A file without recorded types cannot be read.
    """
    if staged.kind is PublicationKind.TABLE:
        with user_code_boundary(f"Reading what is staged as {staged.name!r}", PublishError):
            rows = staged_rows(Path(staged.folder), staged.files, staged.partition_by)
            batches = limited(rows, rows.schema.names, limit)
            return Reading(batches=batches, total_rows=staged.rows)
    location = str(Path(staged.folder, *staged.files[:1]))
    if staged.kind is PublicationKind.FILE and (staged.layout or file_kind(location)):
        return open_version(_as_version(staged, location), ReadRequest(limit=limit))
    raise PublishError(
        f"{staged.name!r} is a {staged.kind} without rows.",
        hint="See the executed notebook."
        if staged.kind is PublicationKind.REPORT
        else f"Open the file itself: {location}",
    )


def _as_version(staged: Staged, location: str) -> PublicationVersion:
    return PublicationVersion(
        name=staged.name,
        number=0,
        draft=True,
        what=Committed(
            name=staged.name,
            kind=staged.kind,
            location=location,
            rows=staged.rows,
            bytes=staged.bytes,
            columns=staged.columns,
            layout=staged.layout,
        ),
        owner="",
        pipeline="",
        run_id=None,
        notebook="",
        published_at=datetime.fromtimestamp(0, UTC),
    )


def _no_secret(name: str) -> str:
    raise NotFound(f"A published file needs no secret {name!r}.")


def _no_publication(name: str) -> Publication:
    raise NotFound(f"A published file needs no publication {name!r}.")


def access_with(
    *,
    secret: Callable[[str], str],
    frame: Callable[[str], object] | None = None,
    publication: Callable[[str], Publication],
    timezone: str = "",
) -> Access:
    """Return the services that a connector may use.

    Args:
        secret: Resolves the names of secrets.
        frame: Finds a variable of the notebook; None outside a notebook.
        timezone: See `Access`.
    """

    def no_frame(name: str) -> object:
        raise NotFound(
            f"The frame {name!r} is in the kernel of its notebook and cannot be read here.",
            hint="Publish it as a table to read it elsewhere.",
        )

    def open_publication(name: str) -> Reading:
        return open_version(live_version(publication(name)), ReadRequest())

    return Access(
        secret=secret,
        frame=frame or no_frame,
        publication=open_publication,
        timezone=timezone,
    )
