"""Conversion between DuckDB and Arrow types: exact, or an error that names the column."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import EtlError, SourceError, first_line
from jupyter_etl.language.sql.lexer import quoted, quoted_text
from jupyter_etl.sources.readings import refuse_twins

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_AS_TEXT = frozenset({"uhugeint", "bit", "bignum", "time with time zone"})
"""Types that the Arrow export changes: unsigned 128-bit integers become negative from 2^127 on,
bits and large integers arrive in DuckDB's internal format, and times lose their time zone.
"""

_WHOLE = frozenset({"uhugeint", "bignum"})

_NO_ARROW = {
    "union": "union_extract({}, 'TAG'), or {}::VARCHAR",
    "variant": "{}::JSON, or {}::VARCHAR",
}
"""Types without an equivalent in frames and tables, and a suitable cast."""

_DECIMAL_ENDS = Decimal("1e38")
"""Upper bound of decimals with 38 digits."""

_LONGEST_HOURS = 2_562_046
"""Maximum hours of an interval whose nanoseconds, Arrow's unit, fit into 64 bits."""

_DATE_END = 2**31 - 1
_INSTANT_END = 2**63 - 1
"""DuckDB's value for infinity, and negated for -infinity, in days and in every time unit."""

_BATCH_ROWS = 65_536
_DAY = {"us": 86_400_000_000, "ns": 86_400_000_000_000}


def exact_table(
    relation: duckdb.DuckDBPyRelation,
    *,
    what: str,
    shown: Callable[[str], str] = str,
    collect: Callable[[pa.RecordBatchReader], pa.Table] | None = None,
) -> pa.Table:
    """Run a relation and return its rows in Arrow, with the values that DuckDB shows.

    Args:
        relation: A query that has not been run, or a relation of the user.
        what: Subject of messages: ``The result``.
        shown: Returns the name of a column in the result.
        collect: Reads the rows batch by batch, and may stop; None fetches all rows at once.

    Returns:
        The rows. Aware times are in UTC; 128-bit integers are ``int64``, ``decimal128(38, 0)`` or
        text, the first of these that holds all of them.

    Raises:
        SourceError: Two columns have the same name, or Arrow cannot represent a column exactly.
        duckdb.Error: The query is not valid, or a value could not be computed.
    """
    names, kinds = [shown(name) for name in relation.columns], relation.types
    refuse_twins(what, names)
    cells = [
        _cell(what, name, kind, f"#{place}")
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True), 1)
    ]
    if any(cell != f"#{place}" for place, cell in enumerate(cells, 1)):
        relation = relation.project(", ".join(f"{cell} AS c{n}" for n, cell in enumerate(cells)))
    table = relation.to_arrow_table() if collect is None else _collected(relation, collect)
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        column = _finished(what, name, str(kind.id), table.column(place))
        table = table.set_column(place, name, column)
    return table.replace_schema_metadata(None)


def _collected(
    relation: duckdb.DuckDBPyRelation, collect: Callable[[pa.RecordBatchReader], pa.Table]
) -> pa.Table:
    """Read a relation as a stream; raises the errors that DuckDB raises without streaming."""
    import duckdb

    try:
        with relation.to_arrow_reader(_BATCH_ROWS) as batches:
            return collect(batches)
    except OSError as problem:
        # Arrow preserves the message of DuckDB's error, but not its class.
        wrong = str(problem).startswith(("Invalid Input Error", "Not implemented Error"))
        kind = duckdb.InvalidInputException if wrong else duckdb.Error
        raise kind(str(problem)) from problem


def is_relation(data: object) -> bool:
    """Return whether an object is a DuckDB relation, without importing DuckDB."""
    package = type(data).__module__.partition(".")[0]
    return package in {"duckdb", "_duckdb"} and type(data).__name__ == "DuckDBPyRelation"


def table_of_relation(name: str, relation: Any, error: type[EtlError] = SourceError) -> pa.Table:
    """Run a relation of the notebook.

    Args:
        relation: A `duckdb.DuckDBPyRelation`.
        error: Class of the errors.

    Raises:
        EtlError: Of class ``error``: the query fails, or Arrow cannot represent its values.
    """
    import duckdb

    try:
        return exact_table(relation, what=f"'{name}'")
    except duckdb.Error as problem:
        raise error(
            f"'{name}' cannot be read as a table: {first_line(problem)}",
            hint="Correct the query of the relation.",
            retryable=False,
        ) from problem
    except SourceError as problem:
        raise error(problem.message, hint=problem.hint, retryable=False) from problem


def _cell(what: str, name: str, kind: Any, cell: str) -> str:
    """Return the SQL that reads a column exactly."""
    for inner in _within(kind):
        if str(inner.id) in _NO_ARROW:
            advice = _NO_ARROW[str(inner.id)].replace("{}", name)
            raise _refused(
                what, name, f"is a {inner}, which Arrow cannot represent exactly", advice
            )
    if any(str(inner.id) == "interval" for inner in _within(kind)):
        return _guarded(what, name, kind, cell)
    exact = _castable(kind)
    return f"CAST({cell} AS {exact})" if exact else cell


def _guarded(what: str, name: str, kind: Any, cell: str) -> str:
    """Reject intervals whose nanoseconds overflow; inside lists and structs, by their text."""
    exact = _castable(kind)
    plain = f"CAST({cell} AS {exact})" if exact else cell
    if str(kind.id) == "interval":
        long = f"abs(date_part('hour', {cell})) > {_LONGEST_HOURS}"
    else:
        long = rf"regexp_matches(CAST({cell} AS VARCHAR), '\d{{7}}:\d\d:')"
    refusal = f"{what}: column '{name}' holds an interval of more hours than Arrow can count"
    return f"CASE WHEN {long} THEN error({quoted_text(refusal)}) ELSE {plain} END"


def _within(kind: Any) -> list[Any]:
    """Return a type and all types nested in it."""
    found = [kind]
    if str(kind.id) in {"list", "array", "struct", "tuple", "map", "union"}:
        for name, inner in kind.children:
            if name != "size":
                found += _within(inner)
    return found


def _castable(kind: Any) -> str | None:
    """Return the type that a column is cast to; None if no cast is needed."""
    name = str(kind.id)
    if name in _AS_TEXT:
        return "VARCHAR"
    if name not in {"list", "array", "struct", "tuple", "map"}:
        return None
    parts = [(label, inner, _castable(inner)) for label, inner in kind.children if label != "size"]
    if all(exact is None for _, _, exact in parts):
        return None
    written = [exact or str(inner) for _, inner, exact in parts]
    if name == "list":
        return f"{written[0]}[]"
    if name == "array":
        return f"{written[0]}[{dict(kind.children)['size']}]"
    if name == "struct":
        labels = (quoted(label) for label, _, _ in parts)
        return f"STRUCT({', '.join(map(' '.join, zip(labels, written, strict=True)))})"
    return f"{name.upper()}({', '.join(written)})"


def _finished(what: str, name: str, kind: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if kind == "hugeint":
        return _integers(column, pa.int64())
    for chunk in column.chunks:
        _check(what, name, chunk)
    if kind in _WHOLE:
        return _integers(column, pa.decimal128(38, 0))
    plain = _in_utc(column.type)
    # List types are equal regardless of the name of their items.
    return column if str(plain) == str(column.type) else column.cast(plain)


def _integers(column: pa.ChunkedArray, least: pa.DataType) -> pa.ChunkedArray:
    """Convert integers to the first of int64, decimal and text that holds all of them."""
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        try:
            return column.cast(least)
        except pa.ArrowInvalid:
            return column if _fits_decimal(column) else column.cast(pa.string())
    import pyarrow.compute as pc

    longest = pc.max(pc.utf8_length(pc.utf8_ltrim(column, "-0"))).as_py() or 0
    return column.cast(pa.decimal128(38, 0)) if longest <= 38 else column


def _fits_decimal(column: pa.ChunkedArray | pa.Array) -> bool:
    # Arrow accepts any 128 bits without counting their digits.
    import pyarrow.compute as pc

    ends = pc.min_max(column).as_py()
    end = _DECIMAL_ENDS.scaleb(-column.type.scale)
    return all(value is None or value.copy_abs() < end for value in ends.values())


def _in_utc(kind: pa.DataType) -> pa.DataType:
    """Return the type with UTC for every time zone, and the usual name for list items."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_map(kind):
        return pa.map_(_in_utc(kind.key_type), _in_utc(kind.item_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_in_utc(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(_in_utc(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _in_utc(field.type)) for field in kind])
    return kind


def _check(what: str, name: str, array: pa.Array) -> None:
    """Reject values that DuckDB and Arrow represent differently, including nested ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_map(kind):
        array = array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
        kind = array.type
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        _check(what, name, array.flatten())
        return
    if pa.types.is_struct(kind):
        for part in array.flatten():
            _check(what, name, part)
        return
    if pa.types.is_decimal128(kind) and not _fits_decimal(array):
        raise _refused(what, name, "holds integers of more than 38 digits", f"{name}::VARCHAR")
    odd, special = None, "infinity"
    if pa.types.is_date32(kind):
        odd = pc.is_in(array.view(pa.int32()), pa.array([_DATE_END, -_DATE_END], pa.int32()))
    elif pa.types.is_timestamp(kind):
        odd = pc.is_in(array.view(pa.int64()), pa.array([_INSTANT_END, -_INSTANT_END]))
    elif pa.types.is_time64(kind):
        odd, special = pc.equal(array.view(pa.int64()), _DAY[kind.unit]), "24:00"
    if odd is not None and pc.any(odd).as_py():
        advice = f"nullif({name}, '{special}'), or {name}::VARCHAR"
        raise _refused(what, name, f"holds {special}, which {kind} cannot", advice)


def _refused(what: str, name: str, why: str, advice: str) -> SourceError:
    return SourceError(
        f"{what}: column '{name}' {why}.",
        hint=f"Write in the query: {advice}.",
        retryable=False,
        data={"column": name},
    )


def admitted(name: str, rows: pa.Table | pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    """Prepare rows for DuckDB if it would truncate values or lacks a type.

    Args:
        rows: Rows of the notebook, a source or a publication.

    Returns:
        The same values: half floats as floats, 256-bit decimals as 128-bit ones.

    Raises:
        SourceError: There are no columns, or two have the same name; or a column has durations
            or intervals with nanoseconds, where DuckDB has microseconds, more than 38 digits, or
            fields whose names differ only in case.
    """
    import pyarrow as pa

    if not rows.schema.names:
        raise SourceError(
            f"'{name}' has no columns.",
            hint="A query needs at least one; the frame is empty, check how it is created.",
            retryable=False,
        )
    refuse_twins(f"'{name}'", rows.schema.names)
    for field in rows.schema:
        _refuse_twin_fields(name, field.name, field.type)
    if all(_passes(field.type) for field in rows.schema):
        return rows
    table = rows if isinstance(rows, pa.Table) else rows.read_all()
    for place, field in enumerate(table.schema):
        if not _passes(field.type):
            table = table.set_column(place, field.name, _taken(name, field, table.column(place)))
    return table


def _passes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    nano = pa.types.is_duration(kind) and kind.unit == "ns"
    decimal = pa.types.is_decimal(kind) and (pa.types.is_decimal256(kind) or kind.scale < 0)
    return not (nano or decimal or pa.types.is_interval(kind) or pa.types.is_float16(kind))


def _taken(name: str, field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    kind = field.type
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    try:
        if pa.types.is_duration(kind):
            return column.cast(pa.duration("us"))
        if pa.types.is_decimal(kind):
            return column.cast(pa.decimal128(38, max(kind.scale, 0)))
    except pa.ArrowInvalid as problem:
        raise SourceError(
            f"'{name}': column '{field.name}' ({kind}) does not fit DuckDB: {problem}.",
            hint="Round it or convert it to text in Python first.",
            retryable=False,
            data={"column": field.name},
        ) from problem
    if any(value is not None and value.nanoseconds % 1000 for value in column.to_pylist()):
        raise SourceError(
            f"'{name}': column '{field.name}' holds an interval with nanoseconds; DuckDB has "
            "microseconds.",
            hint="Round it in Python first.",
            retryable=False,
            data={"column": field.name},
        )
    return column


def _refuse_twin_fields(name: str, column: str, kind: pa.DataType) -> None:
    """Reject structs whose fields DuckDB could not distinguish."""
    import pyarrow as pa

    if not pa.types.is_nested(kind) or pa.types.is_union(kind):
        return
    fields = [kind.field(place) for place in range(kind.num_fields)]
    seen: dict[str, str] = {}
    for field in fields if pa.types.is_struct(kind) else ():
        twin = seen.setdefault(field.name.casefold(), field.name)
        if twin != field.name:
            raise SourceError(
                f"'{name}': column '{column}' has the fields '{twin}' and '{field.name}', which "
                "DuckDB cannot distinguish: they differ only in case.",
                hint="Rename one of them in Python first, or leave the column out.",
                retryable=False,
                data={"column": column},
            )
    for field in fields:
        _refuse_twin_fields(name, column, field.type)
