"""HTTP APIs: paged JSON, and files of any kind behind a URL."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fsspec.implementations.local import LocalFileSystem

from jupyter_etl.errors import DeclarationError, NotFound, SourceError
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Reading, ReadRequest
from jupyter_etl.sources.files.json_records import RecordTables
from jupyter_etl.sources.files.kinds import FILE_OPTIONS, FILE_READERS, check_options
from jupyter_etl.sources.http.exchange import Exchange
from jupyter_etl.sources.http.options import HTTP_OPTIONS, http_target
from jupyter_etl.sources.http.pages import Page, fetch_pages, json_path
from jupyter_etl.sources.http.paging import Trail
from jupyter_etl.sources.http.refusals import incomplete
from jupyter_etl.sources.locations.paths import FileSet, SourceFile
from jupyter_etl.sources.options import is_known, refuse_options
from jupyter_etl.sources.readings import columns_of, owning_reader, reading_of_table
from jupyter_etl.sources.schema_union import concat
from jupyter_etl.sources.text.declared_types import parse_declared_types, refuse_absent_columns

if TYPE_CHECKING:
    import pyarrow as pa

_HEAD_ROWS = 100


def _unasked(name: str) -> NoReturn:
    raise NotFound(f"'{name}' is not available while a declaration is checked.")


_NO_ACCESS = Access(secret=lambda name: "", frame=_unasked, publication=_unasked)


class HttpConnector:
    """Reads the response of a URL, page by page.

    Nothing is truncated: exceeding the limit of pages or bytes is an error.

    Args:
        wait: Sleeps for a number of seconds between tries.
    """

    kinds: tuple[str, ...] = ("http",)

    def __init__(self, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._wait = wait

    def check(self, source: Source) -> None:
        """Check the options; nothing is fetched and no secret is requested.

        Raises:
            DeclarationError: There is no such option, or a value is not valid.
        """
        known = FILE_OPTIONS.get(source.kind, FILE_OPTIONS["json"])
        refuse_options(source, (*HTTP_OPTIONS, *known))
        http_target(source, _NO_ACCESS)
        check_options(source)

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List the table of the response, by its first records.

        Raises:
            SourceError: It cannot be reached or read.
            DeclarationError: There is no such option.
        """
        with self.read(source, ReadRequest(limit=_HEAD_ROWS), access).batches as batches:
            return [TableInfo(name="", columns=columns_of(batches.schema))]

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Fetch all pages, or as many as ``limit`` needs.

        Raises:
            SourceError: It cannot be reached or read, is too large, or lacks a column.
            DeclarationError: SQL is not supported, or there is no such option.
        """
        if request.query is not None:
            raise DeclarationError(
                f"Source '{source.name}' is a URL, which does not support SQL directly.",
                hint=f"Use '%%etl sql local' and select from {source.name}.",
            )
        self.check(source)
        target = http_target(source, access)
        folder = Path(tempfile.mkdtemp(prefix="jupyter-etl-"))
        try:
            with Exchange(target, wait=self._wait) as exchange:
                trail = Trail(target, json_path(source))
                pages = fetch_pages(exchange, trail, source, folder)
                first = next(pages)
                if request.table and first.kind != "excel":
                    raise SourceError(
                        f"Source '{source.name}' is one table; it has no '{request.table}'.",
                        hint=f"Load {source.name}.",
                        retryable=False,
                    )
                every = chain([first], pages)
                if first.kind == "json":
                    reading = _reading_of_records(source, request, every)
                else:
                    reading = _reading_of_files(replace(source, kind=first.kind), request, every)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        batches: Iterable[pa.RecordBatch] = reading.batches
        if first.kind != "json" and request.limit is None:
            batches = _counted(trail, batches)
        stream = owning_reader(
            reading.batches.schema,
            batches,
            lambda: shutil.rmtree(folder, ignore_errors=True),
        )
        return replace(reading, batches=stream)


def _reading_of_records(source: Source, request: ReadRequest, pages: Iterable[Page]) -> Reading:
    digest = hashlib.sha256()
    what = f"Source '{source.name}'"
    declared = parse_declared_types(source.options)
    records, left = RecordTables(what, declared), request.limit
    for page in pages:
        taken = records.add(page.name, page.records or [])
        digest.update(page.digest.encode())
        page.body.unlink()
        left = None if left is None else left - taken
        if left is not None and left <= 0:
            break
    table = concat(what, records.tables())
    # With a limit, later pages are not fetched: neither version nor row count is known.
    whole = request.limit is None
    if whole:
        refuse_absent_columns(what, declared, table.column_names)
    found = reading_of_table(table, what=what, columns=request.columns, limit=request.limit)
    return replace(
        found,
        version=digest.hexdigest() if whole else "",
        total_rows=found.total_rows if whole else None,
    )


def _reading_of_files(source: Source, request: ReadRequest, pages: Iterable[Page]) -> Reading:
    files = tuple(
        SourceFile(
            path=str(page.body), name=page.name, size=page.body.stat().st_size, stamp=page.digest
        )
        for page in pages
    )
    if empty := next((file.name for file in files if not file.size), None):
        raise SourceError(f"Source '{source.name}': {empty} is empty (0 bytes).")
    options = {k: v for k, v in source.options.items() if is_known(k, FILE_OPTIONS[source.kind])}
    return FILE_READERS[source.kind](
        replace(source, options=options), FileSet(fs=LocalFileSystem(), files=files), request
    )


def _counted(trail: Trail, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pass rows on, and compare their number with the total in the response headers."""
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        yield batch
    if trail.declared is not None and rows < trail.declared:
        raise incomplete(trail.target, "its headers", trail.declared, rows=rows, pages=trail.pages)
