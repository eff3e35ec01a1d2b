"""Other databases by SQLAlchemy: rows in server-side batches, converted to Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.readings import reader_of, refuse_twins, take
from jupyter_etl.sources.sql.catalogue import connected
from jupyter_etl.sources.sql.readonly import POSTGRES_READONLY
from jupyter_etl.sources.sql.statements import Statement
from jupyter_etl.sources.sql.target import SqlTarget

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection

BATCH_ROWS = 20_000
LOOKAHEAD_BATCHES = 10
"""Number of batches to read before a column with only NULL gets no type."""


def read_sqlalchemy(
    target: SqlTarget, statement: Statement, values: Mapping[str, object], limit: int | None
) -> pa.RecordBatchReader:
    """Run a statement; arguments and result as in `read_postgres`.

    Raises:
        SourceError: No connection, an invalid statement, or a value that Arrow cannot represent.
        MissingDependency: The driver is not installed.
    """
    import pyarrow as pa

    what = f"Source '{target.name}'"
    rows = _rows(target, statement, values)
    names: Sequence[str] = next(rows)
    refuse_twins(f"{what}: the result", names)
    waiting: list[list[Sequence[Any]]] = []
    types: list[pa.DataType] = [pa.null()] * len(names)
    for chunk in rows:
        waiting.append(chunk)
        types = [
            _wider(what, name, kind, [row[n] for row in chunk])
            for n, (name, kind) in enumerate(zip(names, types, strict=True))
        ]
        if pa.null() not in types or len(waiting) >= LOOKAHEAD_BATCHES:
            break
        if limit is not None and sum(map(len, waiting)) >= limit:
            break
    schema = pa.schema([pa.field(*pair) for pair in zip(names, types, strict=True)])

    def batches() -> Iterator[pa.RecordBatch]:
        while waiting:
            yield _batch(what, waiting.pop(0), schema)
        for chunk in rows:
            yield _batch(what, chunk, schema)

    return reader_of(schema, take(batches(), limit))


def _rows(target: SqlTarget, statement: Statement, values: Mapping[str, object]) -> Iterator[Any]:
    """Yield the names of the columns, then lists of rows."""
    from sqlalchemy import text

    clause = text(
        "".join(
            f":{piece}" if odd % 2 else piece.replace("\\", "\\\\").replace(":", "\\:")
            for odd, piece in enumerate(statement.pieces)
        )
    )
    with ExitStack() as stack:
        connection = stack.enter_context(connected(target))
        _begin(target, connection)
        if statement.asks:
            # Only queries can use a server-side cursor.
            connection = connection.execution_options(
                stream_results=True, max_row_buffer=BATCH_ROWS
            )
        result = connection.execute(clause, {name: values[name] for name in statement.names})
        stack.callback(result.close)
        if not result.returns_rows:
            yield []
        else:
            yield list(result.keys())
            for part in result.partitions(BATCH_ROWS):
                yield [list(map(_plain, row)) for row in part]
        if not target.readonly:
            connection.commit()


def _begin(target: SqlTarget, connection: Connection) -> None:
    if not target.readonly:
        return
    if target.backend == "postgresql":
        for setting in POSTGRES_READONLY:
            connection.exec_driver_sql(setting)
    elif target.backend in {"mysql", "mariadb"}:
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.commit()
    elif target.backend == "duckdb":
        connection.exec_driver_sql("SET enable_external_access = false")
    elif target.backend == "oracle":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _plain(value: Any) -> Any:
    """Convert driver-specific values to values that Arrow supports."""
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return value


def _wider(what: str, name: str, known: pa.DataType, values: list[Any]) -> pa.DataType:
    """Find the type that holds the previous values and these."""
    import pyarrow as pa

    try:
        kind = pa.array(values).type
        if pa.types.is_decimal(kind):
            digits = max(-int(v.as_tuple().exponent) for v in values if isinstance(v, Decimal))
            kind = pa.decimal128(38, max(digits, 0))
        pair = [pa.schema([(name, known)]), pa.schema([(name, kind)])]
        return pa.unify_schemas(pair, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError) as problem:
        raise _unfit(what, name, problem) from problem


def _batch(what: str, rows: list[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for n, field in enumerate(schema):
        try:
            arrays.append(pa.array([row[n] for row in rows], field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError) as problem:
            raise _unfit(what, field.name, problem) from problem
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _unfit(what: str, name: str, problem: Exception) -> SourceError:
    return SourceError(
        f"{what}: column '{name}' contains values without a common type: {problem}",
        hint=f"Cast it in the query: CAST({name} AS ...).",
        retryable=False,
        data={"column": name},
    )
