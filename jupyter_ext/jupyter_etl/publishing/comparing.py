"""How a staged table differs from the version that consumers get, told from schemas and logs."""

from __future__ import annotations

from pathlib import Path

from jupyter_etl.model import Difference, PublicationVersion, PublishMode, Staged
from jupyter_etl.publishing.delta_actions import partitions_of
from jupyter_etl.publishing.delta_commit import is_whole, partition_of
from jupyter_etl.publishing.delta_table import (
    arrow_schema,
    blank_columns,
    columns_of,
    facts_of,
    live_files,
    open_table,
)
from jupyter_etl.publishing.fitting import change_of, narrowed
from jupyter_etl.publishing.staging import staged_rows, staged_schema


def compare_staged(staged: Staged, previous: PublicationVersion) -> Difference | None:
    """Compare a staged table with a version; None where that has no table any more."""
    table = open_table(previous.what.location, previous.what.delta_version)
    if table is None:
        return None
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
    replaced = facts.rows if whole else None
    if staged.mode is PublishMode.REPLACE and not whole:
        partitions = partitions_of(staged.files)
        replaced = sum(
            int(str(file.get("num_records") or 0))
            for file in live_files(table)
            if partition_of(file, facts.partition_by) in partitions
        )
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
    )


def _rows_after(staged: Staged, before: int | None, replaced: int | None) -> int | None:
    if staged.mode is PublishMode.UPSERT or before is None or staged.rows is None:
        return None
    return before - (replaced or 0) + staged.rows
