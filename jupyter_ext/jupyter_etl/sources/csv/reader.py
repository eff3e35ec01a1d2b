"""CSV files: types are inferred from all files, without changing a value."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Column, Source, TableInfo
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.csv.blocks import BlockFault
from jupyter_etl.sources.csv.columns import TextReader, finished
from jupyter_etl.sources.csv.format import CsvFormat, parse_csv_format
from jupyter_etl.sources.csv.opening import CsvFile, look_at
from jupyter_etl.sources.csv.scan import Scan, Scanned, worked
from jupyter_etl.sources.locations.download import read_fetched
from jupyter_etl.sources.locations.hive_folders import HiveFolders, hive_folders
from jupyter_etl.sources.locations.paths import FileSet
from jupyter_etl.sources.readings import choose, reader_of, take
from jupyter_etl.sources.schema_union import refuse_strangers
from jupyter_etl.sources.text.declared_types import refuse_absent_columns
from jupyter_etl.sources.text.hints import hint_on
from jupyter_etl.sources.text.inference import Evidence, Inferred, decide

if TYPE_CHECKING:
    import pyarrow as pa

_DESCRIBED_ROWS = 10_000
_MOST_WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A source whose types have been decided.

    Args:
        scanned: Its files.
        reader: Converts strings to values.
        columns: Types with their reasons, in order.
        folders: Columns from folder names.
        evidence: Evidence for the columns without declared types.
        notes: Notes for the user.
        complete: Whether all rows were read.
    """

    scanned: list[Scanned]
    reader: TextReader
    columns: dict[str, Inferred]
    folders: HiveFolders
    evidence: dict[str, Evidence]
    notes: tuple[str, ...]
    complete: bool

    @property
    def rows(self) -> int | None:
        """The number of rows; None if not all were read."""
        return sum(file.rows for file in self.scanned) if self.complete else None


def read_csv(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read all files of a CSV source.

    Raises:
        SourceError: A file is truncated, not CSV, or a value does not have its declared type.
    """
    if request.limit is not None:
        return _read(source, files, request)
    return read_fetched(source, files, lambda copies: _read(source, copies, request))


def csv_table(source: Source, files: FileSet) -> TableInfo:
    """Describe columns and types by the first rows, with the reason for each type.

    Raises:
        SourceError: See `read_csv`.
    """
    table = _table(source, files, ReadRequest(limit=_DESCRIBED_ROWS))
    reasons = [f"{name}: {found.type}, {found.reason}." for name, found in table.columns.items()]
    return TableInfo(
        name="",
        columns=tuple(
            Column(name=name, type=str(found.type), nullable=True)
            for name, found in table.columns.items()
        ),
        rows=table.rows,
        notes=(*table.notes, *reasons),
    )


def _read(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    import pyarrow as pa

    table = _table(source, files, request)
    schema = pa.schema([(name, found.type) for name, found in table.columns.items()])
    return Reading(
        batches=reader_of(schema, take(_batches(table, schema), request.limit)),
        version=files.fingerprint(),
        total_rows=table.rows,
        notes=table.notes,
    )


def _table(source: Source, files: FileSet, request: ReadRequest) -> _Table:
    """Scan files for their types: all rows, or up to a limit."""
    what, written = f"Source '{source.name}'", parse_csv_format(source.options)
    first = files.files[:1] if request.limit is not None else files.files
    opened = [look_at(source, files, file, written) for file in first]
    refuse_strangers(what, [(file.file.name, file.names) for file in opened])
    folders = _folders(what, files, written, {})
    names = dict.fromkeys(name for file in opened for name in (*file.names, *folders.types))
    wanted = dict.fromkeys(choose(what, list(names), request.columns))
    refuse_absent_columns(what, written.types, names)
    reader = TextReader(form=written.text, declared=written.types)
    with ThreadPoolExecutor(_workers()) as pool:
        scan = Scan(reader=reader, pool=pool, workers=_workers(), limit=request.limit)
        for number, file in enumerate(files.files):
            if not scan.complete or (request.limit is not None and scan.rows >= request.limit):
                scan.complete = False
                break
            if number >= len(opened):
                opened.append(look_at(source, files, file, written))
                if request.columns is None:
                    wanted.update(dict.fromkeys(opened[-1].names))
            scan.read(opened[number], tuple(wanted))
    columns = _decided(scan, list(wanted))
    folders = _folders(what, files, written, columns)
    columns.update(_given(folders, columns))
    return _Table(
        scanned=scan.scanned,
        reader=reader,
        columns=columns,
        folders=folders,
        evidence=scan.evidence,
        notes=tuple(_notes(scan, opened, columns)),
        complete=scan.complete,
    )


def _decided(scan: Scan, wanted: list[str]) -> dict[str, Inferred]:
    """Decide the types of columns from all rows that were read."""
    declared = scan.reader.declared
    return {
        name: Inferred(type=declared[name], reason="declared by an option")
        if name in declared
        else decide(scan.evidence.get(name, Evidence()))
        for name in wanted
    }


def _given(folders: HiveFolders, columns: dict[str, Inferred]) -> dict[str, Inferred]:
    """Return the types of columns that occur only in folder names."""
    import pyarrow as pa

    return {
        name: Inferred(type=folders.types[name], reason="given by the names of folders")
        for name, found in columns.items()
        if name in folders.types and pa.types.is_null(found.type)
    }


def _folders(
    what: str, files: FileSet, written: CsvFormat, columns: dict[str, Inferred]
) -> HiveFolders:
    """Parse folder names; a column that files also contain keeps its type from there."""
    import pyarrow as pa

    inside = {
        name: found.type for name, found in columns.items() if not pa.types.is_null(found.type)
    }
    return hive_folders(what, files.files, declared=written.types, inside=inside)


def _notes(scan: Scan, opened: list[CsvFile], columns: dict[str, Inferred]) -> Iterator[str]:
    import pyarrow as pa

    nameless = dict.fromkeys(name for file in opened for name in file.nameless if name in columns)
    if nameless:
        yield f"Columns without a name are named {', '.join(nameless)}."
    for file in opened:
        if file.is_utf8:
            yield f"{file.file.name} looks like UTF-8, but is read as {file.written.encoding}."
    for name, found in columns.items():
        evidence = scan.evidence.get(name)
        if evidence is not None and pa.types.is_string(found.type):
            texts = scan.samples.get(name, [])
            more = [text for text in (evidence.first, evidence.odd) if text not in texts]
            hint = hint_on(name, [*texts, *more], scan.reader.form)
            if hint:
                yield hint
    if not scan.complete:
        yield f"Types are inferred from the first {scan.rows:,} rows; later rows may change them."


def _batches(table: _Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield all rows, from memory or by reading the files again."""
    for scanned in table.scanned:
        if scanned.blocks is None:
            for rows, arrays in _again(table, scanned, schema.names, schema):
                yield _batch(table, scanned, rows, arrays, schema)
            continue
        blocks = [
            (rows, {name: finished(part, schema.field(name).type) for name, part in parts.items()})
            for rows, parts in scanned.blocks
        ]
        texts = sorted({name for _, done in blocks for name in done if done[name] is None})
        again = _again(table, scanned, texts, schema) if texts else iter(())
        for rows, done in blocks:
            _, missing = next(again, (rows, {}))
            yield _batch(table, scanned, rows, {**done, **missing}, schema)


def _again(
    table: _Table, scanned: Scanned, names: list[str], schema: pa.Schema
) -> Iterator[tuple[int, dict[str, pa.Array]]]:
    """Read columns of a file a second time, with the types of the whole source."""
    file = scanned.file
    there = set(file.names)
    names = [name for name in names if name in there]

    def read(texts: pa.RecordBatch) -> tuple[int, dict[str, pa.Array | None]]:
        return texts.num_rows, {
            name: table.reader.reread(
                name, texts.column(name), schema.field(name).type, table.evidence.get(name)
            )
            for name in names
        }

    with ThreadPoolExecutor(_workers()) as pool:
        for found in worked(file, names, read, pool, ahead=_workers(), size=scanned.size):
            if isinstance(found, BlockFault) or any(v is None for v in found[1].values()):
                raise SourceError(
                    f"{file.what} changed while it was read.", hint="Read it again.", retryable=True
                )
            yield found


def _batch(
    table: _Table, scanned: Scanned, rows: int, arrays: dict[str, pa.Array], schema: pa.Schema
) -> pa.RecordBatch:
    """Build a batch; a column that the file lacks comes from its folder, or is NULL."""
    import pyarrow as pa

    file, folders = scanned.file, table.folders
    given = folders.values.get(file.file.name, {})
    columns = []
    for field in schema:
        own = arrays.get(field.name)
        if own is None and field.name in given:
            own = folders.column(file.file, field.name, rows)
        elif own is not None and field.name in given:
            folders.check(file.what, file.file, field.name, own)
        columns.append(pa.nulls(rows, field.type) if own is None else own)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _workers() -> int:
    import pyarrow as pa

    return min(_MOST_WORKERS, int(pa.cpu_count()))
