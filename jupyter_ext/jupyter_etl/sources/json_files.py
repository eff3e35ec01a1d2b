"""JSON documents and JSON lines: records with their names and types united."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.file_paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.file_unions import concat_files
from jupyter_etl.sources.json_records import parse_json, records_at, table_of_records
from jupyter_etl.sources.readings import reading_of_table

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_RECORDS = 50_000


def read_json(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a ``json`` or ``jsonl`` source.

    Raises:
        SourceError: A file is not JSON, or holds no records, or a column mixes types.
    """
    what = f"Source '{source.name}'"
    table = concat_files(
        source,
        files,
        _tables(source, files, request.limit),
        complete=request.limit is None,
    )
    found = reading_of_table(
        table,
        what=what,
        columns=request.columns,
        limit=request.limit,
        version=files.fingerprint(),
    )
    return found if request.limit is None else Reading(batches=found.batches, version=found.version)


def _tables(source: Source, files: FileSet, limit: int | None) -> Iterator[tuple[str, pa.Table]]:
    left = limit
    for file in files.files:
        records = _lines(source, files, file) if source.kind == "jsonl" else None
        if records is None:
            records = iter(_document(source, files, file))
        if left is not None:
            records = islice(records, max(left, 1))
        empty = True
        while chunk := list(islice(records, CHUNK_RECORDS)):
            empty = False
            yield file.name, table_of_records(f"Source '{source.name}', {file.name}", chunk)
            left = None if left is None else left - len(chunk)
        if empty:
            yield file.name, table_of_records("", [])
        if left is not None and left <= 0:
            return


def _lines(source: Source, files: FileSet, file: SourceFile) -> Iterator[object]:
    with reading(source, file.name), open_file(files, file) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield parse_json(line)
            except ValueError as problem:
                raise SourceError(
                    f"Source '{source.name}': line {number} of {file.name} is not JSON: {problem}",
                    hint="If it is the last line, the file may be cut off.",
                ) from problem


def _document(source: Source, files: FileSet, file: SourceFile) -> list[object]:
    with reading(source, file.name), open_file(files, file) as stream:
        try:
            document = parse_json(stream.read())
        except ValueError as problem:
            raise SourceError(
                f"Source '{source.name}': {file.name} is not JSON: {problem}",
                hint="It may be cut off; a file with one record a line is of kind jsonl.",
            ) from problem
    path = source.options.get("path", source.options.get("json", ""))
    return records_at(f"Source '{source.name}': {file.name}", document, path)
