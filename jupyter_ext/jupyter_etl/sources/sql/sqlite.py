"""SQLite by ADBC; types are found by examining every value, since a column may mix them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.sources.readings import owning_reader, reader_of, refuse_twins, take
from jupyter_etl.sources.sql.statements import Statement, never_texts
from jupyter_etl.sources.sql.target import SqlTarget

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1 << 16
_STORAGE = ("integer", "real", "text", "blob")
_ONLY_READ = "PRAGMA query_only = 1"
"""Makes the database reject queries that write."""
_EXACT = 2**53
"""Integers up to this size are exact as a double."""


def read_sqlite(
    target: SqlTarget, statement: Statement, values: Mapping[str, object], limit: int | None
) -> pa.RecordBatchReader:
    """Run a statement; arguments and result as in `read_postgres`.

    Raises:
        SourceError: The file does not exist, the statement is not valid, or a column mixes types.
    """
    where = sqlite_uri(target)
    bound = [_plain(name, values[name]) for name in statement.pieces[1::2]]
    sql = statement.render(lambda _: "?")
    if statement.asks or statement.changes_rows:
        _refuse_texts(target, where, sql, bound)
    if not statement.asks:
        return _execute(target, where, statement, bound, limit)
    try:
        schema = _schema(target, where, sql, bound, limit)
    except sqlite3.Error as problem:
        target.fail(problem)
    limited = sql if limit is None else f"SELECT * FROM ({sql}\n) LIMIT {limit:d}"  # noqa: S608 - the user's own query
    return _by_adbc(target, where, limited, bound, schema) or reader_of(
        schema, _by_python(target, where, limited, bound, schema)
    )


def sqlite_uri(target: SqlTarget) -> str:
    """Return the URI that opens the database without creating it.

    Raises:
        SourceError: There is no such file.
    """
    path = Path(target.url.database or ":memory:")
    if not path.is_file():
        folder = path.parent
        there = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        raise SourceError(
            f"Source '{target.name}': there is no SQLite file {path}"
            f"{'; its folder holds ' + listed(there) if there else ''}.",
            hint=nearest(path.name, there).strip() or "Check the path in the URL.",
            retryable=False,
        )
    return f"file:{quote(str(path.absolute()))}?mode={'ro' if target.readonly else 'rw'}"


def connect_sqlite(where: str) -> sqlite3.Connection:
    """Open a URI of `sqlite_uri` with Python's own driver."""
    return sqlite3.connect(where, uri=True, timeout=10)


def _refuse_texts(target: SqlTarget, where: str, sql: str, bound: Sequence[object]) -> None:
    """Reject a name in double quotes that is not a column; SQLite would read it as text.

    Source:
        https://www.sqlite.org/quirks.html, "Double-quoted String Literals Are Accepted"
    """
    exact = never_texts(sql)
    if exact == sql:
        return
    try:
        with closing(connect_sqlite(where)) as connection:
            connection.execute(f"EXPLAIN {sql}", bound)
            connection.execute(f"EXPLAIN {exact}", bound)
    except sqlite3.Error as problem:
        found = re.fullmatch(r"no such column: (.+)", str(problem))
        if found is None:
            target.fail(problem)
        raise SourceError(
            f"Source '{target.name}': no such column: {found[1]}.",
            hint="Double quotes are for names of columns; write text in single quotes: "
            f"'{found[1]}'.",
            retryable=False,
        ) from problem


def _schema(
    target: SqlTarget, where: str, sql: str, bound: Sequence[object], limit: int | None
) -> pa.Schema:
    """Query which types of value each column of a query contains."""
    import pyarrow as pa

    with closing(connect_sqlite(where)) as connection:
        connection.execute(_ONLY_READ)
        names = [column[0] for column in connection.execute(sql, bound).description]
        refuse_twins(f"Source '{target.name}': the result", names)
        cells = [f"c{n}" for n in range(len(names))]
        tests = [test for cell in cells for test in _tests(cell)]
        bounds = "" if limit is None else f" LIMIT {limit:d}"
        common = f"WITH q({', '.join(cells)}) AS (SELECT * FROM ({sql}\n){bounds})"  # noqa: S608 - as above
        found = [
            value
            for start in range(0, len(tests), 1000)
            for value in connection.execute(
                f"{common} SELECT {', '.join(tests[start : start + 1000])} FROM q",  # noqa: S608 - ours
                bound,
            ).fetchone()
        ]
    fields = []
    for n, name in enumerate(names):
        *held, large = found[n * (len(_STORAGE) + 1) : (n + 1) * (len(_STORAGE) + 1)]
        kinds = {kind for kind, yes in zip(_STORAGE, held, strict=True) if yes}
        fields.append(pa.field(name, _type(target, name, kinds, large=bool(large))))
    return pa.schema(fields)


def _tests(cell: str) -> list[str]:
    """Return a test for each type of value, and for integers that doubles cannot represent."""
    kinds = [f"max(typeof({cell}) = '{kind}')" for kind in _STORAGE]
    between = f"{cell} NOT BETWEEN {-_EXACT} AND {_EXACT}"
    return [*kinds, f"max(typeof({cell}) = 'integer' AND {between})"]


def _type(target: SqlTarget, name: str, kinds: set[str], *, large: bool) -> pa.DataType:
    import pyarrow as pa

    if kinds == {"integer", "real"} and not large:
        return pa.float64()
    if len(kinds) > 1:
        raise SourceError(
            f"Source '{target.name}': column '{name}' contains values of different types: "
            f"{listed(sorted(kinds))}.",
            hint=f"Cast it in the query, for example CAST({name} AS TEXT) AS {name}.",
            retryable=False,
            data={"column": name, "types": sorted(kinds)},
        )
    types = {
        "integer": pa.int64(),
        "real": pa.float64(),
        "text": pa.string(),
        "blob": pa.binary(),
    }
    return types[kinds.pop()] if kinds else pa.null()


def _by_adbc(
    target: SqlTarget, where: str, sql: str, bound: Sequence[object], schema: pa.Schema
) -> pa.RecordBatchReader | None:
    """Read by ADBC; None if it is not installed or would choose other types.

    It derives a column's type from the first batch alone.
    """
    try:
        import adbc_driver_sqlite.dbapi as adbc
    except ImportError:
        return None
    import pyarrow as pa

    connection = adbc.connect(where)
    cursor = connection.cursor()
    try:
        cursor.execute(_ONLY_READ)
        cursor.execute(sql, bound or None)
        stream = cursor.fetch_record_batch()
    except adbc.Error as problem:
        cursor.close()
        connection.close()
        target.fail(problem)
    pairs = list(zip(schema, stream.schema.types, strict=True))
    if any(field.type not in (kind, pa.null()) for field, kind in pairs):
        stream.close()
        cursor.close()
        connection.close()
        return None

    def close() -> None:
        stream.close()
        cursor.close()
        connection.close()

    return owning_reader(schema, _checked(target, stream, schema), close)


def _checked(
    target: SqlTarget, stream: pa.RecordBatchReader, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Reject text that is not UTF-8, and set the type of columns without values."""
    import adbc_driver_sqlite.dbapi as adbc
    import pyarrow as pa

    try:
        for batch in stream:
            batch.validate(full=True)
            arrays = [
                pa.nulls(batch.num_rows) if field.type == pa.null() else column
                for field, column in zip(schema, batch.columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (adbc.Error, OSError, pa.ArrowInvalid) as problem:
        target.fail(problem)


def _by_python(
    target: SqlTarget, where: str, sql: str, bound: Sequence[object], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    try:
        with closing(connect_sqlite(where)) as connection:
            connection.execute(_ONLY_READ)
            cursor = connection.execute(sql, bound)
            while rows := cursor.fetchmany(BATCH_ROWS):
                arrays = [
                    pa.array(cells, field.type)
                    for field, cells in zip(schema, zip(*rows, strict=True), strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (sqlite3.Error, pa.ArrowInvalid) as problem:
        target.fail(problem)


def _execute(
    target: SqlTarget,
    where: str,
    statement: Statement,
    bound: Sequence[object],
    limit: int | None,
) -> pa.RecordBatchReader:
    """Run a statement that is not a query (PRAGMA, EXPLAIN, INSERT ...), and commit it after its rows have arrived."""
    import pyarrow as pa

    try:
        with closing(connect_sqlite(where)) as connection, connection:
            # The driver starts a transaction depending on the first word, which may be WITH.
            connection.isolation_level = None
            if statement.changes_rows:
                connection.execute("BEGIN")
            cursor = connection.execute(statement.render(lambda _: "?"), bound)
            names = [column[0] for column in cursor.description or ()]
            refuse_twins(f"Source '{target.name}': the result", names)
            rows: list[tuple[Any, ...]] = cursor.fetchall() if names else []
            cells = list(zip(*rows, strict=True)) or [()] * len(names)
            table = pa.table([pa.array(column) for column in cells], names=names)
    except (sqlite3.Error, pa.ArrowException, TypeError) as problem:
        target.fail(problem)
    return reader_of(table.schema, take(table.to_batches(), limit))


def _plain(name: str, value: object) -> object:
    """Convert a value to one that SQLite can store; dates in the format of SQLite's functions."""
    plain = _storable(value)
    if isinstance(plain, int) and not -(2**63) <= plain < 2**63:
        raise _no_value(name, f"{value}, an integer of more than 64 bits", "str(...)")
    if isinstance(plain, float) and plain != plain:
        raise _no_value(name, "NaN, which would become NULL", "None")
    if isinstance(plain, str) and not plain.isascii():
        try:
            plain.encode()
        except UnicodeEncodeError:
            raise _no_value(name, "not valid Unicode text", "bytes") from None
    if plain is None or isinstance(plain, str | bytes | int | float):
        return plain
    if isinstance(plain, Decimal):
        raise _no_value(name, f"the decimal {value}, whose digits no double has", "str(...)")
    raise _no_value(name, f"a {type(value).__name__}", "a number, a text or a date")


def _storable(value: object) -> object:
    if isinstance(value, bool | Integral):
        return int(value)
    if isinstance(value, datetime):
        # SQLite compares them as text, and its own times have no offset and are in UTC.
        plain = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return plain.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value or not value.is_finite() else value
    return float(value) if isinstance(value, Real) else value


def _no_value(name: str, reason: str, instead: str) -> DeclarationError:
    return DeclarationError(
        f"The value of '{name}' is {reason}, which SQLite does not support.",
        hint=f"Bind {instead}.",
    )
