"""Changes the types of columns of a Delta table by rewriting every live file.

Readers of Delta tables may reject files whose types differ from those of the table, so changing the
types in the log is not enough.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jupyter_etl.publishing.tables.actions import place_file, renewed_name, stored_values
from jupyter_etl.publishing.tables.arrow_types import cast_batch
from jupyter_etl.publishing.tables.delta import arrow_schema, hook_properties, live_files, open_rows
from jupyter_etl.publishing.tables.staging import write_rows

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction


def retype(table: DeltaTable, location: str, wanted: pa.Schema, scratch: Path) -> None:
    """Commit a table's rows with other types, without changing values, if the types differ.

    It is a separate commit, which publishes nothing: readers of the ledger's version do not see it.
    File names keep their batch.

    Args:
        table: The table at its head; afterwards at the new one.
        wanted: The columns of the table with their new types; other columns are ignored.
        scratch: Folder for temporary files.

    Raises:
        PublishError: A value does not fit the new type.
        deltalake.exceptions.CommitFailedError: Another process committed first; nothing was
        written.
    """
    import pyarrow as pa
    from deltalake import CommitProperties, Schema

    present = arrow_schema(table)
    schema = pa.schema([field.with_type(wanted.field(field.name).type) for field in present])
    if schema.equals(present):
        return
    table.create_write_transaction(
        list(_rewritten(table, location, schema, scratch)),
        mode="overwrite",
        schema=Schema.from_arrow(schema),
        partition_by=list(table.metadata().partition_columns),
        commit_properties=CommitProperties(max_commit_retries=0),
        post_commithook_properties=hook_properties(),
    )
    table.update_incremental()


def _rewritten(
    table: DeltaTable, location: str, schema: pa.Schema, scratch: Path
) -> Iterator[AddAction]:
    import pyarrow as pa

    by = tuple(table.metadata().partition_columns)
    inside = pa.schema([field for field in schema if field.name not in by])
    files = {unquote(str(file["path"])): file for file in live_files(table)}
    for fragment in open_rows(table, location).get_fragments():
        path = fragment.path.removeprefix(f"{location}/")
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            written = write_rows(_rows(fragment, inside), Path(folder), schema=inside)
            for name in written.files:
                values = stored_values(files[path], by)
                yield place_file(Path(folder, name), location, renewed_name(path), values)


def _rows(fragment: pads.Fragment, schema: pa.Schema) -> pa.RecordBatchReader:
    import pyarrow as pa

    present = fragment.physical_schema
    names = [name for name in schema.names if name in present.names]
    batches = fragment.scanner(schema=present, columns=names).to_batches()
    return pa.RecordBatchReader.from_batches(
        schema, (cast_batch(batch, schema) for batch in batches)
    )
