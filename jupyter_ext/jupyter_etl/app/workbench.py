"""What `%etl` and ``import jupyter_etl as etl`` do with data inside a kernel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import msgspec

from jupyter_etl.app.frames import to_arrow, to_pandas
from jupyter_etl.app.incremental import IncrementalLoad, load_since
from jupyter_etl.app.preview import Preview, preview_of
from jupyter_etl.app.reading import access_with, open_source, open_version, tables_of
from jupyter_etl.app.registry import load_block
from jupyter_etl.app.targets import Target, find_target
from jupyter_etl.app.versions import live_version
from jupyter_etl.errors import CheckFailed, DeclarationError, EtlError, NotFound, SourceError
from jupyter_etl.model import (
    CheckResult,
    CheckStatus,
    Column,
    Freshness,
    Read,
    RunContext,
    Source,
    TableInfo,
)
from jupyter_etl.ports import Access, Channel, CheckRunner, Reading, ReadRequest
from jupyter_etl.sources.polars_frames import to_polars
from jupyter_etl.spec.check import parse_checks
from jupyter_etl.spec.parameter import coerce, default_of, parse_parameter
from jupyter_etl.spec.source import parse_source
from jupyter_etl.spec.template import bind, parse_template

if TYPE_CHECKING:
    import pyarrow as pa

LOCAL = "local"
"""The name of DuckDB over what this notebook sees, in ``%%etl sql local``."""


class Workbench:
    """Data in and out of a notebook; the same by hand and in a run.

    Args:
        channel: The ledger by hand, the runner in a run.
        namespace: Variables of the notebook, looked up when needed.
        base: Folder that relative paths start from.
        secret: Resolves the names of secrets.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        namespace: Mapping[str, object],
        base: Path,
        secret: Callable[[str], str],
    ) -> None:
        self.channel = channel
        self.namespace = namespace
        self.base = base
        self._secret = secret

    @property
    def context(self) -> RunContext:
        """The run this notebook is executed by, or a draft that stands for now."""
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
        """Declare a source; nothing is opened. Arguments and errors as `Sources.declare`."""
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
        return self.channel.declare_source(source)

    def sources(self) -> list[Source]:
        """Return all sources, by name."""
        return self.channel.sources()

    def describe(self, name: str) -> list[TableInfo]:
        """List the tables and columns behind a name; raises `NotFound`, `SourceError`."""
        target = self.find(name)
        if target.source is not None:
            with self._telling(target):
                tables = tables_of(target.source, self._access())
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
        table = to_arrow(target.variable, what=name)
        columns = tuple(
            Column(name=f.name, type=str(f.type), nullable=bool(table.column(f.name).null_count))
            for f in table.schema
        )
        return [TableInfo(name="", columns=columns, rows=table.num_rows)]

    def preview(self, name: str, *, limit: int = 20) -> Preview:
        """Return the first rows of a source's table, a publication or a variable."""
        target = self.find(name)
        request = ReadRequest(table=target.table, limit=limit)
        with self._telling(target):
            return preview_of(self._open(target, request), limit)

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
    ) -> object:
        """Read a source's table or a publication.

        Args:
            name: ``SOURCE``, ``SOURCE.TABLE`` or the name of a publication.
            columns: Names to read, in order; None for all.
            limit: Stop after so many rows.
            since, lag, key: Read what came since the last run that published; see
                `IncrementalLoad`. What was read is said in one line.
            as_: ``pandas``, ``arrow`` or ``polars``.

        Returns:
            A pandas frame or Arrow table.

        Raises:
            NotFound: Nothing is called so.
            SourceError, PublishError: It cannot be read.
        """
        target = self.find(name)
        wanted = None if columns is None else tuple(columns)
        if since is None and not lag and not key:
            return _as(self._read(target, wanted, limit), as_)
        if since is None or limit is not None:
            raise DeclarationError(
                "A limit would leave rows out that no later run reads: not with --since."
                if since
                else "A lag and a key need to know the column to follow: --since COLUMN."
            )
        load = IncrementalLoad(column=since, lag=lag, key=tuple(key), columns=wanted)
        with self._telling(target):
            table, read, note = load_since(
                load, target, self.channel, lambda request: self._open(target, request)
            )
        self.channel.report_read(read)
        sys.stdout.write(f"{note}\n")
        return _as(table, as_)

    def stream(self, name: str) -> pa.RecordBatchReader:
        """Open a source's table, or a publication, to be read once, piece by piece.

        Args:
            name: ``SOURCE``, ``SOURCE.TABLE`` or the name of a publication.

        Returns:
            A reader; when it has come to its end, what was read is reported.

        Raises:
            NotFound: Nothing is called so.
            SourceError, PublishError: It cannot be read; also later, by the reader.
        """
        import pyarrow as pa

        target = self.find(name)
        with self._telling(target):
            reading = self._open(target, ReadRequest(table=target.table))
        return pa.RecordBatchReader.from_batches(
            reading.batches.schema, self._counted(target, reading)
        )

    def _counted(self, target: Target, reading: Reading) -> Iterator[pa.RecordBatch]:
        rows, size = 0, 0
        with self._telling(target):
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
    ) -> object:
        """Run one statement in a source, or over this notebook's frames with ``local``.

        Args:
            source: Name of a source, or ``local``.
            query: SQL with ``{{name}}`` for values of ``parameters`` or of the notebook.
            as_: ``pandas``, ``arrow`` or ``polars``.
            parameters: Values that win over the notebook's variables.

        Returns:
            A pandas frame or Arrow table.

        Raises:
            DeclarationError: The template names what is not there, or the SQL is wrong.
            SourceError: The source refused it.
        """
        names = {**self._interval(), **self.namespace, **(parameters or {})}
        bound = bind(parse_template(query), names)
        if source == LOCAL:
            from jupyter_etl.sources.duck import run_local, table_names

            tables = {n: self._table(n) for n in table_names(bound.sql)}
            return _as(run_local(bound.sql, bound.parameters, tables), as_)
        target = self.find(source)
        if target.source is None:
            raise DeclarationError(
                f"{source!r} is not a source that runs SQL.",
                hint=f"Use: %%etl sql {LOCAL}, and name {source} in the query.",
            )
        request = ReadRequest(query=bound.sql, parameters=bound.parameters)
        with self._telling(target):
            reading = open_source(target.source, request, self._access())
            table = reading.batches.read_all()
        self._report(target, reading, table)
        return _as(table, as_)

    def check(self, name: str, rules: str, data: object = None) -> list[CheckResult]:
        """Check data; results are reported before a broken rule stops the cell.

        Args:
            name: A variable, source or publication; the name shown where ``data`` is given.
            rules: One a line, see docs.
            data: What to check instead of what ``name`` stands for.

        Returns:
            A result a rule, in order.

        Raises:
            CheckFailed: A rule of severity error was broken.
            DeclarationError: A rule is not understood.
        """
        parsed = parse_checks(rules)
        table = to_arrow(data, what=name) if data is not None else self._table(name)
        runner = cast("CheckRunner", load_block("check_runner", "duckdb")())
        results = runner.run(
            parsed,
            table,
            dataset=name,
            last_rows=self._last_rows(self.context.outputs.get(name, name)),
            reference=lambda other: self._read(self.find(other), None, None),
        )
        self.channel.report_checks(results)
        broken = [r for r in results if r.status is CheckStatus.ERROR]
        if broken:
            raise CheckFailed(
                f"{len(broken)} of {len(results)} checks of {name} failed: {broken[0].message}.",
                hint="Mend the data, or let a rule only warn by ending it with ': warn'.",
                data={"results": msgspec.to_builtins(results)},
            )
        return results

    def param(self, text: str) -> tuple[str, object]:
        """Declare a parameter.

        Args:
            text: ``NAME [TYPE] [= DEFAULT]``.

        Returns:
            Its name and the value given to this run, else the default.

        Raises:
            DeclarationError: It is not understood, or has no value.
        """
        parameter = parse_parameter(text)
        context = self.context
        local = context.logical_at.astimezone(ZoneInfo(context.timezone))
        if parameter.name in context.parameters:
            given = context.parameters[parameter.name]
            return parameter.name, coerce(parameter, given, at=local)
        return parameter.name, default_of(parameter, at=local)

    def find(self, name: str) -> Target:
        """Find what a name stands for; raises `NotFound`."""
        return find_target(name, self.channel, self.namespace)

    def _table(self, name: str) -> pa.Table:
        if self.namespace.get(name) is not None:
            return to_arrow(self.namespace[name], what=name)
        return self._read(self.find(name), None, None)

    def _read(self, target: Target, columns: tuple[str, ...] | None, limit: int | None) -> pa.Table:
        request = ReadRequest(table=target.table, columns=columns, limit=limit)
        with self._telling(target):
            reading = self._open(target, request)
            table = reading.batches.read_all()
        self._report(target, reading, table)
        return table

    def _open(self, target: Target, request: ReadRequest) -> Reading:
        if target.source is not None:
            return open_source(target.source, request, self._access())
        if target.publication is not None:
            version = live_version(target.publication)
            reading = open_version(version, replace(request, table=""))
            return replace(reading, version=str(version.number))
        table = to_arrow(target.variable, what=target.name)
        if request.columns is not None:
            table = table.select(list(request.columns))
        return Reading(batches=table.to_reader(), total_rows=table.num_rows)

    @contextmanager
    def _telling(self, target: Target) -> Iterator[None]:
        """Tell the runner of a source that cannot be read, before the cell fails of it."""
        try:
            yield
        except SourceError as problem:
            if target.source is not None:
                # A runner that cannot be told is no reason to hide what has failed.
                with suppress(EtlError):
                    self.channel.report_failure(
                        target.source.name, str(problem), retryable=problem.retryable
                    )
            raise

    def _report(self, target: Target, reading: Reading, table: pa.Table) -> None:
        self._report_size(target, reading, rows=table.num_rows, size_bytes=table.nbytes)

    def _report_size(self, target: Target, reading: Reading, *, rows: int, size_bytes: int) -> None:
        origin = target.source or target.publication
        if origin is not None:
            read = Read(
                source=origin.name,
                table=target.table,
                version=reading.version,
                rows=rows,
                bytes=size_bytes,
            )
            self.channel.report_read(read)

    def _last_rows(self, name: str) -> int | None:
        try:
            live = self.channel.publication(name).live
        except NotFound:
            return None
        return live.what.rows if live else None

    def _interval(self) -> dict[str, object]:
        context = self.context
        return {"start": context.start, "end": context.end, "logical_at": context.logical_at}

    def _access(self) -> Access:
        return access_with(
            secret=self._secret, frame=self._frame, publication=self.channel.publication
        )

    def _frame(self, name: str) -> object:
        if self.namespace.get(name) is None:
            raise NotFound(f"The notebook has no variable {name!r}.", hint="Run its cell first.")
        return self.namespace[name]


def _as(table: pa.Table, kind: str) -> object:
    if kind == "arrow":
        return table
    if kind == "pandas":
        return to_pandas(table)
    if kind == "polars":
        return to_polars(table)
    raise DeclarationError(f"as is {kind!r}; it must be one of: pandas, arrow, polars.")
