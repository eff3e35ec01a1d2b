"""Comparison of a staged table with the live version: schemas, rows, and columns that are emptied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from jupyter_etl.model import (
    Difference,
    Emptied,
    PartitionRows,
    PublicationVersion,
    PublishMode,
    Staged,
)
from jupyter_etl.publishing.lake.layout import is_local
from jupyter_etl.publishing.tables.commit import is_whole, partition_of
from jupyter_etl.publishing.tables.delta import (
    arrow_schema,
    blank_columns,
    columns_of,
    facts_of,
    live_files,
)
from jupyter_etl.publishing.tables.record import open_published
from jupyter_etl.publishing.tables.schema_fit import change_of, narrowed
from jupyter_etl.publishing.tables.staging import partition_values, staged_rows, staged_schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


Partition = tuple[tuple[str, str | None], ...]
"""Partition columns and their values as text; empty if a table has no partitions."""

LiveFile = Mapping[str, object]
"""A row of `live_files`."""

_SHOWN = 3
_ALL: Partition = ()


def compare_staged(staged: Staged, previous: PublicationVersion) -> Difference:
    """Compare a staged table with a version.

    Raises:
        StorageError: The version is missing in the lake, or is damaged.
    """
    table = open_published(previous)
    whole = is_whole(staged)
    facts, new = facts_of(table), staged_schema(Path(staged.folder))
    present = arrow_schema(table)
    rows = staged_rows(Path(staged.folder), staged.files, staged.partition_by)
    change = change_of(
        present,
        narrowed(rows, new, present),
        typeless=frozenset(column.name for column in staged.columns if column.type == "null"),
        blank=blank_columns(table, new),
    )
    by_partition = staged.mode is PublishMode.REPLACE and not whole
    held = staged_values(staged, by_partition=by_partition)
    live: dict[Partition, list[dict[str, object]]] = {}
    for file in live_files(table):
        live.setdefault(partition_of(file, facts.partition_by), []).append(file)
    partitions = [
        PartitionRows(name=label_of(one), before=rows_of(live[one]), after=held[one].rows)
        for one in sorted(held.keys() & live.keys(), key=str)
    ]
    replaced = facts.rows if whole else None
    if by_partition:
        replaced = sum(one.before for one in partitions)
    return Difference(
        name=staged.name,
        number=previous.number,
        added=tuple(c for c in columns_of(new) if c.name in change.added),
        dropped=tuple(c for c in facts.columns if c.name in change.dropped),
        retyped=change.retyped,
        rows_before=facts.rows,
        rows_after=_rows_after(staged, facts.rows, replaced),
        replaced_rows=replaced,
        new_rows=None if replaced is None else staged.rows,
        emptied=emptied_columns(
            staged,
            held,
            location=previous.what.location,
            schema=arrow_schema(table),
            live=live,
            by_partition=by_partition,
        ),
        partitions=tuple(p for p in partitions if by_partition and p.before != p.after),
    )


def _rows_after(staged: Staged, before: int | None, replaced: int | None) -> int | None:
    if staged.mode is PublishMode.UPSERT or before is None or staged.rows is None:
        return None
    return before - (replaced or 0) + staged.rows


@dataclass
class _Found:
    """An emptied column and its partitions."""

    values: int | None = 0
    rows_before: int = 0
    new_rows: int = 0
    partitions: list[Partition] = field(default_factory=list)


def emptied_columns(
    staged: Staged,
    new: Mapping[Partition, ColumnValues],
    *,
    location: str,
    schema: pa.Schema,
    live: Mapping[Partition, Sequence[LiveFile]],
    by_partition: bool,
) -> tuple[Emptied, ...]:
    """Compare which columns contain values, from footers and the table's log.

    Args:
        new: Counts of the staged rows, from `staged_values`.
        live: Files of the live version, by partition.
        by_partition: Whether partitions are replaced, and each is compared with itself;
            otherwise all new rows are compared with all live rows.
    """
    everything = [file for files in live.values() for file in files]
    names = [name for name in schema.names if name not in _partition_columns(live)]
    found: dict[str, _Found] = {}
    for partition, held in new.items():
        files = live.get(partition, ()) if by_partition else everything
        for name in names if held.rows and files else ():
            if held.values.get(name, 0) == 0:
                _add(found, name, files, held, partition, location, schema)
    rows = staged.rows or 0
    present = {column.name for column in staged.columns}
    for name in set(names) - present - found.keys() if by_partition and rows else ():
        # New partitions replace nothing, but a missing column is missing in them too.
        held = ColumnValues(rows=rows, values={})
        _add(found, name, everything, held, _ALL, location, schema)
    return tuple(
        Emptied(
            name=name,
            absent=name not in present,
            values=one.values,
            rows_before=one.rows_before,
            new_rows=one.new_rows,
            partitions=tuple(label_of(p) for p in sorted(one.partitions, key=str)[:_SHOWN]),
            partition_count=len(one.partitions),
        )
        for name in names
        if (one := found.get(name)) is not None
    )


def rows_of(files: Iterable[LiveFile]) -> int:
    """Add up the rows of live files."""
    return sum(int(str(file.get("num_records") or 0)) for file in files)


def label_of(partition: Partition) -> str:
    """Return ``day=2026-01-01, country=fr``."""
    return ", ".join(f"{name}={'NULL' if value is None else value}" for name, value in partition)


def staged_values(staged: Staged, *, by_partition: bool) -> dict[Partition, ColumnValues]:
    """Read the footers of staged files, and sum them by partition or in total."""
    found: dict[Partition, ColumnValues] = {}
    for file in staged.files:
        partition = tuple(sorted(partition_values(file).items())) if by_partition else _ALL
        held = values_in(Path(staged.folder, file))
        found[partition] = found[partition].plus(held) if partition in found else held
    return found


def _partition_columns(live: Mapping[Partition, Sequence[LiveFile]]) -> set[str]:
    return {name for partition in live for name, _ in partition}


def _add(
    found: dict[str, _Found],
    name: str,
    files: Sequence[LiveFile],
    held: ColumnValues,
    partition: Partition,
    location: str,
    schema: pa.Schema,
) -> None:
    """Record a column that has values in live files."""
    import pyarrow as pa

    values = _logged_values(files, name)
    if values is None or (values and pa.types.is_floating(schema.field(name).type)):
        # The log counts NaN as a value, and has no counts for nested columns.
        values = values if any(_footers_show(files, name, location)) else 0
    if values == 0:
        return
    one = found.setdefault(name, _Found())
    one.values = None if values is None or one.values is None else one.values + values
    one.rows_before += rows_of(files)
    one.new_rows += held.rows
    if partition:
        one.partitions.append(partition)


def _logged_values(files: Sequence[LiveFile], name: str) -> int | None:
    total = 0
    for file in files:
        counts = file.get("null_count")
        nulls = counts.get(name) if isinstance(counts, Mapping) else None
        if not isinstance(nulls, int) or file.get("num_records") is None:
            return None
        total += rows_of([file]) - nulls
    return total


def _footers_show(files: Sequence[LiveFile], name: str, location: str) -> Iterator[bool]:
    """Yield for each file whether it has values; without counts, it is assumed to."""
    from urllib.parse import unquote

    import fsspec

    for file in files:
        path = unquote(str(file["path"]))
        if is_local(location):
            values = values_in(Path(location, path)).values
        else:
            with fsspec.open(f"{location}/{path}", "rb") as remote:
                values = values_in(remote).values
        yield values.get(name, 0) != 0


_FLOATS = ("FLOAT", "DOUBLE")


@dataclass(frozen=True, kw_only=True)
class ColumnValues:
    """The number of rows and values in one or several parquet files.

    Args:
        rows: Number of rows.
        values: By column, the number of values that are not NULL, including nested ones. A
            column of floats with only NaN has none. None if the footer has no count.
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
    for column in footer.schema.to_arrow_schema():
        leaves = range(place, place + _leaves(column.type))
        place = leaves.stop
        counted[column.name] = _sum([_values(footer, leaf) for leaf in leaves])
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
        # Bounds exclude NaN, so there are no other values.
        return 0
    return int(chunk.num_values - statistics.null_count)


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    # One value is enough to prove that there are some.
    return sum(known) if len(known) == len(counts) or any(known) else None
