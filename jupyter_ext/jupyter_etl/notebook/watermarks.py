"""Incremental loads: the rows since the last run that published."""

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
    """An incremental load.

    Args:
        column: The cursor column: rows with values beyond the watermark are read.
        lag: How far before the watermark to start, for late rows: a duration for times, a
            number for numbers; "" for none.
        key: Columns that identify rows; of several rows with one key, only the newest is returned.
        columns: Names to return, in order; None for all.
    """

    column: str
    lag: str = ""
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None

    def cursor(self, target: Target) -> Cursor:
        """Return the cursor, with the public name of what is read.

        Raises:
            DeclarationError: It is a variable, which other runs do not have.
        """
        origin = target.source or target.publication
        if origin is None:
            raise DeclarationError(
                f"{target.name} is a variable of this notebook, which has no watermark.",
                hint="Load a source or a publication: %etl load SOURCE.TABLE --since COLUMN",
            )
        return Cursor(source=origin.name, table=target.table, column=self.column)

    def request(self, target: Target, start: CursorStart) -> ReadRequest:
        """Return the request for a connector."""
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
        """Read the rows; each batch is passed to ``keep`` before it is stored.

        Returns:
            What was read, and the requested part of it.
        """
        from jupyter_etl.sources.increments import newest_of_each, read_increment

        bounds = self.bounds(start, context)
        found = read_increment(reading, bounds, what=target.name, column=self.column, keep=keep)
        table = found.table
        if self.key:
            table = newest_of_each(table, self.key, self.column, what=target.name)
        return found, table if self.columns is None else table.select(list(self.columns))

    def bounds(self, start: CursorStart, context: RunContext) -> Bounds:
        """Return the range of cursor values to read."""
        from jupyter_etl.sources.increments import Bounds

        return Bounds(
            after=self._after(start), upto=start.upto, until=start.until, zone=context.timezone
        )

    def _after(self, start: CursorStart) -> CursorValue | None:
        return lagged(start.after, self.lag) if start.after and self.lag else start.after


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """The rows since the watermark, as a stream.

    Args:
        reader: Reads the rows.
        report: Reports the new watermark to the channel and prints what was read. Call it after
            all rows have been staged.
    """

    reader: pa.RecordBatchReader
    report: Callable[[], None]


def load_since(
    wanted: IncrementalLoad,
    target: Target,
    channel: Channel,
    open_reading: Callable[[ReadRequest], Reading],
    *,
    keep: Callable[[pa.RecordBatch], None],
) -> tuple[pa.Table, Read, str]:
    """Read the rows since the watermark, and report the new watermark to the channel.

    Args:
        open_reading: Starts reading the target.
        keep: Called with each batch of new rows before it is stored; may raise `LimitExceeded`.

    Returns:
        The rows, the read to record, and a note for the user.

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
    return table, read, _summary(cursor, note, channel)


def stream_since(
    wanted: IncrementalLoad,
    target: Target,
    channel: Channel,
    open_reading: Callable[[ReadRequest], Reading],
    *,
    reporting: Callable[[Target], AbstractContextManager[None]],
) -> NewRows:
    """Return the rows since the watermark as a stream.

    Args:
        wanted, target, channel, open_reading: See `load_since`. A key is not possible, because
            it would require all rows in memory.
        reporting: Reports a source that cannot be read.

    Raises:
        DeclarationError, SourceError: See `load_since`; also raised later, by the reader.
    """
    import pyarrow as pa

    from jupyter_etl.sources.increments import batches_between

    cursor = wanted.cursor(target)
    start = channel.cursor_start(cursor)
    bounds = wanted.bounds(start, channel.context)
    with reporting(target):
        reading = open_reading(wanted.request(target, start))

    ends: list[Extent] = []
    sizes: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        with reporting(target):
            rows = batches_between(reading, bounds, what=target.name, column=wanted.column)
            while True:
                try:
                    batch = next(rows)
                except StopIteration as end:
                    ends.append(end.value)
                    return
                sizes.append(batch.nbytes)
                yield batch

    def report() -> None:
        [found] = ends
        move = _moved(cursor, start, found)
        note = _note(wanted, move, found.rows, found)
        channel.report_read(_read(cursor, reading, rows=found.rows, size=sum(sizes), note=note))
        channel.report_move(move)
        sys.stdout.write(f"{_summary(cursor, note, channel)}\n")

    rows = pa.RecordBatchReader.from_batches(reading.batches.schema, batches())
    return NewRows(reader=rows, report=report)


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


def _summary(cursor: Cursor, note: str, channel: Channel) -> str:
    interactive = channel.context.id is None
    stays = "; interactive, so the watermark does not move" if interactive else ""
    return f"{cursor.label}: {note}{stays}"


def _note(wanted: IncrementalLoad, move: CursorMove, returned: int, found: Extent) -> str:
    """Describe which rows were read, how many were not returned, and why."""
    start = move.start.after
    begin = (
        "the start" if start is None else f"{start.text}{f' - {wanted.lag}' if wanted.lag else ''}"
    )
    end = f" up to {move.upto.text}" if move.upto else ""
    parts = [f"{move.rows:,} rows after {begin}{end}"]
    if returned < move.rows:
        parts.append(f"{returned:,} of them the newest of their {', '.join(wanted.key)}")
    if move.nulls:
        parts.append(f"{move.nulls:,} rows without {wanted.column} skipped")
    if found.later:
        parts.append(f"{found.later:,} later rows are left for the next run")
    if found.note:
        parts.append(found.note)
    return "; ".join(parts)
