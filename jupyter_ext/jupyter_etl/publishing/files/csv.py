"""Published CSV files: every value can be read back, with its type."""

from __future__ import annotations

from gzip import GzipFile
from typing import IO, TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.publishing.files.layouts import (
    FileLayout,
    cast_column,
    kept_schema,
    refuse_years,
    restored,
    simple_type,
)

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST_BLOCK_BYTES = 1 << 20
_OLD_BLOCK_BYTES = 64 << 20
"""For files that predate recorded row lengths."""
_PLAIN_CELL_BYTES = 96
"""Upper bound for numbers and dates, including decimals of 76 digits."""


def write_csv(data: pa.RecordBatchReader, file: IO[bytes] | GzipFile) -> tuple[int, FileLayout]:
    """Write rows as CSV: text in quotes, NULL as an empty cell without quotes.

    Returns:
        Number of rows, and the layout for reading them back.

    Raises:
        PublishError: CSV cannot represent a column or value.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    schema = kept_schema(data.schema)
    _refuse_names(schema.names)
    carrier = pa.schema([field.with_type(simple_type(field.type)) for field in schema])
    if len(carrier) == 1:
        return _write_one_column(data, file, schema)
    rows, longest = 0, _header_bytes(carrier)
    with pacsv.CSVWriter(file, carrier) as writer:
        for batch in data:
            plain = _carried(batch, carrier)
            longest = max(longest, _row_bytes(plain))
            writer.write_batch(plain)
            rows += batch.num_rows
    return rows, FileLayout(schema=schema, row_bytes=longest)


def _refuse_names(names: list[str]) -> None:
    for name in names:
        if "\0" in name:
            raise PublishError(
                f"Column {name!r} has a NUL character in its name, which CSV readers reject.",
                hint="Rename it, or publish .parquet or .jsonl.",
                data={"column": name},
            )


def _carried(batch: pa.RecordBatch, carrier: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for array, field in zip(batch.columns, carrier, strict=True):
        arrays.append(cast_column(array, field.type, field.name))
        refuse_years(arrays[-1], field.name, ".csv")
    return pa.RecordBatch.from_arrays(arrays, schema=carrier)


def _header_bytes(schema: pa.Schema) -> int:
    return sum(2 * len(name.encode()) + 3 for name in schema.names)


def _row_bytes(batch: pa.RecordBatch) -> int:
    """Return an upper bound of the row length: every character may be a quote."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = 0
    for array in batch.columns:
        if pa.types.is_string(array.type):
            total += 2 * (pc.max(pc.binary_length(array)).as_py() or 0) + 3
        else:
            total += _PLAIN_CELL_BYTES
    return total


def _write_one_column(
    data: pa.RecordBatchReader, file: IO[bytes] | GzipFile, schema: pa.Schema
) -> tuple[int, FileLayout]:
    """Avoid empty lines, which many readers skip. NULL is ``""``, as pandas writes it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    field = schema.field(0)
    kind = simple_type(field.type)
    is_text = pa.types.is_string(kind)
    file.write(_quoted(field.name).encode() + b"\n")
    rows, longest, nulls, empties = 0, _header_bytes(schema), 0, 0
    for batch in data:
        plain = _carried(batch, pa.schema([field.with_type(kind)]))
        longest = max(longest, _row_bytes(plain))
        rows += batch.num_rows
        cells = plain.column(0).cast(pa.string())
        nulls += cells.null_count
        if is_text:
            empties += pc.sum(pc.equal(cells, "")).as_py() or 0
            doubled = pc.replace_substring(cells, '"', '""')
            cells = pc.binary_join_element_wise('"', doubled, '"', "")
        lines = cells.fill_null('""').to_pylist()
        file.write("".join(f"{line}\n" for line in lines).encode())
    if nulls and empties:
        raise PublishError(
            f"Column {field.name!r} contains both NULL and empty texts, which a CSV file with one column "
            "cannot distinguish.",
            hint="Replace one of them, add a second column, or publish .parquet or .jsonl.",
            data={"column": field.name},
        )
    texts = (field.name,) if empties else ()
    return rows, FileLayout(schema=schema, row_bytes=longest, empty_texts=texts)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def read_csv(stream: pa.NativeFile, layout: FileLayout) -> pa.RecordBatchReader:
    """Read the output of `write_csv` with exactly its types.

    Args:
        stream: The file's bytes, unpacked.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    schema = layout.schema
    single = len(schema) == 1
    quoted_null = single and schema.names[0] not in layout.empty_texts and layout.row_bytes > 0
    block = layout.row_bytes + 1024 if layout.row_bytes else _OLD_BLOCK_BYTES
    rows = pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(
            column_names=schema.names,
            skip_rows_after_names=1,
            block_size=max(_LEAST_BLOCK_BYTES, block),
        ),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types={field.name: _cell_type(field.type) for field in schema},
            null_values=[""],
            true_values=["true"],
            false_values=["false"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=quoted_null,
        ),
    )
    batches = (batch for read in rows for batch in restored(read.columns, layout))
    return pa.RecordBatchReader.from_batches(schema, batches)


def _cell_type(kind: pa.DataType) -> pa.DataType:
    """Return the type to which pyarrow's reader converts a cell."""
    import pyarrow as pa

    simple = simple_type(kind)
    return pa.string() if pa.types.is_decimal256(simple) else simple
