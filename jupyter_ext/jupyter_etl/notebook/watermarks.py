"""Incremental loads: the rows that came since the last run that published."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.cursors import lagged
from jupyter_etl.model import Cursor, CursorMove, CursorStart, CursorValue, Read, RunContext
from jupyter_etl.ports import Channel, Reading, ReadRequest
from jupyter_etl.services.targets import Target

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.sources.increments import Bounds, Extent, Increment


@dataclass(frozen=True, kw_only=True)
class IncrementalLoad:
    """What an incremental load is asked for.

    Args:
        column: The cursor: rows whose value lies behind the watermark are read.
        lag: How far before the watermark to begin, for rows that came late: a duration for times,
            a number for numbers; "" for none.
        key: Columns that tell rows apart; of the rows of one key only the newest is returned.
        columns: Names to return, in order; None for all.
    """

    column: str
    lag: str = ""
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None

    def cursor(self, target: Target) -> Cursor:
        """Return the cursor, by the name under which everybody finds what is read.

        Raises:
            DeclarationError: It is a variable, of which no other run knows anything.
        """
        origin = target.source or target.publication
        if origin is None:
            raise DeclarationError(
                f"{target.name} is a variable of this notebook, which has no watermark.",
                hint="Load a source or a publication: %etl load SOURCE.TABLE --since COLUMN",
            )
        return Cursor(source=origin.name, table=target.table, column=self.column)

    def request(self, target: Target, start: CursorStart) -> ReadRequest:
        """Return what a connector is asked for."""
        from jupyter_etl.sources.increments import since_of

        after = self._after(start)
        since = None if after is None else since_of(self.column, after)
        columns = self.columns
        if columns is not None:
            columns = tuple(dict.fromkeys((*columns, self.column, *self.key)))
        return ReadRequest(table=target.table, columns=columns, since=since)

    def read(
        self,
        target: Target,
        reading: Reading,
        start: CursorStart,
        context: RunContext,
        keep: Callable[[pa.RecordBatch], None],
    ) -> tuple[Increment, pa.Table]:
        """Read the rows; each batch of them is given to ``keep`` before it is kept.

        Returns:
            What was read, and of it what is asked for.
        """
        from jupyter_etl.sources.increments import newest_of_each, read_increment

        bounds = self.bounds(start, context)
        found = read_increment(reading, bounds, what=target.name, column=self.column, keep=keep)
        table = found.table
        if self.key:
            table = newest_of_each(table, self.key, self.column, what=target.name)
        return found, table if self.columns is None else table.select(list(self.columns))

    def bounds(self, start: CursorStart, context: RunContext) -> Bounds:
        """Return between which values rows are read."""
        from jupyter_etl.sources.increments import Bounds

        return Bounds(
            after=self._after(start), upto=start.upto, until=start.until, zone=context.timezone
        )

    def _after(self, start: CursorStart) -> CursorValue | None:
        return lagged(start.after, self.lag) if start.after and self.lag else start.after


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """What came since the watermark, handed out piece by piece.

    Args:
        reader: Of the rows.
        tell: Tells the channel how far they go, and a person what was read; to be called once all
            of them have been handed on to where the run publishes them.
    """

    reader: pa.RecordBatchReader
    tell: Callable[[], None]


def load_since(
    wanted: IncrementalLoad,
    target: Target,
    channel: Channel,
    open_reading: Callable[[ReadRequest], Reading],
    *,
    keep: Callable[[pa.RecordBatch], None],
) -> tuple[pa.Table, Read, str]:
    """Read what came since the watermark, and tell the channel how far that is.

    Args:
        open_reading: Starts reading the target.
        keep: Called with each batch of new rows before it is kept; may raise `LimitExceeded`.

    Returns:
        The rows, what was read for the record, and what a person should know.

    Raises:
        DeclarationError: It is a variable, or the lag does not fit the column.
        SourceError: It cannot be read by that column.
    """
    cursor = wanted.cursor(target)
    start = channel.cursor_start(cursor)
    reading = open_reading(wanted.request(target, start))
    found, table = wanted.read(target, reading, start, channel.context, keep)
    move = _moved(cursor, start, found)
    note = _note(wanted, move, table.num_rows, found)
    read = _read(cursor, reading, rows=table.num_rows, size=table.nbytes, note=note)
    channel.report_move(move)
    return table, read, _said(cursor, note, channel)


def stream_since(
    wanted: IncrementalLoad,
    target: Target,
    channel: Channel,
    open_reading: Callable[[ReadRequest], Reading],
    *,
    telling: Callable[[Target], AbstractContextManager[None]],
) -> NewRows:
    """Hand out what came since the watermark piece by piece.

    Args:
        wanted, target, channel, open_reading: As for `load_since`; there is no key, for which all
            rows would have to be kept.
        telling: Tells the runner of a source that cannot be read.

    Raises:
        DeclarationError, SourceError: As `load_since`; also later, by the reader.
    """
    import pyarrow as pa

    from jupyter_etl.sources.increments import batches_between

    cursor = wanted.cursor(target)
    start = channel.cursor_start(cursor)
    bounds = wanted.bounds(start, channel.context)
    with telling(target):
        reading = open_reading(wanted.request(target, start))

    ends: list[Extent] = []
    sizes: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        with telling(target):
            rows = batches_between(reading, bounds, what=target.name, column=wanted.column)
            while True:
                try:
                    batch = next(rows)
                except StopIteration as end:
                    ends.append(end.value)
                    return
                sizes.append(batch.nbytes)
                yield batch

    def tell() -> None:
        [found] = ends
        move = _moved(cursor, start, found)
        note = _note(wanted, move, found.rows, found)
        channel.report_read(_read(cursor, reading, rows=found.rows, size=sum(sizes), note=note))
        channel.report_move(move)
        sys.stdout.write(f"{_said(cursor, note, channel)}\n")

    rows = pa.RecordBatchReader.from_batches(reading.batches.schema, batches())
    return NewRows(reader=rows, tell=tell)


def _read(cursor: Cursor, reading: Reading, *, rows: int, size: int, note: str) -> Read:
    return Read(
        source=cursor.source,
        table=cursor.table,
        version=reading.version,
        rows=rows,
        bytes=size,
        note=note,
        seconds=reading.seconds,
    )


def _moved(cursor: Cursor, start: CursorStart, found: Extent) -> CursorMove:
    return CursorMove(
        cursor=cursor,
        start=start,
        upto=found.upto,
        value=found.value,
        rows=found.rows,
        nulls=found.nulls,
    )


def _said(cursor: Cursor, note: str, channel: Channel) -> str:
    interactive = channel.context.id is None
    stays = "; interactive, so the watermark does not move" if interactive else ""
    return f"{cursor.label}: {note}{stays}"


def _note(wanted: IncrementalLoad, move: CursorMove, returned: int, found: Extent) -> str:
    """Say which rows were read, and how many were not and why."""
    start = move.start.after
    begin = (
        "the start" if start is None else f"{start.text}{f' - {wanted.lag}' if wanted.lag else ''}"
    )
    end = f" up to {move.upto.text}" if move.upto else ""
    said = [f"{move.rows:,} rows after {begin}{end}"]
    if returned < move.rows:
        said.append(f"{returned:,} of them the newest of their {', '.join(wanted.key)}")
    if move.nulls:
        said.append(f"{move.nulls:,} rows without {wanted.column} skipped")
    if found.later:
        said.append(f"{found.later:,} later rows are left for the next run")
    if found.note:
        said.append(found.note)
    return "; ".join(said)
