"""The three ways of adding rows to a Delta table, each as one commit on the head that was read."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.language.sql.lexer import quoted, quoted_text
from jupyter_etl.model import Batch, PublishMode, Staged
from jupyter_etl.publishing.tables.actions import (
    Layout,
    earlier_files,
    partitions_of,
    place_files,
    stored_values,
)
from jupyter_etl.publishing.tables.arrow_types import settled
from jupyter_etl.publishing.tables.base import Base, commit_properties
from jupyter_etl.publishing.tables.delta import (
    arrow_schema,
    blank_columns,
    hook_properties,
    live_files,
)
from jupyter_etl.publishing.tables.retyping import retype
from jupyter_etl.publishing.tables.schema_fit import Fit, fit_schema, narrowed
from jupyter_etl.publishing.tables.staging import staged_rows, staged_schema, write_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable
    from deltalake.transaction import AddAction, RemoveAction

_MOST_NAMED_PARTITIONS = 200


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A planned commit.

    Args:
        staged: The data to publish.
        location: Location of the table.
        token: See `Publisher.commit`.
        number: The version that it will get in the ledger.
        base: The base of the commit.
    """

    staged: Staged
    location: str
    token: str
    number: int
    base: Base


def write_commit(work: Commit, table: DeltaTable | None) -> int:
    """Commit staged rows as the version after the one at which ``table`` was read.

    Args:
        table: The table if its base is the head; None if there is no table, or none is recorded.

    Returns:
        The Delta version.

    Raises:
        deltalake.exceptions.CommitFailedError: Another process committed first; nothing was
        written.
        PublishError: A contract is violated, or the partitioning differs.
    """
    with ExitStack() as folders:
        if table is None:
            return _create(work, None, folders)
        if work.base.version is None:
            return _create(work, int(table.version()), folders)
        by = _partitioning(work.staged, table)
        fit = _fit(work.staged, table)
        layout = _layout(work.staged, fit.schema, by, folders)
        if is_whole(work.staged):
            return _overwrite(work, table, fit, layout)
        _allow_naive_time(table, fit.schema)
        retype(table, work.location, fit.schema, layout.folder)
        if work.staged.mode is PublishMode.UPSERT:
            return _merge(work, table, fit, layout)
        return _add(work, table, fit, layout)


def is_whole(staged: Staged) -> bool:
    """Return whether all rows of the table are replaced."""
    return staged.mode is PublishMode.REPLACE and not staged.partition_by


def _create(work: Commit, over: int | None, folders: ExitStack) -> int:
    """Create the table from the staged rows, replacing the remainder of a killed first run."""
    import pyarrow as pa
    from deltalake import Schema
    from deltalake.transaction import create_table_with_add_actions

    staged = work.staged
    schema = pa.schema(
        [field.with_type(settled(field.type)) for field in staged_schema(Path(staged.folder))]
    )
    layout = _layout(staged, schema, staged.partition_by, folders)
    create_table_with_add_actions(
        work.location,
        Schema.from_arrow(schema),
        place_files(layout, work.location),
        mode="error" if over is None else "overwrite",
        partition_by=list(staged.partition_by),
        name=staged.name,
        commit_properties=_properties(work),
        post_commithook_properties=hook_properties(),
    )
    return 0 if over is None else over + 1


def _properties(work: Commit) -> CommitProperties:
    return commit_properties(work.token, work.number, work.base, work.staged.rows)


def _partitioning(staged: Staged, table: DeltaTable) -> tuple[str, ...]:
    """Return the table's partitioning; a declared one must equal it."""
    present = tuple(table.metadata().partition_columns)
    if staged.partition_by and staged.partition_by != present:
        found = f"partitioned by {', '.join(present)}" if present else "not partitioned"
        raise PublishError(
            f"{staged.name!r} is {found}; it cannot become partitioned by "
            f"{', '.join(staged.partition_by)}.",
            hint="Leave --partition as it was, or publish under another name.",
        )
    new = staged_schema(Path(staged.folder)).names
    absent = [name for name in present if name not in new]
    if absent:
        raise PublishError(
            f"{staged.name!r} is partitioned by {', '.join(present)}, and the new rows have no "
            f"column {absent[0]!r}.",
            hint="Add the column to the rows.",
        )
    return present


def _fit(staged: Staged, table: DeltaTable) -> Fit:
    whole = is_whole(staged)
    typeless = frozenset(column.name for column in staged.columns if column.type == "null")
    present, new = arrow_schema(table), staged_schema(Path(staged.folder))
    rows = staged_rows(Path(staged.folder), staged.files, staged.partition_by)
    return fit_schema(
        present,
        narrowed(rows, new, present),
        name=staged.name,
        contract=staged.contract,
        typeless=typeless,
        blank=blank_columns(table, new),
        whole=whole,
        approved=staged.approved,
        allowed=frozenset(staged.allow),
    )


def _layout(staged: Staged, schema: pa.Schema, by: tuple[str, ...], folders: ExitStack) -> Layout:
    """Use the staged files if they fit the table, else rewrite them."""
    folder = Path(staged.folder)
    present = staged_schema(folder)
    same = all(field.type.equals(schema.field(field.name).type) for field in present)
    if same and staged.partition_by == by:
        return Layout(folder=folder, files=staged.files, partition_by=by, batch=_batch(staged))
    rewritten = Path(folders.enter_context(tempfile.TemporaryDirectory(dir=folder)))
    rows = staged_rows(folder, staged.files, staged.partition_by)
    columns = [name for name in schema.names if name in present.names]
    written = write_rows(
        rows.scanner(columns=columns).to_reader(),
        rewritten,
        partition_by=by,
        schema=_selected(schema, columns),
    )
    return Layout(folder=rewritten, files=written.files, partition_by=by, batch=_batch(staged))


def _batch(staged: Staged) -> Batch | None:
    return staged.batch if staged.mode is PublishMode.APPEND else None


def _selected(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([schema.field(name) for name in columns])


def _overwrite(work: Commit, table: DeltaTable, fit: Fit, layout: Layout) -> int:
    _allow_naive_time(table, fit.schema)
    return _write(work, table, place_files(layout, work.location), fit.schema, mode="overwrite")


def _add(work: Commit, table: DeltaTable, fit: Fit, layout: Layout) -> int:
    replaced = _replaced(work.staged, live_files(table), layout)
    _add_columns(table, fit)
    removed = [_removal(file, layout.partition_by) for file in replaced]
    added = place_files(layout, work.location)
    return _write(work, table, [*removed, *added], arrow_schema(table), mode="append")


def _write(
    work: Commit,
    table: DeltaTable,
    actions: Sequence[AddAction | RemoveAction],
    schema: pa.Schema,
    *,
    mode: str,
) -> int:
    from deltalake import Schema

    # Without retries it is the next version or an error; the object itself is not updated.
    version = int(table.version()) + 1
    table.create_write_transaction(
        list(actions),
        mode=mode,
        schema=Schema.from_arrow(schema),
        partition_by=list(table.metadata().partition_columns),
        commit_properties=_properties(work),
        post_commithook_properties=hook_properties(),
    )
    return version


def _replaced(
    staged: Staged, live: Sequence[dict[str, object]], layout: Layout
) -> list[dict[str, object]]:
    """Return the live files that the new rows replace.

    Files of a replaced partition are identified by values, not by a predicate: no quoting, NULL
    included, and no wrong matches for partitions by two columns.

    Raises:
        PublishError: Rows would be added twice.
    """
    by = layout.partition_by
    if staged.mode is PublishMode.UPSERT:
        # An upsert of no rows adds nothing and removes nothing.
        return []
    there = {str(file["path"]): file for file in live}
    new = partitions_of(layout.files)
    same = [file for file in live if partition_of(file, by) in new]
    if staged.mode is PublishMode.REPLACE:
        return same
    again = earlier_files(staged, there)
    if by and staged.batch is not None and staged.batch.apart:
        known = [partition_of(file, by) for file in same if file["path"] not in again]
        if known:
            raise _there_already(staged.name, known)
    return [there[path] for path in again]


def _there_already(name: str, known: Sequence[tuple[tuple[str, str | None], ...]]) -> PublishError:
    listed = sorted({", ".join(f"{column}={value}" for column, value in one) for one in known})
    return PublishError(
        f"{name!r} already has rows of {_shortened(listed)}; appending them again could "
        "duplicate them.",
        hint="Use --mode replace, which replaces just these partitions, or upsert with a --key.",
        data={"partitions": listed},
    )


def _shortened(listed: Sequence[str]) -> str:
    more = f" and {len(listed) - 3} more partitions" if len(listed) > 3 else ""
    return "; ".join(listed[:3]) + more


def _removal(file: dict[str, object], by: Sequence[str]) -> RemoveAction:
    from urllib.parse import unquote

    from deltalake.transaction import RemoveAction

    return RemoveAction(
        path=unquote(str(file["path"])),
        data_change=True,
        deletion_timestamp=time.time_ns() // 1_000_000,
        size=int(str(file["size_bytes"])),
        partition_values=stored_values(file, by),
    )


def partition_of(file: dict[str, object], by: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    """Return the partition of a live data file, in the form of `partitions_of`."""
    return tuple(sorted(stored_values(file, by).items()))


def _add_columns(table: DeltaTable, fit: Fit) -> None:
    """Add the new columns in a separate commit; no reader notices until rows use them."""
    from deltalake import CommitProperties, Schema

    if fit.added:
        fields = Schema.from_arrow(_selected(fit.schema, fit.added)).fields
        table.alter.add_columns(
            fields,
            commit_properties=CommitProperties(max_commit_retries=0),
            post_commithook_properties=hook_properties(),
        )


def _allow_naive_time(table: DeltaTable, schema: pa.Schema) -> None:
    """Upgrade the table's protocol before naive timestamps are added."""
    from deltalake import CommitProperties, TableFeatures

    naive = "timestamp[us]" in str(schema.types)
    if naive and "timestampNtz" not in (table.protocol().writer_features or ()):
        table.alter.add_feature(
            TableFeatures.TimestampWithoutTimezone,
            allow_protocol_versions_increase=True,
            commit_properties=CommitProperties(max_commit_retries=0),
            post_commithook_properties=hook_properties(),
        )


def _merge(work: Commit, table: DeltaTable, fit: Fit, layout: Layout) -> int:
    staged = work.staged
    if not layout.files:
        return _add(
            replace(work, staged=replace(staged, mode=PublishMode.APPEND)), table, fit, layout
        )
    _add_columns(table, fit)
    rows = staged_rows(layout.folder, layout.files, layout.partition_by)
    version = int(table.version()) + 1
    missing = [field for field in fit.schema if field.name not in rows.schema.names]
    merger = table.merge(
        _widened(rows.scanner().to_reader(), fit.schema) if missing else rows.scanner().to_reader(),
        _merge_predicate(staged.key, layout),
        source_alias="source",
        target_alias="target",
        commit_properties=_properties(work),
        post_commithook_properties=hook_properties(),
    )
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
    return version


def _widened(rows: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    import pyarrow as pa

    from jupyter_etl.publishing.tables.arrow_types import cast_batch

    return pa.RecordBatchReader.from_batches(schema, (cast_batch(batch, schema) for batch in rows))


def _merge_predicate(key: Sequence[str], layout: Layout) -> str:
    """Return a predicate on the key, with literals for partition columns in the key.

    Delta prunes only partitions that the predicate names as literals, not those that a comparison
    with the source would exclude.
    """
    parts = [f"target.{quoted(name)} = source.{quoted(name)}" for name in key]
    for name in layout.partition_by:
        values = {dict(partition)[name] for partition in partitions_of(layout.files)}
        if name in key and len(values) <= _MOST_NAMED_PARTITIONS and None not in values:
            listed = ", ".join(quoted_text(str(value)) for value in sorted(map(str, values)))
            parts.append(f"target.{quoted(name)} in ({listed})")
    return " and ".join(parts)
