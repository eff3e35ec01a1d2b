"""Several files as one table: columns by name, columns from folders, and declared types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.model import Source
from jupyter_etl.sources.locations.hive_folders import HiveFolders, hive_folders
from jupyter_etl.sources.locations.paths import FileSet, SourceFile
from jupyter_etl.sources.schema_union import conform, refuse_strangers, relaxed, unite, wider
from jupyter_etl.sources.text.declared_types import (
    apply_declared_types,
    parse_declared_types,
    refuse_absent_columns,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class FileUnion:
    """Several files as one table.

    Args:
        what: Subject of messages: ``Source 'trips'``.
        schema: All columns.
        declared: Declared types by column.
        folders: Columns from folder names.
    """

    what: str
    schema: pa.Schema
    declared: Mapping[str, pa.DataType]
    folders: HiveFolders

    def conform(
        self, file: SourceFile, batch: pa.RecordBatch, schema: pa.Schema, *, first_row: int = 1
    ) -> pa.RecordBatch:
        """Convert rows of a file to the schema of the source.

        Args:
            schema: The requested columns of ``self.schema``.
            first_row: Position of the first row in the file, for messages.

        Raises:
            SourceError: A value does not fit its declared or united type.
        """
        what = f"{self.what}, {file.name}"
        typed = _declared(batch, self.declared, what=what, first_row=first_row)
        return conform(what, self.folders.fill(what, file, typed), schema)


def unite_files(
    source: Source,
    files: FileSet,
    parts: Sequence[tuple[SourceFile, pa.Schema]],
    *,
    complete: bool = True,
) -> FileUnion:
    """Unite the schemas of several files.

    Args:
        source: Its options may declare types.
        files: All files, including those that are not read yet.
        parts: Files and their schemas, in reading order; at least one.
        complete: Whether the schemas contain all columns, so that declared columns must exist.

    Raises:
        SourceError: A file shares no column with the others, the types of a column cannot be
            united, or a declared column does not exist.
    """
    import pyarrow as pa

    what = f"Source '{source.name}'"
    refuse_strangers(what, [(file.name, schema.names) for file, schema in parts])
    declared = parse_declared_types(source.options)
    typed = [
        (
            file,
            pa.schema([f.with_type(declared.get(f.name, f.type)) for f in schema]),
        )
        for file, schema in parts
    ]
    folders = hive_folders(
        what, files.files, declared=declared, inside=_types_inside([s for _, s in typed])
    )
    schema = relaxed(
        unite(what, [(file.name, folders.schema_of(file, schema)) for file, schema in typed])
    )
    if complete:
        refuse_absent_columns(what, declared, schema.names)
    return FileUnion(what=what, schema=schema, declared=declared, folders=folders)


def concat_files(
    source: Source,
    files: FileSet,
    parts: Iterable[tuple[str, pa.Table]],
    *,
    complete: bool = True,
) -> pa.Table:
    """Concatenate the tables of files; a file may have several tables.

    Args:
        source: Its options may declare types.
        parts: Names of files, and tables of their rows.
        complete: See `unite_files`.

    Raises:
        SourceError: See `unite_files`.
    """
    import pyarrow as pa

    what = f"Source '{source.name}'"
    schemas: dict[str, tuple[SourceFile, pa.Schema]] = {}
    typed: list[tuple[SourceFile, pa.RecordBatch]] = []
    declared = parse_declared_types(source.options)
    rows: dict[str, int] = {}
    by_name = {file.name: file for file in files.files}
    for name, table in parts:
        file = by_name[name]
        for batch in table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]:
            row = rows.get(file.name, 1)
            part = _declared(batch, declared, what=f"{what}, {file.name}", first_row=row)
            rows[file.name] = row + batch.num_rows
            seen = schemas.get(file.name, (file, part.schema))[1]
            pair = [(file.name, seen), (file.name, part.schema)]
            schemas[file.name] = (file, unite(what, pair))
            typed.append((file, part))
    union = unite_files(source, files, list(schemas.values()), complete=complete)
    batches = [union.conform(file, batch, union.schema) for file, batch in typed]
    return pa.Table.from_batches(batches, schema=union.schema)


def _declared(
    batch: pa.RecordBatch, declared: Mapping[str, pa.DataType], *, what: str, first_row: int
) -> pa.RecordBatch:
    import pyarrow as pa

    if not any(name in declared for name in batch.schema.names):
        return batch
    table = apply_declared_types(
        pa.Table.from_batches([batch]), declared, what=what, first_row=first_row
    )
    columns = [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _types_inside(schemas: Sequence[pa.Schema]) -> dict[str, pa.DataType]:
    """Return the type of each column over all files, without types that cannot be united."""
    import pyarrow as pa

    found: dict[str, pa.DataType | None] = {}
    for schema in schemas:
        for field in schema:
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            known = found.get(field.name, kind)
            found[field.name] = None if known is None else wider(known, kind)
    return {
        name: kind
        for name, kind in found.items()
        if kind is not None and not pa.types.is_null(kind)
    }
