"""Reading and writing of rows by file extension."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.publishing.files.csv import read_csv, write_csv
from jupyter_etl.publishing.files.excel import read_excel, write_excel
from jupyter_etl.publishing.files.json import read_json, write_json
from jupyter_etl.publishing.files.layouts import FileLayout
from jupyter_etl.publishing.files.parquet import read_parquet, write_parquet
from jupyter_etl.publishing.lake.layout import is_local

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.fs as pafs

WRITABLE = (".parquet", ".csv", ".csv.gz", ".json", ".jsonl", ".xlsx")


def extension_of(path: str, known: Iterable[str] = WRITABLE) -> str | None:
    """Return the known extension of a path, preferring the longest; None if there is none."""
    low = path.lower()
    found = [extension for extension in known if low.endswith(extension)]
    return max(found, key=len) if found else None


def write_file(data: pa.RecordBatchReader, target: Path, *, path: str) -> tuple[int, FileLayout]:
    """Write rows in the format of the extension of ``path``.

    Returns:
        Number of rows, and the layout for reading them back.

    Raises:
        PublishError: There is no such format, or it cannot represent a column or value.
        MissingDependency: Excel without openpyxl.
    """
    extension = extension_of(path)
    if extension is None:
        raise PublishError(
            f"Rows cannot be written as {path!r}: its extension is not a known format.",
            hint=f"Use one of {', '.join(WRITABLE)}.",
        )
    _refuse_columns(data.schema, extension)
    if extension == ".parquet":
        return write_parquet(data, target)
    categories: dict[str, pa.Array] = {}
    rows, layout = _write_text(_watched(data, categories), target, extension)
    return rows, replace(layout, categories=categories)


def _watched(data: pa.RecordBatchReader, categories: dict[str, pa.Array]) -> pa.RecordBatchReader:
    """Pass the rows on, and record the order of categories, which text formats do not store."""
    import pyarrow as pa

    names = [f.name for f in data.schema if pa.types.is_dictionary(f.type) and f.type.ordered]

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in data:
            for name in names:
                values = batch.column(name).dictionary
                if not categories.setdefault(name, values).equals(values):
                    raise PublishError(
                        f"Column {name!r} has ordered categories that differ from one batch of rows "
                        "to another.",
                        hint="Convert the column to text, or publish .parquet.",
                        data={"column": name},
                    )
            yield batch

    return pa.RecordBatchReader.from_batches(data.schema, batches()) if names else data


def _write_text(data: pa.RecordBatchReader, target: Path, extension: str) -> tuple[int, FileLayout]:
    if extension == ".xlsx":
        return write_excel(data, target)
    if extension == ".csv.gz":
        # Without time and name in its header, the same rows give the same bytes.
        with target.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            return write_csv(data, file)
    with target.open("wb") as plain:
        if extension == ".csv":
            return write_csv(data, plain)
        return write_json(data, plain, lines=extension == ".jsonl")


def _refuse_columns(schema: pa.Schema, extension: str) -> None:
    import pyarrow as pa

    if not schema.names:
        raise PublishError("There are no columns to publish.", hint="Publish at least one column.")
    twice = [name for name in schema.names if schema.names.count(name) > 1]
    if twice:
        raise PublishError(
            f"Two columns are named {twice[0]!r}.", hint="Rename or drop one of them."
        )
    if extension not in {".csv", ".csv.gz", ".xlsx"}:
        return
    for field in schema:
        kind = (
            field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        )
        unheld = pa.types.is_interval(kind) or pa.types.is_run_end_encoded(kind)
        if not (unheld or pa.types.is_nested(kind) or "binary" in str(kind)):
            continue
        other = "convert it to another type" if unheld else "write .parquet or .jsonl"
        raise PublishError(
            f"Column {field.name!r} of type {field.type} cannot be stored in {extension}.",
            hint=f"Convert the column to text, or {other}.",
            data={"column": field.name},
        )


def read_file(
    location: str, layout: FileLayout | None, rows: int | None
) -> pa.RecordBatchReader | None:
    """Read the rows of a published file.

    Args:
        location: Path or fsspec URL.
        layout: The layout stored with the version; None for a file that was not written from rows.
        rows: Number of rows, if known.

    Returns:
        None if the file has no rows with types.

    Raises:
        OSError: The file does not exist.
    """
    extension = extension_of(location)
    filesystem, path = _opened(location)
    if extension == ".parquet":
        return read_parquet(filesystem, path, layout)
    if layout is None:
        return None
    if extension == ".xlsx":
        with closing(filesystem.open_input_file(path)) as file:
            return read_excel(file, layout, rows or 0)
    packed = "gzip" if extension == ".csv.gz" else None
    stream = filesystem.open_input_stream(path, compression=packed)
    if extension in {".csv", ".csv.gz"}:
        return read_csv(stream, layout)
    return read_json(stream, layout)


def _opened(location: str) -> tuple[pafs.FileSystem, str]:
    import pyarrow.fs as pafs

    if is_local(location):
        return pafs.LocalFileSystem(), location
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(location)
    return pafs.PyFileSystem(pafs.FSSpecHandler(filesystem)), path
