"""How many values the columns of parquet files hold, from their footers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

_FLOATS = ("FLOAT", "DOUBLE")


@dataclass(frozen=True, kw_only=True)
class ColumnValues:
    """The number of rows and values in one or several parquet files.

    Args:
        rows: Their number.
        values: By column, how many values are not NULL, also inside nested ones; a column of
            floats with only NaN has none; None if the footer has no count.
    """

    rows: int
    values: Mapping[str, int | None]

    def plus(self, other: ColumnValues) -> ColumnValues:
        """Add the counts of another file."""
        both = {**other.values, **self.values}
        for name in self.values.keys() & other.values.keys():
            mine, its = self.values[name], other.values[name]
            both[name] = None if mine is None or its is None else mine + its
        return ColumnValues(rows=self.rows + other.rows, values=both)


def values_in(file: Path | IO[bytes]) -> ColumnValues:
    """Read the footer of a parquet file."""
    import pyarrow.parquet as pq

    footer = pq.read_metadata(file)
    counted: dict[str, int | None] = {}
    place = 0
    for field in footer.schema.to_arrow_schema():
        leaves = range(place, place + _leaves(field.type))
        place = leaves.stop
        counted[field.name] = _sum([_values(footer, leaf) for leaf in leaves])
    return ColumnValues(rows=footer.num_rows, values=counted)


def _leaves(kind: pa.DataType) -> int:
    return sum(_leaves(kind.field(n).type) for n in range(kind.num_fields)) or 1


def _values(footer: pq.FileMetaData, leaf: int) -> int | None:
    if str(footer.schema.column(leaf).logical_type) == "Null":
        # Such a column has no statistics.
        return 0
    return _sum(
        [_values_of(footer.row_group(group).column(leaf)) for group in range(footer.num_row_groups)]
    )


def _values_of(chunk: pq.ColumnChunkMetaData) -> int | None:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_null_count:
        return None
    if chunk.physical_type in _FLOATS and not statistics.has_min_max:
        # Bounds leave NaN out, so there is nothing else.
        return 0
    return int(chunk.num_values - statistics.null_count)


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    # One value is enough to know that there are some.
    return sum(known) if len(known) == len(counts) or any(known) else None
