"""Publications and their versions as responses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import asdict, replace

from jupyter_etl.model import (
    Column,
    Contract,
    Freshness,
    FreshnessState,
    Publication,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    VersionWatermark,
)
from jupyter_etl.rest.lines import publication_lines, version_lines
from jupyter_etl.rest.views.base import View
from jupyter_etl.rest.views.endpoints import EndpointView
from jupyter_etl.services.health import age_of, publication_freshness
from jupyter_etl.services.publications.publications import ways_in


class CommittedView(View, frozen=True):
    """The content of a version.

    Args:
        rows: Rows of the whole output.
        changed_rows: Rows that this version has written.
        content_hash: SHA-256 of a file or report; empty for a table.
        layout: Encoded layout of a file; empty for other kinds.
    """

    name: str
    kind: PublicationKind
    location: str
    delta_version: int | None
    rows: int | None
    changed_rows: int | None
    bytes: int
    columns: tuple[Column, ...]
    mode: PublishMode
    key: tuple[str, ...]
    partition_by: tuple[str, ...]
    contract: Contract
    title: str
    content_hash: str
    layout: str


class VersionLines(View, frozen=True):
    """Command lines that do the same as the buttons of a version.

    Args:
        diff: Compares it with the version before; empty for the oldest.
    """

    python: str
    diff: str
    rollback: str


class VersionView(View, frozen=True):
    """A version of a publication.

    Args:
        pruned_at: When its content was deleted; null while it can be read.
        note: Who approved it, or rolled back to it.
        watermarks: Watermarks of incremental loads; null for old versions.
        lines: Only in a history.
    """

    name: str
    number: int
    draft: bool
    what: CommittedView
    owner: str
    pipeline: str
    run_id: int | None
    notebook: str
    published_at: datetime
    pruned_at: datetime | None
    note: str
    watermarks: tuple[VersionWatermark, ...] | None
    lines: VersionLines | msgspec.UnsetType = msgspec.UNSET


class PublicationLines(View, frozen=True):
    """Command lines that do the same as the buttons of a publication."""

    python: str
    preview: str
    read: str
    history: str


class PublicationView(View, frozen=True):
    """A publication.

    Args:
        live: The version that consumers get; null if there are only drafts.
        draft: The newest draft.
        age_s: Age of the live version in seconds.
    """

    name: str
    kind: PublicationKind
    owner: str
    pipeline: str
    live: VersionView | None
    draft: VersionView | None
    freshness: Freshness | None
    created_at: datetime
    age_s: float | None
    fresh: FreshnessState
    lines: PublicationLines


class WayIn(View, frozen=True):
    """Code that reads a publication in another engine."""

    engine: str
    code: str


class PublicationDetail(PublicationView, frozen=True):
    """A publication with its live versions.

    Args:
        history: Newest first.
        ways_in: How other engines read the newest version; empty for files and reports.
        endpoint: How it is called; null for other kinds, and without a live version.
    """

    history: tuple[VersionView, ...]
    ways_in: tuple[WayIn, ...]
    endpoint: EndpointView | None = None


def publication_view(publication: Publication, *, now: datetime) -> PublicationView:
    """Make the view of a publication."""
    return PublicationView(
        name=publication.name,
        kind=publication.kind,
        owner=publication.owner,
        pipeline=publication.pipeline,
        live=version_view(publication.live) if publication.live else None,
        draft=version_view(publication.draft) if publication.draft else None,
        freshness=publication.freshness,
        created_at=publication.created_at,
        age_s=age_of(publication, now),
        fresh=publication_freshness(publication, now),
        lines=PublicationLines(**publication_lines(publication)),
    )


def version_view(version: PublicationVersion) -> VersionView:
    """Make the view of a version, without fields that only serve to check the lake."""
    return msgspec.convert(version, VersionView, from_attributes=True)


def publication_detail_view(
    publication: Publication,
    history: Sequence[PublicationVersion],
    *,
    now: datetime,
    endpoint: EndpointView | None = None,
) -> PublicationDetail:
    """Make the view of a publication with its live versions, newest first."""
    newest = publication.live or publication.draft
    return PublicationDetail(
        **asdict(publication_view(publication, now=now)),
        history=tuple(
            replace(version_view(one), lines=VersionLines(**version_lines(one, before)))
            for one, before in zip(history, [*history[1:], None], strict=True)
        ),
        ways_in=tuple(
            WayIn(engine=engine, code=code) for engine, code in (ways_in(newest) if newest else ())
        ),
        endpoint=endpoint,
    )
