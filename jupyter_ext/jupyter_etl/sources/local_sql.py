"""SQL over the notebook's data: DuckDB in process, with access to given tables only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from jupyter_etl.errors import DeclarationError, SourceError, first_line
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.sql.exact_names import ExactNames, exact_names, shown
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.sources.duckdb_types import admitted, exact_table
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.sql.statements import parse_statement

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa
    from sqlglot import exp

_PLACEHOLDER = re.compile(r"(?<![\w:]):([A-Za-z_]\w*)")
_MOST_DIGITS = 38
_NO_TABLE = re.compile(r"Table with name \"?(.+?)\"? does not exist", re.DOTALL)
_NO_SCHEMA = re.compile(r"Table with name \"(.+?)\" does not exist because schema", re.DOTALL)
_NO_COLUMN = re.compile(r"Referenced column \"(.+?)\" (?:was )?not found", re.DOTALL)


def table_names(query: str, *, dialect: str = "duckdb") -> list[str]:
    """Find the tables that a query reads.

    Args:
        query: One statement, with or without ``:name`` placeholders.
        dialect: Name of its dialect in sqlglot.

    Returns:
        Each name once, without quotes, its parts joined by dots; without functions and names that
        the query itself defines (``WITH``).

    Raises:
        DeclarationError: The query cannot be parsed.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tree = _parsed(query, dialect)
    except (SqlglotError, ValueError) as problem:
        text = first_line(re.sub(r"\x1b\[\d+m", "", str(problem)))
        raise DeclarationError(f"The query cannot be read: {text}") from problem
    if tree is None:
        raise DeclarationError("There is no SQL statement.", hint="Write a SELECT.")
    names: dict[str, None] = {}
    for table in _tables(tree):
        if isinstance(table.this, sqlglot.exp.Identifier):
            names[".".join(part.name for part in table.parts)] = None
    return list(names)


def run_local(
    query: str,
    parameters: Mapping[str, object],
    tables: Mapping[str, pa.Table | pa.RecordBatchReader | pd.DataFrame],
    *,
    timezone: str = "UTC",
    collect: Callable[[pa.RecordBatchReader], pa.Table] | None = None,
) -> pa.Table:
    """Run a query over the given tables.

    Args:
        query: One SELECT in DuckDB's SQL; placeholders are ``:name``.
        parameters: Values of the placeholders.
        tables: Tables by name; a name with dots can be written as ``a.b`` or ``"a.b"``. A
            reader is read once; it is streamed if the query uses it once.
        timezone: IANA name of the time zone for days, and for naive times.
        collect: Reads the result batch by batch, and may stop; None fetches all rows at once.

    Raises:
        DeclarationError: The query is not valid, is not one SELECT, or uses a table, file or
            setting that is not given; the message lists the available tables or columns.
        SourceError: A value could not be computed.
    """
    import duckdb

    statement = parse_statement(query, parameters)
    sql = statement.render(lambda name: f"${name}")
    values = {name: _bindable(name, parameters[name]) for name in statement.names}
    with _sandbox(timezone) as connection:
        _refuse_other_statements(connection, sql, statement.verb)
        ready = {
            name: admitted(name, _scannable(name, table, query)) for name, table in tables.items()
        }
        known = {name: table.schema.names for name, table in ready.items()}
        exact = exact_names(sql, _parsed(sql), known)
        _register(connection, ready, exact)
        connection.execute("SET lock_configuration = true")
        try:
            relation = connection.sql(exact.sql, params=values or None)
            result = exact_table(relation, what="The result", shown=shown, collect=collect)
        except duckdb.Error as problem:
            _fail(problem, known)
    return result


def check_local_query(query: str) -> None:
    """Raise the errors of `run_local` that do not depend on the tables.

    Args:
        query: With or without ``:name`` placeholders.

    Raises:
        DeclarationError: It is not valid DuckDB SQL, or not one SELECT.
    """
    statement = parse_statement(query, set(_PLACEHOLDER.findall(query)))
    with _sandbox("UTC") as connection:
        _refuse_other_statements(
            connection, statement.render(lambda name: f"${name}"), statement.verb
        )


def _refuse_other_statements(connection: duckdb.DuckDBPyConnection, sql: str, verb: str) -> None:
    kinds = _kinds(connection, sql)
    if len(kinds) != 1 or not (kinds[0] == "SELECT" or verb == "pivot"):
        raise DeclarationError(
            f"A local query must be one SELECT, not {listed(kinds) or 'nothing'}.",
            hint="Assign results with '<<' and publish them with %etl publish.",
        )


def _sandbox(timezone: str) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that can access registered tables only: no files, no network."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "python_enable_replacements": False,
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute(f"SET TimeZone = '{timezone}'")
    return connection


def _bindable(name: str, value: object) -> object:
    """Return a value that DuckDB binds exactly.

    Raises:
        DeclarationError: DuckDB would convert it to a double, or has no such value.
    """
    if isinstance(value, Decimal) and value.is_finite():
        _, digits, exponent = value.as_tuple()
        places = -int(exponent)
        # DuckDB counts the zero before the point as a digit if one follows it.
        width = max(len(digits) - min(places, 0), places + (len(digits) < places))
        if width > _MOST_DIGITS:
            raise _unbindable(name, f"the decimal {value} with more than {_MOST_DIGITS} digits")
    if isinstance(value, int) and not -(2**127) <= value < 2**128:
        raise _unbindable(name, f"{value}, an integer of more than 128 bits")
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise _unbindable(name, "not valid Unicode text")
    return value


def _unbindable(name: str, description: str) -> DeclarationError:
    return DeclarationError(
        f"The value of '{name}' is {description}, which DuckDB does not support.",
        hint="Bind it as a text: str(...).",
    )


def _parsed(query: str, dialect: str = "duckdb") -> exp.Expr | None:
    import sqlglot
    from sqlglot.errors import ParseError

    try:
        return sqlglot.parse(query, dialect=dialect)[0]
    except ParseError:
        # The parser cannot handle ':p0::int', but '$p0::int'.
        names = set(_PLACEHOLDER.findall(query))
        if not names:
            raise
        rendered = parse_statement(query, names).render(lambda name: f"${name}")
        return sqlglot.parse(rendered, dialect=dialect)[0]


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    if isinstance(tree, exp.Query):
        for scope in traverse_scope(tree):
            yield from (s for s in scope.sources.values() if isinstance(s, exp.Table))
        return
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    yield from (table for table in tree.find_all(exp.Table) if table.name not in defined)


def _kinds(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    import duckdb

    try:
        return [statement.type.name for statement in connection.extract_statements(sql)]
    except duckdb.Error as problem:
        _fail(problem, {})


def _scannable(
    name: str, table: pa.Table | pa.RecordBatchReader | pd.DataFrame, query: str
) -> pa.Table | pa.RecordBatchReader:
    """Stream a reader that is scanned once; convert frames to Arrow."""
    import pyarrow as pa

    if not isinstance(table, pa.RecordBatchReader):
        return arrow_of(table, what=name)
    again = len(re.findall(re.escape(name.rpartition(".")[2]), query, re.IGNORECASE)) > 1
    return table.read_all() if again or re.search(r"\bwith\b", query, re.IGNORECASE) else table


def _register(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pa.Table | pa.RecordBatchReader],
    exact: ExactNames,
) -> None:
    """Register each table as a view under its name, and if dotted as catalog.schema.table."""
    paths = {name: [exact.tables.get(part, part) for part in name.split(".", 2)] for name in tables}
    catalogs = {parts[0].lower() for parts in paths.values() if len(parts) == 3}
    for catalog in sorted(catalogs):
        connection.execute(f"ATTACH ':memory:' AS {quoted(catalog)}")
    for number, (name, table) in enumerate(tables.items()):
        scan = f"_etl_{number}"
        connection.register(scan, _renamed(table, exact.columns))
        parts = paths[name]
        if len(parts) == 2 and parts[0].lower() in catalogs:
            parts = [parts[0], "main", parts[1]]
        if len(parts) > 1:
            schema = ".".join(map(quoted, parts[:-1]))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            _view(connection, ".".join(map(quoted, parts)), scan)
        _view(connection, quoted(exact.tables.get(name, name)), scan)


def _renamed(
    table: pa.Table | pa.RecordBatchReader, names: Mapping[str, str]
) -> pa.Table | pa.RecordBatchReader:
    """Rename columns to their registered names."""
    import pyarrow as pa

    if not any(name in names for name in table.schema.names):
        return table
    inner = [names.get(name, name) for name in table.schema.names]
    if isinstance(table, pa.Table):
        return table.rename_columns(inner)
    schema = pa.schema([one.with_name(name) for one, name in zip(table.schema, inner, strict=True)])
    batches = (batch.rename_columns(inner) for batch in table)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _view(connection: duckdb.DuckDBPyConnection, name: str, scan: str) -> None:
    connection.execute(f"CREATE VIEW {name} AS SELECT * FROM temp.main.{scan}")  # noqa: S608 - both quoted or ours


def _fail(problem: duckdb.Error, tables: Mapping[str, Sequence[str]]) -> NoReturn:
    import duckdb

    text = shown(str(problem))
    if isinstance(problem, duckdb.PermissionException):
        raise DeclarationError(
            f"A local query cannot read files or the network: {_short(text)}",
            hint="Declare the file as a source with '%etl source' and select from its name.",
        ) from problem
    if missing := _NO_SCHEMA.search(text) or _NO_TABLE.search(text):
        name = missing[1].strip('"')
        raise DeclarationError(
            f"There is no table '{name}'; there are {listed(tables) or 'none'}.",
            hint=nearest(name, tables).strip()
            or ("Use a frame of the notebook by the name of its variable."),
            data={"table": name, "tables": list(tables)},
        ) from problem
    if absent := _NO_COLUMN.search(text):
        columns = list(dict.fromkeys(name for names in tables.values() for name in names))
        raise DeclarationError(
            f"There is no column '{absent[1]}'; there are {listed(columns)}.",
            hint=nearest(absent[1], columns).strip(),
            data={"column": absent[1], "columns": columns},
        ) from problem
    wrong = (
        duckdb.ParserException,
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.InvalidInputException,
        duckdb.NotImplementedException,
    )
    if isinstance(problem, wrong):
        raise DeclarationError(f"The query is wrong: {_short(text)}") from problem
    raise SourceError(f"The query failed: {_short(text)}", retryable=False) from problem


def _short(text: str) -> str:
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()]
    return (re.sub(r"^\w[\w ]* Error: ", "", lines[0]) if lines else "no reason given").strip()[
        :400
    ]
