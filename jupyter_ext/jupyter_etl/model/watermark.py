"""How far an incremental load has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CursorKind(StrEnum):
    """What the values of a cursor column are; each kind has an order of its own."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    """Without a time zone."""
    INSTANT = "instant"
    """A timestamp with a time zone, kept in UTC."""


@dataclass(frozen=True, kw_only=True)
class CursorValue:
    """A value of a cursor column, exact, as text.

    Args:
        kind: What the text is.
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
        table: Table inside the source, or "".
        column: Its name.
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
        pipeline: Whose loads.
        cursor: The column.
        value: Rows up to here were published; None where the next load begins at the start.
        era: How often a person has set it. What a run has read in an earlier era moves nothing.
        run_id: The run that moved it last; None where a person did.
        moved_by: That person, or the owner of the run.
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
        pipeline, cursor: As on `Watermark`.
        value: The watermark when the version was published; None for the start.
        begun: Where the first load began whose rows the publication contains; None for the start.
    """

    pipeline: str
    cursor: Cursor
    value: CursorValue | None
    begun: CursorValue | None


@dataclass(frozen=True, kw_only=True)
class CursorStart:
    """Where an incremental load begins and ends; the same for all loads of one attempt.

    Args:
        after: The watermark; None for all rows.
        era: Of the watermark.
        until: Greatest instant that a cursor of times may have, UTC.
        upto: Greatest value that the first load of the attempt allowed; None before it.
    """

    after: CursorValue | None
    era: int
    until: datetime
    upto: CursorValue | None = None


@dataclass(frozen=True, kw_only=True)
class CursorMove:
    """What an incremental load has read, and so how far the watermark may move.

    Args:
        cursor: The column.
        start: Where it began.
        upto: Greatest value that was allowed; None where the rows have no value.
        value: Greatest value that was read; None where there was no row.
        rows: How many rows were read.
        nulls: How many rows have no value and were left out.
    """

    cursor: Cursor
    start: CursorStart
    upto: CursorValue | None
    value: CursorValue | None
    rows: int
    nulls: int = 0
