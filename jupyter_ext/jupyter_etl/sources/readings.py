"""What all connectors share: column selection, row limits, and readings of Arrow data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.model import Column
from jupyter_etl.ports import Reading

if TYPE_CHECKING:
    import pyarrow as pa


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return the columns of a schema, with Arrow types as text."""
    return tuple(
        Column(name=field.name, type=str(field.type), nullable=field.nullable) for field in schema
    )


def choose(what: str, known: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    """Return the columns to read, in order.

    Args:
        what: Subject of the message: ``source 'trips'``.
        columns: Requested columns; None for all.

    Raises:
        SourceError: A column does not exist; the message lists the existing ones.
    """
    if columns is None:
        return list(known)
    there = set(known)
    for name in columns:
        if name not in there:
            raise SourceError(
                f"{what} has no column '{name}'; it has {listed(known)}.",
                hint=nearest(name, known).strip(),
                retryable=False,
                data={"column": name, "columns": list(known)},
            )
    return list(columns)


def refuse_twins(what: str, names: Iterable[str]) -> None:
    """Raise an error for two columns with the same name.

    Raises:
        SourceError: A name occurs twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SourceError(
                f"{what} has two columns named '{name}'.",
                hint="Give them different names: in SQL with AS, in a file in its header.",
                retryable=False,
            )
        seen.add(name)


def take(batches: Iterable[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    """Yield batches until ``limit`` rows have passed; None passes all."""
    left = limit
    for batch in batches:
        if left is None:
            yield batch
            continue
        if left <= 0:
            return
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return


def reading_of_table(
    table: pa.Table,
    *,
    what: str,
    columns: Sequence[str] | None,
    limit: int | None,
    version: str = "",
) -> Reading:
    """Return a reading of a table in memory.

    Args:
        columns, limit: See `ReadRequest`.

    Raises:
        SourceError: A column does not exist, or a name occurs twice.
    """
    refuse_twins(what, table.column_names)
    wanted = table.select(choose(what, table.column_names, columns))
    rows = wanted if limit is None else wanted.slice(0, limit)
    return Reading(batches=rows.to_reader(), version=version, total_rows=table.num_rows)


def reader_of(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    """Turn a generator into a reader; the generator is closed when the reader is released."""
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(schema, batches)


def owning_reader(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], close: Callable[[], None]
) -> pa.RecordBatchReader:
    """Return a reader that closes resources that are already open.

    Args:
        close: Called once: after the last batch, an error, or the release of the reader, even
            before its first batch.
    """
    import pyarrow as pa

    def handed_out() -> Iterator[pa.RecordBatch]:
        try:
            yield pa.RecordBatch.from_pylist([], schema=schema)
            yield from batches
        finally:
            close()

    started = handed_out()
    # A generator that has not started does not run its finally block.
    next(started)
    return pa.RecordBatchReader.from_batches(schema, started)
