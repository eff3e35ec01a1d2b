"""Writes rows to parquet files in an attempt's folder, in one pass with constant memory."""

from __future__ import annotations

import hashlib
import resource
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.publishing.lake.layout import disk_errors
from jupyter_etl.publishing.tables.arrow_types import cast_batch, plain_schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads

SCHEMA_FILE = "schema.parquet"
"""A file without rows: the schema including partition columns, present even if there are no rows.
"""

_FILE_BYTES = 128 * 2**20
_ROW_GROUP_ROWS = 128 * 1024
"""A row group is in memory until it is complete, as rows and again as pages."""

_DICTIONARY_BYTES = 256 * 1024
"""Maximum size of a row group's dictionary. Beyond it, looking for equal values costs more than it
saves; with pyarrow's own limit of 1 MB, no column of 64 bits would reach it in such a small
group.
"""

_MOST_PARTITIONS = 1024
_PARTITION_TYPES = ("bool", "int8", "int16", "int32", "int64", "string", "date32[day]")
_NO_PARTITION_LETTERS = "=/%:"
_LONGEST_PARTITION_NAME = 100
_NULL_SEGMENT = "__HIVE_DEFAULT_PARTITION__"
_CALENDAR_DAYS = (-719_162, 2_932_897)
"""Days from 1970 to the first day of the year 1, and to the one after the last of 9999."""
_DAY_US = 86_400_000_000
_NULL_TEXTS = {
    # Delta reads an empty partition value as NULL.
    "": "an empty text",
    _NULL_SEGMENT: f"the text {_NULL_SEGMENT}, which stands for NULL in the names of folders",
}
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class Written:
    """Rows on disk.

    Args:
        files: Relative paths, including ``day=2026-01-01/`` folders.
        rows: Number of rows.
        bytes: Size of the files.
        schema: All columns, including those of the folders.
        typeless: Columns that had no type and contain only NULL.
    """

    files: tuple[str, ...]
    rows: int
    bytes: int
    schema: pa.Schema
    typeless: frozenset[str]


def write_rows(
    data: pa.RecordBatchReader,
    folder: Path,
    *,
    partition_by: Sequence[str] = (),
    schema: pa.Schema | None = None,
) -> Written:
    """Write rows as parquet files and their schema next to them.

    Args:
        folder: The target; it exists.
        partition_by: Columns whose values become folders.
        schema: The columns to write; None uses `plain_schema` of the data.

    Raises:
        PublishError: A table cannot store a column, or a partition column is missing or unsuitable.
    """
    import pyarrow.parquet as pq

    typeless: frozenset[str] = frozenset()
    if schema is None:
        schema, typeless = plain_schema(data.schema)
    _refuse_partitioning(schema, partition_by)
    with disk_errors("The rows cannot be staged"):
        pq.write_metadata(schema, folder / SCHEMA_FILE)
        batches = _cast_batches(data, schema)
        if partition_by:
            files, rows = _write_partitioned(batches, folder, schema, partition_by)
        else:
            files, rows = _write_plain(batches, folder, schema)
        size = sum((folder / file).stat().st_size for file in files)
    return Written(files=tuple(files), rows=rows, bytes=size, schema=schema, typeless=typeless)


def _refuse_partitioning(schema: pa.Schema, partition_by: Sequence[str]) -> None:
    for name in partition_by:
        require_column(name, schema.names, "partition column")
        _refuse_folder(name)
        kind = str(schema.field(name).type)
        if kind not in _PARTITION_TYPES:
            raise PublishError(
                f"Column {name!r} of type {kind} cannot partition a table; use text, an integer, "
                "a boolean or a date.",
                hint=f"Partition by a day: df['day'] = df[{name!r}].dt.date.",
            )
    if len(set(partition_by)) >= len(schema.names):
        raise PublishError(
            "Every column is a partition column, so no data column is left.",
            hint="Partition by fewer columns.",
        )


def _refuse_folder(name: str) -> None:
    """Reject a name that is not allowed in partition folders, ``name=value``."""
    found = sorted({letter for letter in name if letter in _NO_PARTITION_LETTERS})
    if found or len(name.encode()) > _LONGEST_PARTITION_NAME:
        fault = f"{' and '.join(map(repr, found))} in it" if found else f"{len(name)} letters"
        raise PublishError(
            f"Column {shown(name)!r} cannot partition a table: its name has {fault}, but becomes part "
            "of folder names.",
            hint="Rename it: df = df.rename(columns={...}). Letters of any language, digits, spaces "
            f"and signs other than = / % : are allowed, up to {_LONGEST_PARTITION_NAME} bytes.",
            data={"column": name},
        )


def require_column(name: str, known: Sequence[str], what: str) -> None:
    """Raise `PublishError` with the known columns unless ``name`` is one of them."""
    if name not in known:
        raise PublishError(
            f"There is no {what} {name!r}.", hint=f"The columns are: {', '.join(known)}."
        )


def _cast_batches(data: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in data:
        cast = cast_batch(batch, schema)
        _refuse_far_times(cast)
        yield cast


def _refuse_far_times(batch: pa.RecordBatch) -> None:
    """Reject times outside the range of dates in table logs and Python."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        is_date = pa.types.is_date32(field.type)
        if not is_date and not pa.types.is_timestamp(field.type):
            continue
        plain = column.view(pa.int32() if is_date else pa.int64())
        first, last = (bound if is_date else bound * _DAY_US for bound in _CALENDAR_DAYS)
        low, high = pc.min_max(plain).as_py().values()
        if low is not None and not first <= low <= high < last:
            far = low if low < first else high
            shown = pa.scalar(far, plain.type).cast(field.type).cast(pa.string())
            raise PublishError(
                f"Column {field.name!r} contains {shown}; dates in tables range from the year 1 "
                "to 9999.",
                hint="Replace it with NULL, convert the column to text, or publish a .parquet "
                "file.",
                data={"column": field.name},
            )


def _write_plain(
    batches: Iterator[pa.RecordBatch], folder: Path, schema: pa.Schema
) -> tuple[list[str], int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files: list[str] = []
    rows = 0
    sink: pa.NativeFile | None = None
    writer: pq.ParquetWriter | None = None
    try:
        for group in _row_groups(batches, schema):
            if writer is None:
                files.append(_new_name())
                sink = pa.OSFile(str(folder / files[-1]), "wb")
                writer = pq.ParquetWriter(sink, schema, dictionary_pagesize_limit=_DICTIONARY_BYTES)
            writer.write_table(group, row_group_size=_ROW_GROUP_ROWS)
            rows += group.num_rows
            if sink is not None and sink.tell() >= _FILE_BYTES:
                writer.close()
                sink.close()
                writer = None
    finally:
        if writer is not None:
            writer.close()
        if sink is not None:
            sink.close()
    return files, rows


def _row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Rechunk to row groups of one size: small ones are slow to read and to write."""
    import pyarrow as pa

    kept: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while batch.num_rows:
            piece = batch.slice(0, _ROW_GROUP_ROWS - rows)
            batch = batch.slice(piece.num_rows)
            kept.append(piece)
            rows += piece.num_rows
            if rows == _ROW_GROUP_ROWS:
                yield pa.Table.from_batches(kept, schema)
                kept, rows = [], 0
    if rows:
        yield pa.Table.from_batches(kept, schema)


def _write_partitioned(
    batches: Iterator[pa.RecordBatch],
    folder: Path,
    schema: pa.Schema,
    partition_by: Sequence[str],
) -> tuple[list[str], int]:
    import pyarrow as pa
    import pyarrow.dataset as pads

    parquet = pads.ParquetFileFormat()
    written: list[tuple[str, int]] = []
    try:
        pads.write_dataset(
            _with_distinct_folders(batches, partition_by),
            folder,
            schema=schema,
            format=parquet,
            file_options=parquet.make_write_options(dictionary_pagesize_limit=_DICTIONARY_BYTES),
            basename_template=_new_name("-{i}"),
            partitioning=_partitioning(schema, partition_by),
            existing_data_behavior="overwrite_or_ignore",
            max_partitions=_MOST_PARTITIONS,
            max_open_files=_most_open_files(),
            max_rows_per_group=_ROW_GROUP_ROWS,
            min_rows_per_group=4096,
            file_visitor=lambda file: written.append((file.path, file.metadata.num_rows)),
        )
    except pa.ArrowInvalid as problem:
        if "partitions" not in str(problem):
            raise
        raise PublishError(
            f"The rows fall into more than {_MOST_PARTITIONS} partitions by "
            f"{', '.join(partition_by)}.",
            hint="Partition by something coarser, such as the month.",
        ) from problem
    base = folder.resolve()
    files = sorted(Path(path).resolve().relative_to(base).as_posix() for path, _ in written)
    return files, sum(rows for _, rows in written)


def _most_open_files() -> int:
    """Return half of the process's limit of open files; the rest is for others.

    A limit below the number of partitions leads to many small files if rows are in random order.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_PARTITIONS if soft < 0 else max(64, min(_MOST_PARTITIONS, soft // 2))


def _with_distinct_folders(
    batches: Iterator[pa.RecordBatch], partition_by: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Reject strings that would be read back as NULL, because only the folder name stores them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for batch in batches:
        for name in partition_by:
            column = batch.column(name)
            for text, fault in _NULL_TEXTS.items() if pa.types.is_string(column.type) else ():
                if pc.any(pc.equal(column, text)).as_py():
                    raise PublishError(
                        f"Partition column {name!r} holds {fault}.",
                        hint=f"Replace it first: df[{name!r}] = df[{name!r}].replace({text!r}, 'none').",
                        data={"column": name},
                    )
        yield batch


def _partitioning(schema: pa.Schema, partition_by: Sequence[str]) -> pads.HivePartitioning:
    import pyarrow as pa
    import pyarrow.dataset as pads

    return pads.HivePartitioning(
        pa.schema([schema.field(name) for name in partition_by]),
        null_fallback=_NULL_SEGMENT,
        segment_encoding="uri",
    )


def _new_name(suffix: str = "") -> str:
    return f"part-{secrets.token_hex(16)}{suffix}.parquet"


def partition_values(file: str) -> dict[str, str | None]:
    """Return the values that the folders of a staged file represent, by column."""
    from urllib.parse import unquote

    pairs = (segment.partition("=") for segment in file.split("/")[:-1])
    return {
        unquote(name): None if value == _NULL_SEGMENT else unquote(value)
        for name, _, value in pairs
    }


def staged_schema(folder: Path) -> pa.Schema:
    """Return the schema that `write_rows` stored in a folder."""
    import pyarrow.parquet as pq

    return pq.read_schema(folder / SCHEMA_FILE)


def digest_of(folder: Path, written: Written, partition_by: Sequence[str]) -> str:
    """Return a SHA-256 (hex) over the columns and the rows, regardless of the order of rows.

    Equal rows have equal digests as long as DuckDB's hash function stays the same.
    """
    import duckdb

    names = ", ".join(quoted(name) for name in written.schema.names)
    with duckdb.connect() as base:
        base.register("staged_rows", staged_rows(folder, written.files, partition_by))
        sums = base.execute(
            "select count(*), sum(h::hugeint), bit_xor(h) "  # noqa: S608 - quoted
            f"from (select hash({names}) as h from staged_rows)"
        ).fetchone()
    columns = [(field.name, str(field.type)) for field in written.schema]
    return hashlib.sha256(repr((columns, sums)).encode()).hexdigest()


def staged_rows(folder: Path, files: Sequence[str], partition_by: Sequence[str]) -> pads.Dataset:
    """Open the output of `write_rows`, with the columns in their order."""
    import pyarrow as pa
    import pyarrow.dataset as pads

    schema = staged_schema(folder)
    if not files:
        return pads.dataset(pa.Table.from_batches([], schema))
    return pads.dataset(
        [str(folder / file) for file in files],
        schema=schema,
        format="parquet",
        partitioning=_partitioning(schema, partition_by) if partition_by else None,
        partition_base_dir=str(folder),
    )


def shown(value: object) -> str:
    """Return a value as a short text, for a message."""
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
