"""Files: a single file, a folder, or a glob."""

from __future__ import annotations

from dataclasses import replace

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Connector, Reading, ReadRequest
from jupyter_etl.sources.csv.reader import csv_table
from jupyter_etl.sources.files.excel import sheet_tables
from jupyter_etl.sources.files.json import read_json
from jupyter_etl.sources.files.kinds import FILE_OPTIONS, FILE_READERS, check_options
from jupyter_etl.sources.files.parquet import parquet_schema
from jupyter_etl.sources.http.options import is_http
from jupyter_etl.sources.locations.filesystems import check_place, place_options
from jupyter_etl.sources.locations.paths import FileSet, find_files
from jupyter_etl.sources.options import refuse_options
from jupyter_etl.sources.readings import columns_of


class FileConnector:
    """Reads csv, parquet, json, jsonl and excel files: local, by fsspec, or by HTTP.

    Several files are one table: they are read in the order of their names, columns are united by
    name, and a column that a file lacks is NULL in its rows.
    """

    kinds: tuple[str, ...] = tuple(FILE_READERS)

    def check(self, source: Source) -> None:
        """Check the options; nothing is opened.

        Raises:
            DeclarationError: The kind has no such option, or a value is not valid.
        """
        if is_http(source.location):
            _http().check(source)
            return
        refuse_options(source, (*FILE_OPTIONS[source.kind], *place_options(source)))
        check_place(source)
        check_options(source)

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List the table of the files, or the sheets of a workbook.

        Raises:
            SourceError: There is no file, or it cannot be read.
        """
        if is_http(source.location):
            return _http().tables(source, access)
        self.check(source)
        files = find_files(source, access)
        return [
            replace(table, notes=(*files.notes, *table.notes)) for table in _tables(source, files)
        ]

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Start reading.

        Raises:
            SourceError: There is no file, it cannot be read, or it lacks a column.
            DeclarationError: SQL is not supported, or the kind has no such option.
        """
        if is_http(source.location):
            return _http().read(source, request, access)
        self.check(source)
        if request.query is not None:
            raise DeclarationError(
                f"Source '{source.name}' consists of {source.kind} files, which do not support "
                "SQL directly.",
                hint=f"Use '%%etl sql local' and select from {source.name}.",
            )
        if request.table and source.kind != "excel":
            raise SourceError(
                f"Source '{source.name}' is one table; it has no '{request.table}'.",
                hint=f"Load {source.name}.",
                retryable=False,
            )
        files = find_files(source, access)
        found = FILE_READERS[source.kind](source, files, request)
        return replace(found, notes=(*files.notes, *found.notes))


def _tables(source: Source, files: FileSet) -> list[TableInfo]:
    if source.kind == "excel":
        return sheet_tables(source, files)
    if source.kind == "parquet":
        schema, rows = parquet_schema(source, files)
        return [TableInfo(name="", columns=columns_of(schema), rows=rows)]
    if source.kind == "csv":
        return [csv_table(source, files)]
    with read_json(source, files, ReadRequest(limit=100)).batches as batches:
        return [TableInfo(name="", columns=columns_of(batches.schema))]


def _http() -> Connector:
    # Imported when a URL is read, because HTTP clients are slow to import.
    from jupyter_etl.sources.http.connector import HttpConnector

    return HttpConnector()
