"""JSON documents and JSON lines: records with united names and types."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.files.json_records import RecordTables, records_at
from jupyter_etl.sources.files.json_text import encoding_of, json_encoding, parse_json, why_not_json
from jupyter_etl.sources.files.unions import concat_files
from jupyter_etl.sources.locations.paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.readings import reading_of_table
from jupyter_etl.sources.text.declared_types import parse_declared_types

_PART_BYTES = 1_000_000


def read_json(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a ``json`` or ``jsonl`` source.

    Raises:
        SourceError: A file is not JSON, or contains no records, or a column mixes types.
    """
    what = f"Source '{source.name}'"
    declared = parse_declared_types(source.options)
    records, left = RecordTables(what, declared), request.limit
    for file in files.files:
        with _records(source, files, file, written=bool(declared)) as every:
            taken = records.add(file.name, every if left is None else islice(every, max(left, 1)))
        left = None if left is None else left - taken
        if left is not None and left <= 0:
            break
    table = concat_files(source, files, records.tables(), complete=request.limit is None)
    found = reading_of_table(
        table,
        what=what,
        columns=request.columns,
        limit=request.limit,
        version=files.fingerprint(),
    )
    return found if request.limit is None else Reading(batches=found.batches, version=found.version)


@contextmanager
def _records(
    source: Source, files: FileSet, file: SourceFile, *, written: bool
) -> Iterator[Iterable[object]]:
    what = f"Source '{source.name}'"
    encoding = json_encoding(source.options)
    with reading(source, file.name), open_file(files, file) as stream:
        if source.kind == "jsonl":
            yield _lines(what, file, stream, encoding, written=written)
            return
        try:
            document = parse_json(stream.read(), written=written, encoding=encoding)
        except ValueError as problem:
            raise SourceError(
                f"{what}: {file.name} is not JSON: {problem}",
                hint=why_not_json(problem)
                or "It may be truncated; a file with one record per line is of kind jsonl.",
            ) from problem
        path = source.options.get("path", source.options.get("json", ""))
        yield records_at(f"{what}: {file.name}", document, path)


def _lines(
    what: str, file: SourceFile, stream: BinaryIO, encoding: str, *, written: bool
) -> Iterator[object]:
    encoding = encoding or encoding_of(stream.read(4))
    stream.seek(0)
    # In UTF-8, lines can be split at the byte level.
    lines: Iterable[bytes | str] = (
        stream if encoding.startswith("utf-8") else _decoded_lines(stream, encoding)
    )
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield parse_json(line, written=written)
        except ValueError as problem:
            hint = why_not_json(problem) or "If it is the last line, the file may be truncated."
            if "--kind jsonl" in hint:
                hint = "It has several records in one line; put each record in a separate line."
            raise SourceError(
                f"{what}: line {number:,} of {file.name} is not JSON: {problem}", hint=hint
            ) from problem


def _decoded_lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    rest = ""
    for text in codecs.iterdecode(iter(lambda: stream.read(_PART_BYTES), b""), encoding):
        *lines, rest = (rest + text).split("\n")
        yield from lines
    yield rest
