"""The data session: data access inside a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError, EtlError, NotFound, SourceError
from jupyter_etl.language.durations import rounded_duration
from jupyter_etl.language.parameters.parameter import coerce, default_of, parse_parameter
from jupyter_etl.language.sources import parse_source
from jupyter_etl.model import CheckResult, Freshness, Read, RunContext, Source, TableInfo
from jupyter_etl.notebook.checks import check_data
from jupyter_etl.notebook.frames import as_frame, to_arrow
from jupyter_etl.notebook.memory import Remembered, whole
from jupyter_etl.notebook.notes import print_notes
from jupyter_etl.notebook.queries import Query, answer
from jupyter_etl.notebook.read_limit import SETTING, ReadLimit
from jupyter_etl.notebook.streams import Stream, is_rereadable, rows_of
from jupyter_etl.notebook.watermarks import IncrementalLoad, NewRows, load_since, stream_since
from jupyter_etl.ports import Access, Channel, Reading, ReadRequest, SecretResolver
from jupyter_etl.services.preview import Preview, info_of, preview_of
from jupyter_etl.services.reading import (
    access_with,
    check_source,
    live_version,
    open_source,
    open_version,
    tables_of,
)
from jupyter_etl.services.targets import Target, find_target

if TYPE_CHECKING:
    import pyarrow as pa


class DataSession:
    """Reads and writes the data of a notebook; the same interactively and in a run.

    Args:
        channel: The ledger interactively, the runner in a run.
        namespace: Variables of the notebook, looked up when needed.
        base: Folder that relative paths start from.
        secret: Resolves the names of secrets.
        remembered: Named queries and origins of frames; initially empty.
        query_bytes: Memory limit of an interactive read in bytes; 0 for no limit.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        namespace: Mapping[str, object],
        base: Path,
        secret: SecretResolver,
        remembered: Remembered | None = None,
        query_bytes: int = 0,
    ) -> None:
        self.channel = channel
        self.namespace = namespace
        self.base = base
        self._secret = secret
        self.remembered = remembered or Remembered()
        self.query_bytes = query_bytes

    @property
    def context(self) -> RunContext:
        """The run that executes this notebook, or a draft for the current time."""
        return self.channel.context

    def declare(
        self,
        name: str,
        location: str,
        *,
        kind: str | None = None,
        secrets: Sequence[str] = (),
        readonly: bool = False,
        options: Mapping[str, str] | None = None,
        freshness: Freshness | None = None,
        limit: int | None = None,
    ) -> Source:
        """Declare a source; nothing is opened. Arguments and errors as in `Sources.declare`."""
        context = self.context
        source = parse_source(
            name,
            location,
            base=self.base,
            kind=kind,
            secrets=tuple(secrets),
            readonly=readonly,
            options=options or {},
            freshness=freshness,
            limit=limit,
            owner=context.owner,
            notebook=context.notebook,
        )
        check_source(source)
        return self.channel.declare_source(source)

    def sources(self) -> list[Source]:
        """Return all sources, by name."""
        return self.channel.sources()

    def describe(self, name: str) -> list[TableInfo]:
        """List the tables and columns of a name; raises `NotFound`, `SourceError`."""
        target = self.find(name)
        if target.source is not None:
            with self.reporting(target):
                tables = tables_of(target.source, self.access(target.source))
            wanted = [t for t in tables if not target.table or t.name == target.table]
            if not wanted:
                known = ", ".join(t.name for t in tables[:20])
                raise NotFound(
                    f"{target.source.name!r} has no table {target.table!r}; it has: {known}."
                )
            return wanted
        if target.publication is not None:
            what = live_version(target.publication).what
            return [TableInfo(name="", columns=what.columns, rows=what.rows)]
        return [info_of(to_arrow(target.variable, what=name))]

    def preview(self, name: str, *, limit: int = 20) -> Preview:
        """Return the first rows of a source's table, a publication or a variable."""
        target = self.find(name)
        request = ReadRequest(table=target.table, limit=limit)
        most = self.read_limit(repr(name), hint=f"Show fewer rows: -n N. {SETTING}")
        with self.reporting(target):
            return preview_of(most.applied(self._open(target, request), request), limit)

    def load(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        as_: str = "pandas",
        since: str | None = None,
        lag: str = "",
        key: Sequence[str] = (),
        anyway: bool = False,
    ) -> object:
        """Read a source's table or a publication; prints rows, columns, seconds and notes.

        Arguments and errors as in ``etl.load``. With ``since``, it prints one line about the
        increment.
        """
        target = self.find(name)
        wanted = None if columns is None else tuple(columns)
        if since is None and not lag and not key:
            begun = perf_counter()
            request = ReadRequest(table=target.table, columns=wanted, limit=limit)
            most = self.read_limit(repr(name), anyway=anyway)
            table, notes = self._read(target, request, most)
            frame = self._framed(target, table, as_)
            size = f"{table.num_rows:,} rows, {table.num_columns:,} columns"
            print_notes(f"{name}: {size} in {rounded_duration(perf_counter() - begun)}", notes)
            return frame
        if since is None:
            raise DeclarationError("--lag and --key need a column: --since COLUMN.")
        if limit is not None:
            raise DeclarationError(
                "--limit cannot be combined with --since: no later run would read the omitted rows."
            )
        load = IncrementalLoad(column=since, lag=lag, key=tuple(key), columns=wanted)
        reading_notes: list[str] = []

        def opened(request: ReadRequest) -> Reading:
            reading = self._open(target, request)
            reading_notes.extend(reading.notes)
            return reading

        with self.reporting(target):
            most = self.read_limit(repr(name), anyway=anyway)
            table, read, note = load_since(load, target, self.channel, opened, keep=most.add)
        self.channel.report_read(read)
        print_notes(note, reading_notes)
        return self._framed(target, table, as_)

    def _framed(self, target: Target, table: pa.Table, as_: str) -> object:
        frame = as_frame(table, as_)
        origin = target.source or target.publication
        if origin is not None:
            known = whole(origin.name, target.table, table.column_names)
            self.remembered.keep_origins(frame, known)
        return frame

    def stream(self, name: str, *, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """Open a source's table, or a publication, as a stream that is read once.

        Args:
            name: ``SOURCE``, ``SOURCE.TABLE`` or the name of a publication.
            columns: Names to read, in order; None for all.

        Returns:
            A reader. The read is reported when the reader is exhausted.

        Raises:
            NotFound: No source or publication has that name.
            SourceError, PublishError: It cannot be read; also raised later, by the reader.
        """
        import pyarrow as pa

        target = self.find(name)
        with self.reporting(target):
            wanted = None if columns is None else tuple(columns)
            reading = self._open(target, ReadRequest(table=target.table, columns=wanted))
        return pa.RecordBatchReader.from_batches(
            reading.batches.schema, self._counted(target, reading)
        )

    def stream_since(self, name: str, *, column: str, lag: str = "") -> NewRows:
        """Open the rows since the last run that published; see `IncrementalLoad` and `stream`."""
        target, load = self.find(name), IncrementalLoad(column=column, lag=lag)
        opened = partial(self._open, target)
        return stream_since(load, target, self.channel, opened, reporting=self.reporting)

    def _counted(self, target: Target, reading: Reading) -> Iterator[pa.RecordBatch]:
        rows, size = 0, 0
        with self.reporting(target):
            for batch in reading.batches:
                rows, size = rows + batch.num_rows, size + batch.nbytes
                yield batch
        self._report_size(target, reading, rows=rows, size_bytes=size)

    def sql(
        self,
        source: str,
        query: str,
        *,
        as_: str = "pandas",
        parameters: Mapping[str, object] | None = None,
        name: str = "",
        anyway: bool = False,
    ) -> object:
        """Run one statement in a source, or over this notebook's frames with ``local``.

        Arguments, result and errors as in `queries.answer`.
        """
        values = parameters or {}
        asked = Query(source=source, text=query, parameters=values, name=name, anyway=anyway)
        return answer(self, asked, as_)

    def check(
        self, name: str, rules: object, data: object = None, *, returned: bool = True
    ) -> list[CheckResult]:
        """Check data; arguments, results and errors as in `checks.check_data`."""
        return check_data(self, name, rules, data, returned=returned)

    def reference(self, name: str) -> pa.RecordBatchReader:
        """Open a source or publication that a rule refers to."""
        return self.stream(name)

    def param(self, text: str) -> tuple[str, object]:
        """Declare a parameter.

        Args:
            text: ``NAME [TYPE] [= DEFAULT]``.

        Returns:
            Its name, and the value given to this run or else the default.

        Raises:
            DeclarationError: The declaration is not valid, or the parameter has no value.
        """
        parameter = parse_parameter(text)
        context = self.context
        local = context.logical_at.astimezone(ZoneInfo(context.timezone))
        if parameter.name in context.parameters:
            given = context.parameters[parameter.name]
            return parameter.name, coerce(parameter, given, at=local)
        return parameter.name, default_of(parameter, at=local)

    def find(self, name: str) -> Target:
        """Resolve a name; raises `NotFound`."""
        return find_target(name, self.channel, self.namespace)

    def read_limit(self, what: str, *, anyway: bool = False, hint: str = "") -> ReadLimit:
        """Return the limit of one read; in a run there is none.

        Args:
            what: See `ReadLimit`.
            anyway: Whether to apply no limit.
            hint: How to read less, or all; "" for the hint of a load.
        """
        free = anyway or self.context.id is not None
        most = ReadLimit(what=what, most_bytes=0 if free else self.query_bytes)
        return replace(most, hint=hint) if hint else most

    def table(self, name: str, *, anyway: bool = False) -> pa.Table:
        """Return a variable, source or publication as an Arrow table.

        Raises:
            LimitExceeded: Interactively, it exceeds the memory limit, and ``anyway`` is not set.
        """
        if self.namespace.get(name) is not None:
            return to_arrow(self.namespace[name], what=name)
        target = self.find(name)
        request = ReadRequest(table=target.table)
        return self._read(target, request, self.read_limit(repr(name), anyway=anyway))[0]

    def rows(self, name: str) -> pa.Table | Stream:
        """Return the rows of a variable, source or publication, as a stream unless in memory."""
        if self.namespace.get(name) is not None:
            return rows_of(self.namespace[name], what=name)
        target = self.find(name)

        def again() -> pa.RecordBatchReader:
            with self.reporting(target):
                return self._open(target, ReadRequest(table=target.table)).batches

        return Stream(first=self.stream(name), again=again if is_rereadable(target) else None)

    def _read(
        self, target: Target, request: ReadRequest, most: ReadLimit
    ) -> tuple[pa.Table, tuple[str, ...]]:
        with self.reporting(target):
            if target.source is not None:
                most.expect(target.source, request, self.access(target.source))
            reading = most.applied(self._open(target, request), request)
            table = reading.batches.read_all()
        self._report_size(target, reading, rows=table.num_rows, size_bytes=table.nbytes)
        return table, reading.notes

    def _open(self, target: Target, request: ReadRequest) -> Reading:
        if target.source is not None:
            return open_source(target.source, request, self.access(target.source))
        if target.publication is not None:
            version = live_version(target.publication)
            reading = open_version(version, replace(request, table=""))
            return replace(reading, version=str(version.number))
        table = to_arrow(target.variable, what=target.name)
        if request.columns is not None:
            table = table.select(list(request.columns))
        return Reading(batches=table.to_reader(), total_rows=table.num_rows)

    @contextmanager
    def reporting(self, target: Target) -> Iterator[None]:
        """Report a source that cannot be read, before the exception reaches the cell."""
        try:
            yield
        except SourceError as problem:
            if target.source is not None:
                # A failed report must not hide the original error.
                with suppress(EtlError):
                    self.channel.report_failure(
                        target.source.name, str(problem), retryable=problem.retryable
                    )
            raise

    def _report_size(self, target: Target, reading: Reading, *, rows: int, size_bytes: int) -> None:
        origin = target.source or target.publication
        if origin is not None:
            read = Read(
                source=origin.name,
                table=target.table,
                version=reading.version,
                rows=rows,
                bytes=size_bytes,
                seconds=reading.seconds,
            )
            self.channel.report_read(read)

    def last_rows(self, name: str) -> int | None:
        """Return the row count of a publication's live version; None if there is none."""
        try:
            live = self.channel.publication(name).live
        except NotFound:
            return None
        return live.what.rows if live else None

    @property
    def interval(self) -> dict[str, object]:
        """Return the times of the run that a query can refer to."""
        context = self.context
        return {"start": context.start, "end": context.end, "logical_at": context.logical_at}

    def access(self, source: Source) -> Access:
        """Return the services for the connector of a source."""
        return access_with(
            secret=partial(self._secret, source=source),
            frame=self._frame,
            publication=self.channel.publication,
            timezone=self.context.timezone,
        )

    def _frame(self, name: str) -> object:
        value = self.namespace.get(name)
        if value is None:
            is_set = name in self.namespace
            what = f"{name!r} is None." if is_set else f"The notebook has no variable {name!r}."
            raise NotFound(what, hint="Run its cell first.")
        return value
