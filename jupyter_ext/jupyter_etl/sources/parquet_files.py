"""Parquet by pyarrow's dataset, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.file_paths import FileSet, SourceFile, reading
from jupyter_etl.sources.readings import choose, reader_of, refuse_twins, take
from jupyter_etl.sources.unions import conform, relaxed, unite

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pa_dataset

BATCH_ROWS = 1 << 16
_READ_AHEAD = 4
"""Batches decoded before they are asked for; a quarter of pyarrow's, and of their memory."""


def read_parquet(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a Parquet source in order.

    Raises:
        SourceError: A file is cut off, or disagrees with the others.
    """
    what = f"Source '{source.name}'"
    fragments = [(file, _fragment(source, files, file)) for file in files.files]
    whole = _united(what, fragments)
    wanted = choose(what, whole.names, request.columns)
    schema = whole.empty_table().select(wanted).schema

    def batches() -> Iterator[pa.RecordBatch]:
        for file, part in fragments:
            present = [name for name in wanted if name in part.schema.names]
            with reading(source, file.name):
                stream = (
                    part.head(request.limit, columns=present).to_batches()
                    if request.limit is not None
                    else part.to_batches(
                        columns=present, batch_size=BATCH_ROWS, batch_readahead=_READ_AHEAD
                    )
                )
                for batch in stream:
                    yield conform(f"{what}, {file.name}", batch, schema)

    return Reading(
        batches=reader_of(schema, take(batches(), request.limit)),
        version=files.fingerprint(),
        total_rows=sum(part.count_rows() for _, part in fragments),
    )


def parquet_schema(source: Source, files: FileSet) -> tuple[pa.Schema, int]:
    """Return the schema of all files and how many rows they hold, from their footers."""
    fragments = [(file, _fragment(source, files, file)) for file in files.files]
    schema = _united(f"Source '{source.name}'", fragments)
    return schema, sum(part.count_rows() for _, part in fragments)


def _united(what: str, fragments: list[tuple[SourceFile, pa_dataset.Dataset]]) -> pa.Schema:
    for file, part in fragments:
        refuse_twins(f"{what}, {file.name}", part.schema.names)
    return relaxed(unite(what, [(file.name, part.schema) for file, part in fragments]))


def _fragment(source: Source, files: FileSet, file: SourceFile) -> pa_dataset.Dataset:
    """Open one file; folders named ``key=value`` on its way are columns."""
    import pyarrow as pa
    import pyarrow.dataset as pa_dataset

    base = file.path[: len(file.path) - len(file.name)]
    try:
        with reading(source, file.name):
            return pa_dataset.dataset(
                file.path,
                filesystem=files.fs,
                format="parquet",
                partitioning="hive",
                partition_base_dir=base,
            )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise SourceError(
            f"Source '{source.name}': {file.name} is no complete Parquet file: "
            f"{str(problem).splitlines()[0][:300]}",
            hint="It may be cut off or still being written; otherwise fetch it again.",
        ) from problem
