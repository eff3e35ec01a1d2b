"""Watermarks of incremental loads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CursorKind(StrEnum):
    """Kind of a cursor column's values; each kind has its own order."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    """A timestamp without a time zone."""
    INSTANT = "instant"
    """A timestamp with a time zone, stored in UTC."""


@dataclass(frozen=True, kw_only=True)
class CursorValue:
    """A value of a cursor column, exact, as text.

    Args:
        kind: Kind of the value.
        text: ``42``, ``1.50``, any text, ``2026-01-31``, ``2026-01-31T06:00:00.123456789``, and
            the same with ``Z`` for an instant.
    """

    kind: CursorKind
    text: str


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The column that an incremental load follows.

    Args:
        source: Name of the source or publication.
        table: Table in the source, or "".
        column: Name of the column.
    """

    source: str
    table: str
    column: str

    @property
    def label(self) -> str:
        """``wh.orders.updated_at``."""
        return ".".join(part for part in (self.source, self.table, self.column) if part)


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """The highest committed value of a cursor column, for one pipeline.

    Args:
        pipeline: The pipeline of the loads.
        cursor: The column.
        value: Rows up to this value were published; None if the next load starts from the first
            row.
        era: Number of times that a user has set it. Reads of a run from an earlier era do not
            move it.
        run_id: The run that moved it last; None if a user did.
        moved_by: That user, or the owner of the run.
        moved_at: UTC.
    """

    pipeline: str
    cursor: Cursor
    value: CursorValue | None
    era: int
    run_id: int | None
    moved_by: str
    moved_at: datetime


@dataclass(frozen=True, kw_only=True)
class VersionWatermark:
    """The watermark of an incremental load whose rows a version of a publication contains.

    Args:
        pipeline, cursor: See `Watermark`.
        value: The watermark when the version was published; None for the start.
        begun: Start of the first load whose rows the publication contains; None for the first row.
    """

    pipeline: str
    cursor: Cursor
    value: CursorValue | None
    begun: CursorValue | None


@dataclass(frozen=True, kw_only=True)
class CursorStart:
    """The range of an incremental load; the same for all loads of one attempt.

    Args:
        after: The watermark; None for all rows.
        era: Era of the watermark.
        until: Greatest instant for a cursor of times, UTC.
        upto: Greatest value that the first load of the attempt allowed; None before it.
    """

    after: CursorValue | None
    era: int
    until: datetime
    upto: CursorValue | None = None


@dataclass(frozen=True, kw_only=True)
class CursorMove:
    """The extent of an incremental load, which determines the new watermark.

    Args:
        cursor: The column.
        start: Its start.
        upto: Greatest value in the range; None if the rows have no value.
        value: Greatest value that was read; None if there was no row.
        rows: Number of rows read.
        nulls: Number of rows without a value, which were skipped.
    """

    cursor: Cursor
    start: CursorStart
    upto: CursorValue | None
    value: CursorValue | None
    rows: int
    nulls: int = 0
