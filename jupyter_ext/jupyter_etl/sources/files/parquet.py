"""Parquet by pyarrow's dataset, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError, first_line
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.files.unions import FileUnion, unite_files
from jupyter_etl.sources.locations.content import head_of, refuse_pointer_or_page
from jupyter_etl.sources.locations.paths import FileSet, SourceFile, reading
from jupyter_etl.sources.readings import choose, reader_of, refuse_twins, take

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pa_dataset

BATCH_ROWS = 1 << 16
_READ_AHEAD = 4
"""Number of batches to prefetch; a quarter of pyarrow's default, to save memory."""


def read_parquet(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a Parquet source in order.

    Raises:
        SourceError: A file is truncated, or incompatible with the others.
    """
    what = f"Source '{source.name}'"
    fragments = [(file, _fragment(source, files, file)) for file in files.files]
    union = _united(source, files, fragments)
    wanted = choose(what, union.schema.names, request.columns)
    schema = union.schema.empty_table().select(wanted).schema

    def batches() -> Iterator[pa.RecordBatch]:
        for file, part in fragments:
            row = 1
            present = [name for name in wanted if name in part.schema.names]
            for batch in _rows(source, file, part, present, request.limit):
                yield union.conform(file, batch, schema, first_row=row)
                row += batch.num_rows

    return Reading(
        batches=reader_of(schema, take(batches(), request.limit)),
        version=files.fingerprint(),
        total_rows=sum(part.count_rows() for _, part in fragments),
    )


def parquet_schema(source: Source, files: FileSet) -> tuple[pa.Schema, int]:
    """Return the schema and row count of all files, from their footers."""
    fragments = [(file, _fragment(source, files, file)) for file in files.files]
    union = _united(source, files, fragments)
    return union.schema, sum(part.count_rows() for _, part in fragments)


def _united(
    source: Source, files: FileSet, fragments: list[tuple[SourceFile, pa_dataset.Dataset]]
) -> FileUnion:
    for file, part in fragments:
        refuse_twins(f"Source '{source.name}', {file.name}", part.schema.names)
    return unite_files(source, files, [(file, part.schema) for file, part in fragments])


def _rows(
    source: Source,
    file: SourceFile,
    part: pa_dataset.Dataset,
    columns: list[str],
    limit: int | None,
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    try:
        with reading(source, file.name):
            if limit is not None:
                yield from part.head(limit, columns=columns).to_batches()
            else:
                yield from part.to_batches(
                    columns=columns, batch_size=BATCH_ROWS, batch_readahead=_READ_AHEAD
                )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        column = next((name for name in columns if not _readable(part, name)), "")
        what = f"column '{column}' of {file.name}" if column else file.name
        raise SourceError(
            f"Source '{source.name}': {what} cannot be read: {first_line(problem)[:300]}",
            hint="The file may be damaged, or in a form that Arrow cannot read; read other "
            "columns with --columns."
            if column
            else "The file may be damaged; fetch it again.",
            retryable=False,
            data={"column": column, "file": file.name},
        ) from problem


def _readable(part: pa_dataset.Dataset, column: str) -> bool:
    import pyarrow as pa

    try:
        for _ in part.to_batches(columns=[column], batch_size=BATCH_ROWS):
            pass
    except (pa.ArrowException, OSError):
        return False
    return True


def _fragment(source: Source, files: FileSet, file: SourceFile) -> pa_dataset.Dataset:
    import pyarrow as pa
    import pyarrow.dataset as pa_dataset

    try:
        with reading(source, file.name):
            return pa_dataset.dataset(
                file.path, filesystem=files.fs, format="parquet", partitioning=None
            )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        with reading(source, file.name), files.fs.open(file.path, "rb") as stream:
            refuse_pointer_or_page(file.name, head_of(stream))
        raise SourceError(
            f"Source '{source.name}': {file.name} is not a complete Parquet file: "
            f"{first_line(problem)[:300]}",
            hint="It may be cut off or still being written; otherwise fetch it again.",
        ) from problem
