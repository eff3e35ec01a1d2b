"""The first rows of a source or publication, with their total number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.model import Column, TableInfo

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.ports import Reading


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first rows.

    Args:
        data: At most as many rows as requested.
        total_rows: Total number of rows; None if counting would need a scan.
        notes: See `Reading.notes`.
    """

    data: pa.Table
    total_rows: int | None
    notes: tuple[str, ...] = ()


def info_of(table: pa.Table) -> TableInfo:
    """Describe a table; a column is nullable if it contains NULL."""
    columns = tuple(
        Column(name=field.name, type=str(field.type), nullable=bool(column.null_count))
        for field, column in zip(table.schema, table.columns, strict=True)
    )
    return TableInfo(name="", columns=columns, rows=table.num_rows)


def values_of(column: pa.Array | pa.ChunkedArray) -> list[object]:
    """Return the values of a column; as text where Python has none, as for the year 20,000."""
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError):
        import pyarrow as pa

        values = column.cast(pa.string()).to_pylist()
    return values


def preview_of(reading: Reading, limit: int) -> Preview:
    """Read the first rows and close the reader.

    Args:
        reading: A reading that was just opened.
    """
    import pyarrow as pa

    batches, rows, ended = [], 0, False
    while rows < limit:
        try:
            batch = reading.batches.read_next_batch()
        except StopIteration:
            ended = True
            break
        batches.append(batch)
        rows += batch.num_rows
    table = pa.Table.from_batches(batches, reading.batches.schema)
    reading.batches.close()
    total = reading.total_rows
    if total is None and ended:
        total = rows
    return Preview(data=table.slice(0, limit), total_rows=total, notes=reading.notes)
