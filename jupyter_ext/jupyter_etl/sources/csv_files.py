"""CSV by pyarrow: types are decided over the whole file, and never at the price of a value."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from lzma import LZMAError
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.csv_format import (
    HEAD_BYTES,
    CsvFormat,
    arrow_options,
    look_at,
    parse_csv_format,
)
from jupyter_etl.sources.fetching import read_fetched
from jupyter_etl.sources.file_paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.file_unions import unite_files
from jupyter_etl.sources.readings import choose, reader_of, refuse_twins, take

if TYPE_CHECKING:
    import pyarrow as pa

KEEP_BYTES = 256 << 20
"""Tables up to this size in all stay in memory between finding the types and handing out."""

_EXACT_INTEGERS = 2.0**53
"""From here on a double no longer holds every integer."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One file whose types are known; its rows come along where they are few enough."""

    file: SourceFile
    written: CsvFormat
    schema: pa.Schema
    table: pa.Table | None


def read_csv(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a CSV source.

    Args:
        source: Whose files they are.
        files: What to read.
        request: Columns and limit.

    Raises:
        SourceError: A file is cut off, not CSV, or disagrees with the others.
    """
    if request.limit is not None:
        return _read(source, files, request)
    return read_fetched(source, files, lambda copies: _read(source, copies, request))


def _read(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    what = f"Source '{source.name}'"
    if request.limit is None:
        parts = _measured(source, files)
    else:
        parts = _heads(source, files, request.limit)
    union = unite_files(source, files, [(part.file, part.schema) for part in parts])
    whole = union.schema
    choose(what, whole.names, parse_csv_format(source.options).text or None)
    wanted = choose(what, whole.names, request.columns)
    schema = whole.empty_table().select(wanted).schema

    def batches() -> Iterator[pa.RecordBatch]:
        for part in parts:
            stream = part.table.to_batches() if part.table else _stream(source, files, part, whole)
            for batch in stream:
                yield union.conform(part.file, batch, schema)

    rows = None
    if request.limit is None and all(part.table is not None for part in parts):
        rows = sum(part.table.num_rows for part in parts if part.table is not None)
    return Reading(
        batches=reader_of(schema, take(batches(), request.limit)),
        version=files.fingerprint(),
        total_rows=rows,
    )


def csv_schema(source: Source, files: FileSet) -> pa.Schema:
    """Find columns and types from the head of the first file."""
    parts = _heads(source, files, 1)[:1]
    return unite_files(source, files, [(part.file, part.schema) for part in parts]).schema


def _measured(source: Source, files: FileSet) -> list[_Part]:
    """Read every file for its types."""
    parts: list[_Part] = []
    kept = 0
    for file in files.files:
        written = _written(source, files, file)
        table = _whole(source, files, file, written)
        rounded = [*_rounded_integers(table), *_overflown(source, files, file, written, table)]
        if rounded:
            written = replace(written, text=(*written.text, *rounded))
            table = _whole(source, files, file, written)
        kept += table.nbytes
        keep = kept <= KEEP_BYTES or len(files.files) == 1
        parts.append(
            _Part(file=file, written=written, schema=table.schema, table=table if keep else None)
        )
    return parts


def _heads(source: Source, files: FileSet, limit: int) -> list[_Part]:
    """Read no more files, and no more of the last one, than ``limit`` rows take."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    parts: list[_Part] = []
    left = max(limit, 1)
    for file in files.files:
        written = _written(source, files, file)
        with (
            _clear_errors(source, file),
            open_file(files, file) as stream,
            pa_csv.open_csv(stream, *arrow_options(written)) as reader,
        ):
            schema = reader.schema
            taken = list(take(reader, left))
        table = _tidy(source, file, pa.Table.from_batches(taken, schema=schema), written)
        parts.append(_Part(file=file, written=written, schema=table.schema, table=table))
        left -= table.num_rows
        if left <= 0:
            break
    return parts


def _written(source: Source, files: FileSet, file: SourceFile) -> CsvFormat:
    with _clear_errors(source, file), open_file(files, file) as stream:
        return look_at(parse_csv_format(source.options), stream.read(HEAD_BYTES))


def _whole(source: Source, files: FileSet, file: SourceFile, written: CsvFormat) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    options = arrow_options(written, block_bytes=8 << 20)
    with _clear_errors(source, file), open_file(files, file) as stream:
        table = pa_csv.read_csv(stream, *options)
        if table.num_rows and _ends_inside_quotes(
            files, file, written, table.column(-1)[-1].as_py()
        ):
            raise pa.ArrowInvalid("its last quote is not closed")
    return _tidy(source, file, table, written)


def _ends_inside_quotes(files: FileSet, file: SourceFile, written: CsvFormat, last: object) -> bool:
    """Tell whether the file was cut off inside its last cell, which pyarrow takes for a whole one.

    Compressed files are left out: cut off, they do not decompress.
    """
    if file.size < 0 or file.name.endswith((".gz", ".zip", ".bz2", ".xz", ".zst")):
        return False
    with files.fs.open(file.path, "rb") as stream:
        stream.seek(max(0, file.size - HEAD_BYTES))
        tail = stream.read().decode(written.encoding, "ignore").replace("\r\n", "\n")
    quote = written.quote
    if isinstance(last, str):
        cell = last.replace("\r\n", "\n").replace(quote, quote * 2)
        before = tail.removesuffix(f"{quote}{cell}")
        return bool(cell) and before != tail and before.endswith((written.delimiter, "\n"))
    line = tail.rstrip("\n").rpartition("\n")[2]
    return bool(line.rpartition(written.delimiter)[2].count(quote) == 1)


def _stream(
    source: Source, files: FileSet, part: _Part, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Read a file a second time, now with the types of the whole source."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    known = {name: schema.field(name).type for name in part.schema.names}
    options = arrow_options(part.written, known, block_bytes=8 << 20)
    with _clear_errors(source, part.file), open_file(files, part.file) as stream:
        for batch in pa_csv.open_csv(stream, *options):
            table = pa.Table.from_batches([batch])
            yield from _tidy(source, part.file, table, part.written).to_batches()


def _tidy(source: Source, file: SourceFile, table: pa.Table, written: CsvFormat) -> pa.Table:
    """Make empty cells of text null, seconds microseconds; refuse text that is not text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    refuse_twins(f"Source '{source.name}', {file.name}", table.column_names)
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_binary(field.type):
            raise SourceError(
                f"Source '{source.name}': column '{field.name}' of {file.name} is not "
                f"{written.encoding} text.",
                hint="Declare the source with the option encoding=latin-1 (or cp1252, utf-16).",
                retryable=False,
            )
        if pa.types.is_string(field.type) and not written.null:
            column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        elif pa.types.is_timestamp(field.type) and field.type.unit == "s":
            column = column.cast(pa.timestamp("us", tz=field.type.tz))
        else:
            continue
        table = table.set_column(index, field.name, column)
    return table


def _rounded_integers(table: pa.Table) -> list[str]:
    """Find the columns that became double for integers too large for 64 bits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return [
        field.name
        for field in table.schema
        if pa.types.is_floating(field.type)
        and pc.any(
            pc.greater_equal(
                pc.if_else(pc.is_finite(table[field.name]), pc.abs(table[field.name]), 0.0),
                _EXACT_INTEGERS,
            )
        ).as_py()
        and pc.all(pc.equal(pc.floor(table[field.name]), table[field.name])).as_py()
    ]


def _overflown(
    source: Source, files: FileSet, file: SourceFile, written: CsvFormat, table: pa.Table
) -> list[str]:
    """Find the columns in which a number became infinity for being larger than any double."""
    import pyarrow as pa
    import pyarrow.compute as pc

    infinite = {
        field.name: pc.is_inf(table[field.name])
        for field in table.schema
        if pa.types.is_floating(field.type) and pc.any(pc.is_inf(table[field.name])).as_py()
    }
    if not infinite:
        return []
    texts = _whole(source, files, file, replace(written, text=(*written.text, *infinite)))
    return [
        name
        for name, rows in infinite.items()
        if not pc.all(pc.match_substring(texts[name].filter(rows), "inf", ignore_case=True)).as_py()
    ]


@contextmanager
def _clear_errors(source: Source, file: SourceFile) -> Iterator[None]:
    import pyarrow as pa

    try:
        with reading(source, file.name):
            yield
    except (pa.ArrowInvalid, UnicodeError, zlib.error, LZMAError) as problem:
        wrong_codec = isinstance(problem, UnicodeError) or "UTF8" in str(problem)
        raise SourceError(
            f"Source '{source.name}': {file.name} cannot be read as CSV: "
            f"{str(problem).splitlines()[0][:300]}",
            hint="Declare it with the option encoding=latin-1 (or cp1252, utf-16)."
            if wrong_codec
            else "If it is not cut off, check the options delimiter, quote, skip and decimal.",
            retryable=not wrong_codec,
        ) from problem
