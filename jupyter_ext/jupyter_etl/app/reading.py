"""Open sources and publications through their blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import cast

from jupyter_etl.app.registry import load_block
from jupyter_etl.app.versions import live_version
from jupyter_etl.errors import NotFound, PublishError, SourceError, user_code_boundary
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
from jupyter_etl.publishing.file_publisher import says_types
from jupyter_etl.publishing.reading import limited
from jupyter_etl.publishing.staging import staged_rows
from jupyter_etl.spec.source import file_kind


def connector_for(kind: str) -> Connector:
    """Return a connector of that kind; raises as `load_block`."""
    return cast("Connector", load_block("connector", kind)())


def publisher_for(kind: PublicationKind) -> Publisher:
    """Return a publisher of that kind; raises as `load_block`."""
    return cast("Publisher", load_block("publisher", kind.value)())


def check_source(source: Source) -> None:
    """Refuse a declaration that its connector could not read; nothing is opened.

    Raises:
        DeclarationError: No connector is installed for the kind, or an option is wrong.
        MissingDependency: The connector needs a package that is not installed.
    """
    connector = connector_for(source.kind)
    # Connectors of other packages may be older than this method.
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
    """List what a source holds; raises `SourceError`."""
    with user_code_boundary(f"The connector of {source.name!r} ({source.kind})", SourceError):
        return connector_for(source.kind).tables(source, access)


def open_version(version: PublicationVersion, request: ReadRequest) -> Reading:
    """Start reading one version of a publication.

    A file that a notebook wrote itself has no recorded types: it is read like a source.

    Raises:
        PublishError: It has no rows, or its files do not exist.
        SourceError: A file without recorded types cannot be read.
    """
    begun, what = perf_counter(), version.what
    if what.kind is PublicationKind.FILE and not says_types(what):
        kind = file_kind(what.location)
        if kind is not None and request.query is None:
            source = Source(name=version.name, kind=kind, location=what.location)
            access = access_with(secret=_no_secret, publication=_no_publication)
            return replace(open_source(source, request, access), version=str(version.number))
    with user_code_boundary(f"The publisher of {version.name!r}", PublishError):
        reading = publisher_for(version.what.kind).read(version, request)
        return replace(reading, begun=begun)


def open_staged(staged: Staged, *, limit: int) -> Reading:
    """Start reading what a run has staged and nobody has published.

    Args:
        staged: Its files are there.
        limit: The most rows to read.

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
        hint="Look at the executed notebook."
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
    """Return what a connector is handed.

    Args:
        secret: Resolves the names of secrets.
        frame: Finds a variable of the notebook; None outside of one.
        publication: Finds a publication.
        timezone: As in `Access`.
    """

    def no_frame(name: str) -> object:
        raise NotFound(
            f"The frame {name!r} lives in its notebook's kernel and cannot be read from here.",
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
