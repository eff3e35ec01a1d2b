"""SQL databases: PostgreSQL and SQLite by ADBC, others by SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError, EtlError, SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Reading, ReadRequest
from jupyter_etl.sources.options import refuse_options
from jupyter_etl.sources.readings import choose
from jupyter_etl.sources.sql.catalogue import CatalogueTable, load_catalogue
from jupyter_etl.sources.sql.postgres import read_postgres
from jupyter_etl.sources.sql.readonly import refuse_writes
from jupyter_etl.sources.sql.sqlalchemy import read_sqlalchemy
from jupyter_etl.sources.sql.sqlite import read_sqlite
from jupyter_etl.sources.sql.statements import Statement, parse_statement
from jupyter_etl.sources.sql.target import SqlTarget, sql_target

if TYPE_CHECKING:
    import pyarrow as pa

_BINARY = {"sqlite": "{} COLLATE BINARY", "postgresql": 'CAST({} AS text) COLLATE "C"'}
"""Collations that compare text by its characters, like watermarks; not by a language's order."""

_AFTER, _LIKE = "after", "like"


class SqlConnector:
    """Reads tables, views and queries of a database.

    Values are bound, identifiers quoted. A read-only source runs only queries, in a transaction in
    which the database itself rejects writes.
    """

    kinds: tuple[str, ...] = ("sql",)

    def check(self, source: Source) -> None:
        """Reject all options, because the kind has none; raises `DeclarationError`."""
        refuse_options(source, ())

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List tables and views: ``name`` in the default schema, ``schema.name`` elsewhere.

        Raises:
            SourceError: It cannot be reached.
            MissingDependency: Its driver is not installed.
        """
        return [
            TableInfo(name=table.label, columns=table.columns)
            for table in load_catalogue(sql_target(source, access))
        ]

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Start reading a table or a query.

        Raises:
            SourceError: It cannot be reached, the table or a column does not exist, or the
                query is not valid.
            DeclarationError: There is neither a table nor a query, a value is missing, or there
                are several statements.
            MissingDependency: Its driver is not installed.
        """
        target = sql_target(source, access)
        if request.query is not None:
            return _query(target, request.query, request)
        if not request.table:
            raise DeclarationError(
                f"Source '{source.name}' is a database, so a table is needed.",
                hint=f"Name one, like {source.name}.TABLE; '%etl describe {source.name}' lists them.",
            )
        schema, name = named_parts(request.table)
        try:
            return Reading(batches=_read_table(target, schema, name, request))
        except SourceError as problem:
            if problem.retryable:
                raise
            return _read_after_failure(target, request, problem)


def _query(target: SqlTarget, query: str, request: ReadRequest) -> Reading:
    values = dict(request.parameters or {})
    statement = parse_statement(query, values, target.backend)
    refuse_writes(target, statement)
    unknown = [name for name in values if name not in statement.names]
    if unknown:
        raise DeclarationError(
            f"The query has no placeholder for {listed(unknown)}.",
            hint=f"Write :{unknown[0]} where the value belongs.",
        )
    batches = _run(target, statement, values, request.limit)
    if request.columns is None:
        return Reading(batches=batches)
    wanted = choose(f"The query on '{target.name}'", batches.schema.names, request.columns)
    import pyarrow as pa

    schema = batches.schema.empty_table().select(wanted).schema
    chosen = (batch.select(wanted) for batch in batches)
    return Reading(batches=pa.RecordBatchReader.from_batches(schema, chosen))


def named_parts(table: str) -> tuple[str, str]:
    """Return the schema, "" for the default one, and the name of a table."""
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else ("", table)


def select_of(target: SqlTarget, schema: str, name: str, request: ReadRequest) -> Statement:
    """Return the statement that reads the columns, and new rows, of a table."""
    backend = target.backend
    columns = (
        "*" if request.columns is None else ", ".join(quoted(c, backend) for c in request.columns)
    )
    table = ".".join(quoted(part, backend) for part in (schema, name) if part)
    select = f"SELECT {columns} FROM {table}"  # noqa: S608 - quoted
    since = request.since
    if since is None or (isinstance(since.after, str) and target.backend not in _BINARY):
        return Statement(pieces=(select,), verb="select")
    cursor = quoted(since.column, backend)
    ordered = _BINARY[target.backend].format(cursor) if isinstance(since.after, str) else cursor
    other = (f" OR {ordered} NOT LIKE ", _LIKE) if since.like else ()
    pieces = (f"{select} WHERE ({ordered} > ", _AFTER, *other, f" OR {cursor} IS NULL)")
    return Statement(pieces=pieces, verb="select")


def _read_table(
    target: SqlTarget, schema: str, name: str, request: ReadRequest
) -> pa.RecordBatchReader:
    statement = select_of(target, schema, name, request)
    values: dict[str, object] = {}
    if request.since is not None and _AFTER in statement.names:
        after = request.since.after
        # A string is cast on the server to the type of the column, exactly.
        exact = target.backend == "postgresql" and isinstance(after, date | Decimal)
        values[_AFTER] = str(after) if exact else after
        if request.since.like:
            values[_LIKE] = request.since.like
    return _run(target, statement, values, request.limit)


def _run(
    target: SqlTarget, statement: Statement, values: Mapping[str, object], limit: int | None
) -> pa.RecordBatchReader:
    if target.backend == "sqlite":
        return read_sqlite(target, statement, values, limit)
    if target.backend == "postgresql":
        try:
            return read_postgres(target, statement, values, limit)
        except ImportError:
            # On platforms without an ADBC wheel, SQLAlchemy reads the same rows more slowly.
            return read_sqlalchemy(target, statement, values, limit)
    return read_sqlalchemy(target, statement, values, limit)


def _read_after_failure(target: SqlTarget, request: ReadRequest, problem: SourceError) -> Reading:
    """Look up in the catalogue why a table could not be read, and read it if possible."""
    try:
        tables = {table.label: table for table in load_catalogue(target)}
    except EtlError:
        raise problem from problem.__cause__
    table = tables.get(request.table)
    if table is None:
        raise SourceError(
            f"Source '{target.name}' has no table '{request.table}'; it has "
            f"{listed(tables) or 'none'}.",
            hint=nearest(request.table, tables).strip(),
            retryable=False,
            data={"table": request.table, "tables": list(tables)},
        ) from problem
    known = [column.name for column in table.columns]
    since = () if request.since is None else (request.since.column,)
    choose(f"Table '{table.label}' of '{target.name}'", known, (*(request.columns or ()), *since))
    return _read_exactly(target, table, request, problem)


def _read_exactly(
    target: SqlTarget, table: CatalogueTable, request: ReadRequest, problem: SourceError
) -> Reading:
    """Read a table whose name contains dots; raise the original error for any other."""
    if "." not in table.name:
        raise problem
    return Reading(batches=_read_table(target, table.schema or "", table.name, request))
