"""The first rows of something, with how many there are."""

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
        data: At most as many rows as were asked for.
        total_rows: How many there are in all; None where that would cost a scan.
        notes: As `Reading.notes`.
    """

    data: pa.Table
    total_rows: int | None
    notes: tuple[str, ...] = ()


def info_of(table: pa.Table) -> TableInfo:
    """Describe a frame; a column is nullable where it has NULLs."""
    columns = tuple(
        Column(name=field.name, type=str(field.type), nullable=bool(column.null_count))
        for field, column in zip(table.schema, table.columns, strict=True)
    )
    return TableInfo(name="", columns=columns, rows=table.num_rows)


def preview_of(reading: Reading, limit: int) -> Preview:
    """Read the first rows and let go of the rest.

    Args:
        reading: Just opened.
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
