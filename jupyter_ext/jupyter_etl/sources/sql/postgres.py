"""PostgreSQL by ADBC: rows arrive in Arrow by COPY, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import SourceError
from jupyter_etl.language.sql.lexer import quoted, quoted_text
from jupyter_etl.sources.readings import owning_reader, refuse_twins, take
from jupyter_etl.sources.sql.postgres_parameters import (
    bound_values,
    refuse_positional,
    typed_mark,
    wanted_type,
)
from jupyter_etl.sources.sql.postgres_types import Convert, cast_on_server, converter, postgres_type
from jupyter_etl.sources.sql.readonly import POSTGRES_READONLY
from jupyter_etl.sources.sql.statements import Statement
from jupyter_etl.sources.sql.target import SqlTarget

if TYPE_CHECKING:
    import pyarrow as pa

_USE_COPY = "adbc.postgresql.use_copy"
_BATCH_BYTES = "adbc.postgresql.batch_size_hint_bytes"
_SMALL_BATCH = str(4 << 20)
"""A quarter of the driver's default, because several batches are in memory at once."""

_NO_SUBQUERY = "0A000"
"""SQLSTATE of a feature that is not supported, such as an INSERT inside a subquery."""


@dataclass(frozen=True, kw_only=True)
class _Session:
    """A connection with an open transaction."""

    target: SqlTarget
    connection: Any
    cursor: Any

    def begin(self) -> None:
        """Restart the transaction."""
        self.connection.rollback()
        if self.target.readonly:
            for setting in POSTGRES_READONLY:
                self.cursor.execute(setting)
        if self.target.timezone:
            self.cursor.execute(f"SET LOCAL TIME ZONE '{self.target.timezone}'")

    def close(self) -> None:
        self.cursor.close()
        self.connection.close()


def read_postgres(
    target: SqlTarget, statement: Statement, values: Mapping[str, object], limit: int | None
) -> pa.RecordBatchReader:
    """Run a statement.

    Args:
        statement: A statement with placeholders.
        values: Values of the placeholders.
        limit: Maximum number of rows; None for all.

    Returns:
        The rows; empty and without columns for a statement without a result.

    Raises:
        SourceError: No connection, an invalid statement, or a value that Arrow cannot represent.
        ImportError: ADBC is not installed.
    """
    import adbc_driver_postgresql.dbapi as adbc
    import pyarrow as pa

    try:
        connection = adbc.connect(target.libpq_uri())
    except adbc.Error as problem:
        target.fail(problem, state=problem.sqlstate)
    session = _Session(target=target, connection=connection, cursor=connection.cursor())
    try:
        session.begin()
        session.cursor.adbc_statement.set_options(**{_BATCH_BYTES: _SMALL_BATCH})
        if not statement.asks:
            session.cursor.adbc_statement.set_options(**{_USE_COPY: "false"})
        sql, bound = _bind(session, statement, values)
        sql = _readable(session, sql, bound, limit if statement.asks else None)
        session.cursor.execute(sql, bound or None)
        stream = session.cursor.fetch_record_batch()
        return _convert(session, stream, limit)
    except adbc.Error as problem:
        session.close()
        target.fail(problem, state=problem.sqlstate)
    except (OSError, pa.ArrowException) as problem:
        session.close()
        target.fail(problem)
    except BaseException:
        session.close()
        raise


def _bind(
    session: _Session, statement: Statement, values: Mapping[str, object]
) -> tuple[str, list[object]]:
    """Render ``$1`` for each name, with the type that the value and the context require."""
    import adbc_driver_postgresql.dbapi as adbc

    names = statement.names
    if not names:
        return statement.render(lambda name: name), []
    refuse_positional(statement)
    bound = bound_values(statement, values)
    wanted: dict[str, str | None] = {}
    try:
        plain = statement.render(lambda name: f"${names.index(name) + 1}")
        fields = list(session.cursor.adbc_prepare(plain))
        expected = (_expected_type(session, postgres_type(field)) for field in fields)
        wanted = dict(zip(names, expected, strict=False))
    except adbc.Error:
        # It cannot be determined without the values, or the statement is invalid, which executing
        # it reports.
        session.begin()
    marks = {
        name: typed_mark(f"${n}", values[name], wanted.get(name)) for n, name in enumerate(names, 1)
    }
    return statement.render(marks.__getitem__), bound


def _expected_type(session: _Session, name: str) -> str | None:
    if not name.startswith("unnamed<oid:"):
        return wanted_type(name)
    oid = int(name.removeprefix("unnamed<oid:").rstrip(">"))
    session.cursor.execute(f"SELECT format_type({oid:d}, NULL)")
    return str(session.cursor.fetchone()[0])


def _readable(session: _Session, sql: str, bound: list[object], limit: int | None) -> str:
    """Wrap a query if a column needs a cast, and add the limit."""
    import adbc_driver_postgresql.dbapi as adbc

    schema = session.cursor.adbc_execute_schema(sql, bound or None)
    refuse_twins(f"Source '{session.target.name}': the result", schema.names)
    casts = [cast_on_server(field) for field in schema]
    cells = [f"c{n}" for n in range(len(casts))]
    read = [
        _cell(cell, cast, field) for cell, cast, field in zip(cells, casts, schema, strict=True)
    ]
    if not schema.names or (limit is None and read == cells):
        return sql
    chosen = ", ".join(
        f"{cell} AS {quoted(name)}" for cell, name in zip(read, schema.names, strict=True)
    )
    wrapped = f"SELECT {chosen} FROM ({sql}\n) AS q({', '.join(cells)})"  # noqa: S608 - names are quoted, the rest is the query itself
    wrapped += "" if limit is None else f" LIMIT {limit:d}"
    try:
        session.cursor.adbc_execute_schema(wrapped, bound or None)
    except adbc.Error as problem:
        session.begin()
        odd = [name for name, cast in zip(schema.names, casts, strict=True) if cast]
        if not odd and problem.sqlstate == _NO_SUBQUERY:
            return sql
        raise SourceError(
            f"Source '{session.target.name}': column '{odd[0] if odd else ''}' has a type that "
            "Arrow does not support.",
            hint="Cast it in the statement, to text for example.",
            retryable=False,
        ) from problem
    return wrapped


def _cell(cell: str, cast: str | None, field: pa.Field) -> str:
    """Return the SQL that reads a column.

    The driver flattens arrays of several dimensions; the server, which alone knows the dimensions,
    rejects such a value with an error that names the column.
    """
    import pyarrow as pa

    plain = f"CAST({cell} AS {cast})" if cast else cell
    if not pa.types.is_list(field.type):
        return plain
    message = f"column {field.name} holds arrays of several dimensions, like "
    # Only a failing cast lets an expression raise an error for a value.
    refused = f"CAST({quoted_text(message)} || CAST({cell} AS text) AS boolean)"
    several = f"CASE WHEN array_ndims({cell}) > 1 THEN {refused} ELSE false END"
    return f"CASE WHEN {several} THEN NULL ELSE {plain} END"


def _convert(
    session: _Session, stream: pa.RecordBatchReader, limit: int | None
) -> pa.RecordBatchReader:
    """Convert the driver's batches to their final types; resources are closed at the end."""
    import pyarrow as pa

    what = f"Source '{session.target.name}'"
    waiting = [batch for batch in (next(stream, None), next(stream, None)) if batch is not None]
    first = waiting[0] if waiting else stream.schema.empty_table().to_batches()
    columns = [
        converter(
            what,
            field,
            first.column(n) if waiting else pa.array([], field.type),
            more=len(waiting) > 1,
        )
        for n, field in enumerate(stream.schema)
    ]
    schema = pa.schema(
        [pa.field(f.name, kind) for f, (kind, _) in zip(stream.schema, columns, strict=True)]
    )

    def close() -> None:
        stream.close()
        session.close()

    batches = _batches(session, stream, take(chain(waiting, stream), limit), schema, columns)
    return owning_reader(schema, batches, close)


def _batches(
    session: _Session,
    stream: pa.RecordBatchReader,
    incoming: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    columns: Sequence[tuple[pa.DataType, Convert]],
) -> Iterator[pa.RecordBatch]:
    """Convert the batches, and commit writes of a source that is not read-only."""
    import adbc_driver_postgresql.dbapi as adbc
    import pyarrow as pa

    try:
        for batch in incoming:
            arrays = [
                convert(column) for column, (_, convert) in zip(batch.columns, columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        stream.close()
        if not session.target.readonly:
            session.connection.commit()
    except adbc.Error as problem:
        session.target.fail(problem, state=problem.sqlstate)
    except (OSError, pa.ArrowInvalid) as problem:
        session.target.fail(problem)
