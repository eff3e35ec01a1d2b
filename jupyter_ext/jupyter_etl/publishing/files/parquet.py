"""Published Parquet files: types that Parquet changes are restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.publishing.files.layouts import FileLayout, restored

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.fs as pafs


def write_parquet(data: pa.RecordBatchReader, target: Path) -> tuple[int, FileLayout]:
    """Write rows as Parquet.

    Returns:
        Number of rows, and the layout for reading them back.

    Raises:
        PublishError: A column has a type that Parquet lacks.
    """
    import pyarrow.parquet as pq

    _refuse_types(data.schema)
    rows = 0
    with pq.ParquetWriter(target, data.schema) as writer:
        for batch in data:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows, FileLayout(schema=data.schema.remove_metadata())


def _refuse_types(schema: pa.Schema) -> None:
    """Write each column without rows, because only the writer can tell whether it supports a type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for field in schema:
        try:
            pq.write_metadata(pa.schema([field]), pa.BufferOutputStream())
        except (pa.ArrowException, OSError) as problem:
            raise PublishError(
                f"Column {field.name!r} of type {field.type} cannot be stored in .parquet: {problem}",
                hint="Convert the column to text, or convert it to another type.",
                data={"column": field.name},
            ) from problem


def read_parquet(
    filesystem: pafs.FileSystem, path: str, layout: FileLayout | None
) -> pa.RecordBatchReader:
    """Read a Parquet file with the published types.

    Args:
        layout: The layout stored with the version; None uses the types of the file.
    """
    import pyarrow as pa
    import pyarrow.dataset as pads

    reader = pads.dataset(path, filesystem=filesystem, format="parquet").scanner().to_reader()
    if layout is None or layout.schema.equals(reader.schema):
        return reader
    schema = layout.schema
    batches = (batch for read in reader for batch in restored(read.columns, layout))
    return pa.RecordBatchReader.from_batches(schema, batches)
