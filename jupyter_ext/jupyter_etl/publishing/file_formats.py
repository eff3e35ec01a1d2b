"""Rows to and from files by extension, in one pass and flat memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jupyter_etl.errors import MissingDependency, PublishError

if TYPE_CHECKING:
    import pyarrow as pa

WRITABLE = (".parquet", ".csv", ".csv.gz", ".json", ".jsonl", ".xlsx")
_SHEET_ROWS = 1_048_575


def extension_of(path: str, known: Iterable[str] = WRITABLE) -> str | None:
    """Return the known extension a path ends in, the longest first; None without one."""
    low = path.lower()
    found = [extension for extension in known if low.endswith(extension)]
    return max(found, key=len) if found else None


def write_file(data: pa.RecordBatchReader, target: Path, *, path: str) -> int:
    """Write rows in the format that the extension of ``path`` names.

    Args:
        data: The rows; it is read to its end.
        target: Where to write.
        path: As declared.

    Returns:
        Number of rows.

    Raises:
        PublishError: No such format, or a column that it cannot hold.
        MissingDependency: Excel without openpyxl.
    """
    extension = extension_of(path)
    if extension is None:
        raise PublishError(
            f"Rows cannot be written as {path!r}: its extension names no format.",
            hint=f"Use one of {', '.join(WRITABLE)}.",
        )
    _refuse_columns(data.schema, extension)
    if extension == ".parquet":
        return _write_parquet(data, target)
    if extension == ".xlsx":
        return _write_excel(data, target)
    if extension == ".csv.gz":
        # Without time and name in its header the same rows give the same bytes.
        with target.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            return _write_csv(data, file)
    with target.open("wb") as file:
        if extension == ".csv":
            return _write_csv(data, file)
        return _write_json(data, file, lines=extension == ".jsonl")


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
        if pa.types.is_nested(field.type) or "binary" in str(field.type):
            raise PublishError(
                f"Column {field.name!r} of type {field.type} does not fit into {extension}.",
                hint="Write .parquet or .jsonl, or make the column text.",
            )


def _write_parquet(data: pa.RecordBatchReader, target: Path) -> int:
    import pyarrow.parquet as pq

    rows = 0
    with pq.ParquetWriter(target, data.schema) as writer:
        for batch in data:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_csv(data: pa.RecordBatchReader, file: BinaryIO | gzip.GzipFile) -> int:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    schema = pa.schema(
        [
            pa.field(f.name, f.type.value_type) if pa.types.is_dictionary(f.type) else f
            for f in data.schema
        ]
    )
    rows = 0
    with pacsv.CSVWriter(file, schema) as writer:
        for batch in data:
            writer.write(pa.Table.from_batches([batch]).cast(schema))
            rows += batch.num_rows
    return rows


def _write_json(data: pa.RecordBatchReader, file: BinaryIO, *, lines: bool) -> int:
    import msgspec

    # Decimals as numbers with all their digits; NaN and infinity have no JSON form: null.
    encoder = msgspec.json.Encoder(decimal_format="number")
    rows = 0
    if not lines:
        file.write(b"[")
    for batch in data:
        records = batch.to_pylist()
        if lines:
            file.write(encoder.encode_lines(records))
        elif records:
            file.write(b",\n" if rows else b"\n")
            file.write(b",\n".join(encoder.encode(record) for record in records))
        rows += batch.num_rows
    if not lines:
        file.write(b"\n]\n")
    return rows


def _write_excel(data: pa.RecordBatchReader, target: Path) -> int:
    try:
        openpyxl = import_module("openpyxl")
    except ImportError as absent:
        raise MissingDependency(
            "Writing Excel files needs openpyxl, which is not installed.",
            hint="pip install openpyxl, or publish a .csv or .parquet.",
        ) from absent
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.append(data.schema.names)
    rows = 0
    for batch in data:
        rows += batch.num_rows
        if rows > _SHEET_ROWS:
            raise PublishError(
                f"An Excel sheet holds {_SHEET_ROWS:,} rows, and there are more.",
                hint="Publish a .csv or .parquet.",
            )
        for record in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            sheet.append(
                [_excel_cell(sheet, value, openpyxl.cell.WriteOnlyCell) for value in record]
            )
    book.save(target)
    return rows


def _excel_cell(sheet: object, value: object, cell_type: type) -> object:
    from datetime import datetime, time

    if isinstance(value, datetime | time) and value.tzinfo is not None:
        return value.isoformat()
    if isinstance(value, str) and value.startswith("="):
        # As text: a value from the data must not become a formula.
        cell = cell_type(sheet, value=value)
        cell.data_type = "s"
        return cell
    return value


def read_file(path: str) -> pa.RecordBatchReader | None:
    """Read the rows of a published file; None where its extension names no rows.

    Raises:
        OSError: The file is gone.
    """
    extension = extension_of(path, (".parquet", ".csv", ".csv.gz", ".json", ".jsonl"))
    if extension is None:
        return None
    if extension == ".parquet":
        import pyarrow.dataset as pads

        return pads.dataset(path, format="parquet").scanner().to_reader()
    import duckdb

    call = "read_csv(?, sample_size=-1)" if "csv" in extension else "read_json(?, sample_size=-1)"
    query = f"select * from {call}"  # noqa: S608
    return duckdb.connect().sql(query, params=[path]).to_arrow_reader(128 * 1024)
