"""Delta tables: opening, what a version holds, and finding a commit by its token.

Every write here reads the table's head and commits exactly the next version
(``max_commit_retries=0``): whoever comes second gets `CommitFailedError`, reads again, and so
sees its own token if an earlier attempt of the same run got through. Delta's own retries do not
look at the token: an identical transaction would be committed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Column
from jupyter_etl.publishing.lake import is_local

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads
    from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties

TOKEN = "etlToken"  # noqa: S105
CHANGED_ROWS = "etlChangedRows"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one version of a table holds, from its log alone."""

    version: int
    rows: int | None
    bytes: int
    columns: tuple[Column, ...]
    partition_by: tuple[str, ...]


def open_table(location: str, version: int | None = None) -> DeltaTable | None:
    """Open a table, at its head or at one version; None where there is none."""
    from deltalake import DeltaTable

    if not DeltaTable.is_deltatable(location):
        return None
    return DeltaTable(location, version=version)


def arrow_schema(table: DeltaTable) -> pa.Schema:
    """Return the columns of a table as Arrow has them."""
    import pyarrow as pa

    return pa.schema(table.schema().to_arrow())


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return a schema as values of the model."""
    return tuple(
        Column(name=field.name, type=str(field.type), nullable=field.nullable) for field in schema
    )


def live_files(table: DeltaTable) -> list[dict[str, object]]:
    """Return one row a live data file: path, size_bytes, num_records, null counts, partition."""
    import pyarrow as pa

    rows: list[dict[str, object]] = pa.table(table.get_add_actions()).to_pylist()
    return rows


def facts_of(table: DeltaTable) -> Facts:
    """Return what the opened version holds."""
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
    )


def blank_columns(table: DeltaTable) -> frozenset[str]:
    """Return the columns that hold nothing but NULL in every live file."""
    files = live_files(table)
    names = arrow_schema(table).names
    return frozenset(
        name
        for name in names
        if all(_nulls(file, name) == file.get("num_records") is not None for file in files)
    )


def _nulls(file: dict[str, object], name: str) -> object:
    counts = file.get("null_count")
    return counts.get(name) if isinstance(counts, dict) else None


def find_commit(table: DeltaTable, token: str) -> tuple[int, int | None] | None:
    """Return the version that a token committed and the rows it changed; None if it did not."""
    if table.transaction_version(token) is None:
        return None
    for entry in table.history():
        if entry.get(TOKEN) == token:
            changed = entry.get(CHANGED_ROWS)
            return int(entry["version"]), None if changed is None else int(changed)
    raise PublishError(
        f"The table at {table.table_uri} says that {token!r} was committed, but its log no longer "
        "tells in which version.",
        hint="Publish again in a new run.",
    )


def commit_properties(token: str, number: int, changed_rows: int | None) -> CommitProperties:
    """Return what makes a commit findable by its token, and refuses any version but the next."""
    from deltalake import CommitProperties, Transaction

    told = {TOKEN: token}
    if changed_rows is not None:
        told[CHANGED_ROWS] = str(changed_rows)
    return CommitProperties(
        custom_metadata=told,
        max_commit_retries=0,
        app_transactions=[Transaction(app_id=token, version=number)],
    )


def hook_properties() -> PostCommitHookProperties:
    """Keep the whole log: without its entries old versions could no longer be read."""
    from deltalake.transaction import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def open_rows(table: DeltaTable, location: str) -> pads.Dataset:
    """Open the rows of a version; files of the local disk without a detour through Rust."""
    import pyarrow.fs as pafs

    if not is_local(location):
        return table.to_pyarrow_dataset()
    return table.to_pyarrow_dataset(
        filesystem=pafs.SubTreeFileSystem(location, pafs.LocalFileSystem(use_mmap=True))
    )
