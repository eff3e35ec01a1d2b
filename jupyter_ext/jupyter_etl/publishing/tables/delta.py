"""Delta tables: opening, and the content of a version.

Every write reads the table's head and commits exactly the next version (``max_commit_retries=0``):
a concurrent second writer gets `CommitFailedError` and reads again. Delta's own retries would
ignore what has been committed meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jupyter_etl.model import Column
from jupyter_etl.publishing.lake.beneath import refuse_links
from jupyter_etl.publishing.lake.layout import is_local

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads
    from deltalake import DeltaTable, PostCommitHookProperties


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The content of one version of a table, from its log alone."""

    version: int
    rows: int | None
    bytes: int
    columns: tuple[Column, ...]
    partition_by: tuple[str, ...]
    files_hash: str


def open_table(location: str, version: int | None = None) -> DeltaTable | None:
    """Open a table, at its head or at one version; None if it does not exist."""
    from deltalake import DeltaTable

    if is_local(location):
        refuse_links(location)
        refuse_links(f"{location}/_delta_log")
    if not DeltaTable.is_deltatable(location):
        return None
    return DeltaTable(location, version=version)


def arrow_schema(table: DeltaTable) -> pa.Schema:
    """Return the columns of a table in Arrow's types."""
    import pyarrow as pa

    return pa.schema(table.schema().to_arrow())


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return a schema as columns of the model."""
    return tuple(
        Column(name=field.name, type=str(field.type), nullable=field.nullable) for field in schema
    )


def live_files(table: DeltaTable) -> list[dict[str, object]]:
    """Return one row per live data file: path, size_bytes, num_records, null_count, partition."""
    import pyarrow as pa

    actions = pa.table(table.get_add_actions())
    wanted = ("path", "size_bytes", "num_records", "null_count", "partition")
    names = [name for name in wanted if name in actions.column_names]
    rows: list[dict[str, object]] = actions.select(names).to_pylist()
    return rows


def paths_of(table: DeltaTable) -> set[str]:
    """Return the paths of the live data files in the table's folder, as on disk."""
    import pyarrow as pa

    paths = pa.table(table.get_add_actions()).column("path").to_pylist()
    return {unquote(str(path)) for path in paths}


def facts_of(table: DeltaTable) -> Facts:
    """Return the content of the opened version."""
    import pyarrow as pa
    import pyarrow.compute as pc

    actions = pa.table(table.get_add_actions())
    records = actions.column("num_records") if "num_records" in actions.column_names else None
    known = records is not None and not records.null_count
    return Facts(
        version=table.version(),
        rows=int(pc.sum(records).as_py() or 0) if known or not actions.num_rows else None,
        bytes=int(pc.sum(actions.column("size_bytes")).as_py() or 0),
        columns=columns_of(arrow_schema(table)),
        partition_by=tuple(table.metadata().partition_columns),
        files_hash=_hash_of(actions.column("path").to_pylist()),
    )


def _hash_of(paths: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()


def blank_columns(table: DeltaTable, new: pa.Schema) -> frozenset[str]:
    """Return the columns that contain only NULL in every live file.

    There are no counts for lists and structs: their files are read if the new rows have another
    type.
    """
    files = live_files(table)
    schema = arrow_schema(table)
    return frozenset(
        field.name
        for field in schema
        if all(_nulls(file, field.name) == file.get("num_records") is not None for file in files)
        or (_differs_inside(field, new) and all(map(_is_empty, _column(table, field.name))))
    )


def _differs_inside(field: pa.Field, new: pa.Schema) -> bool:
    import pyarrow as pa

    place = new.get_field_index(field.name)
    return bool(
        pa.types.is_nested(field.type) and place >= 0 and new.field(place).type != field.type
    )


def _column(table: DeltaTable, name: str) -> Iterator[pa.Array]:
    for batch in table.to_pyarrow_dataset().scanner(columns=[name]).to_batches():
        yield batch.column(0)


def _is_empty(array: pa.Array) -> bool:
    """Return whether an array, including everything in its lists and structs, is NULL."""
    import pyarrow as pa

    if pa.types.is_list(array.type):
        return _is_empty(array.flatten())
    if pa.types.is_map(array.type):
        return bool(array.null_count == len(array))
    if pa.types.is_struct(array.type):
        return all(map(_is_empty, array.flatten()))
    return bool(array.null_count == len(array))


def _nulls(file: dict[str, object], name: str) -> object:
    counts = file.get("null_count")
    return counts.get(name) if isinstance(counts, dict) else None


def hook_properties() -> PostCommitHookProperties:
    """Keep the complete log: without its entries, old versions could no longer be read."""
    from deltalake.transaction import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def open_rows(table: DeltaTable, location: str) -> pads.Dataset:
    """Open the rows of a version; local files are read without Rust."""
    import pyarrow.fs as pafs

    if not is_local(location):
        return table.to_pyarrow_dataset()
    return table.to_pyarrow_dataset(
        filesystem=pafs.SubTreeFileSystem(location, pafs.LocalFileSystem(use_mmap=True))
    )
