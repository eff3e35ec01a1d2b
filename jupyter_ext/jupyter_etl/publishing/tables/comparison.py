"""Comparison of a staged table with the live version, by schemas, logs and footers."""

from __future__ import annotations

from pathlib import Path

from jupyter_etl.model import Difference, PartitionRows, PublicationVersion, PublishMode, Staged
from jupyter_etl.publishing.tables.commit import is_whole, partition_of
from jupyter_etl.publishing.tables.delta import (
    arrow_schema,
    blank_columns,
    columns_of,
    facts_of,
    live_files,
)
from jupyter_etl.publishing.tables.emptied_columns import (
    Partition,
    emptied_columns,
    label_of,
    rows_of,
    staged_values,
)
from jupyter_etl.publishing.tables.record import open_published
from jupyter_etl.publishing.tables.schema_fit import change_of, narrowed
from jupyter_etl.publishing.tables.staging import staged_rows, staged_schema


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
