"""The incremental loads of a run: their starts, and the values that they reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from jupyter_etl.errors import DeclarationError, PublishError
from jupyter_etl.language.cursors import is_further, order_of
from jupyter_etl.model import (
    Batch,
    Cause,
    Cursor,
    CursorMove,
    CursorStart,
    CursorValue,
    NewRun,
    PublishMode,
    Read,
    Run,
    Staged,
    Watermark,
)


class CursorBook:
    """The cursors of one attempt; the start of each is fixed when it is first requested.

    Not thread-safe: its owner has a lock.
    """

    def __init__(self, new: NewRun) -> None:
        self._new = new
        self._until: datetime | None = None
        self._starts: dict[Cursor, CursorStart] = {}
        self._moves: dict[Cursor, CursorMove] = {}

    @property
    def moves(self) -> tuple[CursorMove, ...]:
        """The moves of the cursors that were read, one per cursor."""
        return tuple(self._moves.values())

    def start(self, cursor: Cursor, watermark: Watermark | None, now: datetime) -> CursorStart:
        """Return the start of loads by a cursor; the first call fixes it.

        Args:
            watermark: The watermark in the ledger; None if there is none.
        """
        if self._until is None:
            self._until = _until(self._new, now)
        after, era = (None, 0) if watermark is None else (watermark.value, watermark.era)
        start = CursorStart(after=after, era=era, until=self._until)
        return self._starts.setdefault(cursor, start)

    def known(self, cursor: Cursor) -> CursorStart | None:
        """Return the start of loads by a cursor if it was fixed before, else None."""
        return self._starts.get(cursor)

    def move(self, move: CursorMove) -> CursorMove:
        """Record a load.

        Raises:
            DeclarationError: It has another start, or a value of the wrong kind.
        """
        start = self._starts.get(move.cursor)
        if start is None:
            raise DeclarationError(f"No load by {move.cursor.label} has begun in this run.")
        for value in filter(None, (move.upto, move.value)):
            order_of(value)
        before = self._moves.get(move.cursor)
        noted = replace(move, start=start)
        if before is not None:
            noted = replace(noted, value=_greater(before.value, move.value))
        if start.upto is None:
            self._starts[move.cursor] = replace(start, upto=move.upto)
        self._moves[move.cursor] = noted
        return noted

    def take_over(self, moves: Iterable[CursorMove]) -> None:
        """Restore the moves of an earlier attempt of the run."""
        self._moves = {move.cursor: move for move in moves}
        self._starts = {
            move.cursor: replace(move.start, upto=move.upto) for move in self._moves.values()
        }


def with_batches(staged: Iterable[Staged], moves: Iterable[CursorMove], run: Run) -> list[Staged]:
    """Mark the rows that a run appends by incremental loads as unique to the run.

    The interval does not identify such rows: a second run for the same interval reads others.
    """
    begun = [f"{m.cursor.label}>{m.start.after.text if m.start.after else ''}" for m in moves]
    if not begun:
        return list(staged)
    batch = Batch(key=f"run:{run.id} {' '.join(sorted(begun))}")
    return [replace(one, batch=batch) for one in staged]


def refuse_doubles(
    staged: Iterable[Staged], moves: Iterable[CursorMove], now: Mapping[Cursor, Watermark | None]
) -> None:
    """Refuse to append rows that another run has published since this one started reading.

    Args:
        staged: The outputs to commit.
        now: The watermarks, read under the publication locks.

    Raises:
        PublishError: A watermark was moved; the next attempt starts after it.
    """
    if all(one.mode is not PublishMode.APPEND for one in staged):
        return
    for move in moves:
        found = now.get(move.cursor)
        value, era = (None, 0) if found is None else (found.value, found.era)
        if (value, era) != (move.start.after, move.start.era):
            raise PublishError(
                f"The watermark of {move.cursor.label} moved from {_value_text(move.start.after)} to "
                f"{_value_text(value)} since this run started to read; its appended rows might be "
                "duplicates.",
                hint="A further attempt reads from there. With --mode upsert runs may overlap.",
                retryable=True,
            )


def noted_reads(
    reads: Iterable[Read], moves: Iterable[CursorMove], why_not: str
) -> tuple[Read, ...]:
    """Add to each incremental load the reason why its watermark does not move.

    Args:
        why_not: The reason; "" if they move.
    """
    by_cursor = {(move.cursor.source, move.cursor.table) for move in moves}
    return tuple(
        replace(read, note=f"{read.note}; {why_not}")
        if why_not and read.note and (read.source, read.table) in by_cursor
        else read
        for read in reads
    )


def _until(new: NewRun, now: datetime) -> datetime:
    """Return the end of a run's data interval, however late it is executed."""
    planned = new.cause in (Cause.SCHEDULE, Cause.BACKFILL)
    return min(new.interval.end, now) if planned else now


def _greater(one: CursorValue | None, other: CursorValue | None) -> CursorValue | None:
    if one is None or other is None:
        return one or other
    if one.kind is not other.kind:
        raise DeclarationError(f"A cursor of {one.kind}s became one of {other.kind}s.")
    return other if is_further(other, one) else one


def _value_text(value: CursorValue | None) -> str:
    return "the start" if value is None else value.text
