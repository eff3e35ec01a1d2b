"""JSON documents and JSON lines: records with their names and types united."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.file_paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.readings import reading_of_table
from jupyter_etl.sources.unions import concat
from jupyter_etl.spec.names import listed, nearest

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_RECORDS = 50_000


def read_json(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a ``json`` or ``jsonl`` source.

    Raises:
        SourceError: A file is not JSON, or holds no records, or a column mixes types.
    """
    what = f"Source '{source.name}'"
    table = concat(what, _tables(source, files, request.limit))
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


def table_of_records(what: str, records: Sequence[object]) -> pa.Table:
    """Make a table of objects; a name that a record lacks is null there.

    Args:
        what: Subject of messages.
        records: Objects as `json` reads them.

    Raises:
        SourceError: A record is no object, or a column mixes types that no type holds both.
    """
    import pyarrow as pa

    names: dict[str, None] = {}
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise SourceError(
                f"{what}: record {number + 1} is {_kind(record)}, no object with names.",
                hint='Each record looks like {"id": 1, "amount": 2.5}.',
                retryable=False,
            )
        names.update(dict.fromkeys(record))
    rows: Sequence[dict[str, Any]] = records  # type: ignore[assignment]
    columns = {}
    for name in names:
        try:
            columns[name] = pa.array([row.get(name) for row in rows])
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as problem:
            raise SourceError(
                f"{what}: column '{name}' mixes values of different types: {problem}",
                hint="Repair the file, or load it by %etl sql local with a cast.",
                retryable=False,
                data={"column": name},
            ) from problem
    return pa.table(columns)


def _lines(source: Source, files: FileSet, file: SourceFile) -> Iterator[object]:
    with reading(source, file.name), open_file(files, file) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as problem:
                raise SourceError(
                    f"Source '{source.name}': line {number} of {file.name} is not JSON: {problem}",
                    hint="If it is the last line, the file may be cut off.",
                ) from problem


def _document(source: Source, files: FileSet, file: SourceFile) -> list[object]:
    with reading(source, file.name), open_file(files, file) as stream:
        try:
            document = json.loads(stream.read())
        except ValueError as problem:
            raise SourceError(
                f"Source '{source.name}': {file.name} is not JSON: {problem}",
                hint="It may be cut off; a file with one record a line is of kind jsonl.",
            ) from problem
    path = source.options.get("path", source.options.get("json", ""))
    found = document
    for step in filter(None, path.split(".")):
        inside = list(found) if isinstance(found, dict) else []
        if not isinstance(found, dict) or step not in found:
            raise SourceError(
                f"Source '{source.name}': {file.name} has nothing at path '{path}'; at '{step}' "
                f"there is {_kind(found)}{' with ' + listed(inside) if inside else ''}.",
                hint=nearest(step, inside).strip(),
                retryable=False,
            )
        found = found[step]
    if not isinstance(found, list):
        lists = (
            [k for k, v in found.items() if isinstance(v, list)] if isinstance(found, dict) else []
        )
        raise SourceError(
            f"Source '{source.name}': {file.name} holds {_kind(found)}"
            f"{' at ' + path if path else ''}, no list of records.",
            hint=f"Declare it with the option path={(path + '.') if path else ''}{lists[0]}."
            if lists
            else "Declare it with the option path=... of the list inside the document.",
            retryable=False,
        )
    return found


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
