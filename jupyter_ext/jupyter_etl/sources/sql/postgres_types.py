"""Conversion of PostgreSQL's types to Arrow: exact, or an error that names the column."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

Convert = Callable[["pa.Array"], "pa.Array"]

_MAX_DIGITS = 38
"""Digits of the widest decimal that tables, DuckDB and Arrow's decimal128 all support."""

_ROOM = 18
"""Digits after the point for a NUMERIC without a scale, to leave room for later rows."""

_WIRE_CASTS = {"money": "numeric", "oid": "int8", "uuid": "text"}
"""Types whose wire format differs from their value (money is in cents, an oid above 2^31 negative).
"""

_DATE_ENDS = (-2147472692, -2147472691)
"""The driver's values for +-infinity; Arrow has no such value."""

_FIRST_INSTANT = -210_866_803_200_000_000
"""Microseconds of PostgreSQL's first timestamp, 24 November 4714 BC. The driver returns earlier
values for +-infinity and for times after the year 294246.

Source: PostgreSQL, src/include/datatype/timestamp.h, ``MIN_TIMESTAMP``.
"""

_DAY_US = 86_400_000_000


def postgres_type(field: pa.Field) -> str:
    """Return PostgreSQL's name for the type of a column that the driver described."""
    return str((field.metadata or {}).get(b"POSTGRESQL:type", b"").decode())


def cast_on_server(field: pa.Field) -> str | None:
    """Return the type that a column has to be cast to in the query; None if no cast is needed."""
    import pyarrow as pa

    name = postgres_type(field)
    if name in _WIRE_CASTS:
        return _WIRE_CASTS[name]
    kind = field.type
    if isinstance(kind, pa.OpaqueType):
        return None if kind.type_name == "numeric" else "text"
    if pa.types.is_list(kind):
        inner = cast_on_server(kind.value_field)
        return f"{inner}[]" if inner else None
    if pa.types.is_struct(kind) or isinstance(kind, pa.UuidType):
        return "text"
    return None


def converter(
    what: str, field: pa.Field, first: pa.Array, *, more: bool
) -> tuple[pa.DataType, Convert]:
    """Decide the type of a column and how its arrays are converted.

    Args:
        field: The driver's description.
        first: The column in the first batch.
        more: Whether other batches follow.

    Returns:
        The Arrow type, and a function from the driver's array to one of that type.
    """
    import pyarrow as pa

    kind = field.type
    if _is_numeric(kind):
        decimal = _declared(field) or _observed(what, field.name, first, more=more)
        return decimal, lambda array: _decimals(what, field.name, array, decimal)
    if pa.types.is_list(kind) and _is_numeric(kind.value_type):
        decimal = _observed(what, field.name, first.flatten(), more=more)
        return pa.list_(decimal), lambda array: _lists(what, field.name, array, decimal)
    if isinstance(kind, pa.JsonType):
        return pa.string(), lambda array: array.storage.cast(pa.string())
    if pa.types.is_list(kind) and isinstance(kind.value_type, pa.BaseExtensionType):
        plain = pa.list_(kind.value_type.storage_type)
        return plain, lambda array: array.cast(plain)
    if pa.types.is_list(kind):
        # Rebuilt without the metadata that the driver adds to the item.
        plain = pa.list_(kind.value_type)

        def convert(array: pa.Array) -> pa.Array:
            _finite(what, field.name, array.flatten())
            return array.cast(plain)

        return plain, convert
    return kind, lambda array: _finite(what, field.name, array)


def _is_numeric(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return isinstance(kind, pa.OpaqueType) and kind.type_name == "numeric"


def _declared(field: pa.Field) -> pa.DataType | None:
    """Parse precision and scale from the type modifier.

    Source: PostgreSQL, src/backend/utils/adt/numeric.c, ``make_numeric_typmod``.
    """
    import pyarrow as pa

    modifier = int((field.metadata or {}).get(b"POSTGRESQL:typmod", b"-1")) - 4
    if modifier < 0:
        return None
    precision, scale = (modifier >> 16) & 0xFFFF, ((modifier & 0x7FF) ^ 1024) - 1024
    if scale < 0:
        precision, scale = precision - scale, 0
    precision = max(precision, scale)
    return pa.decimal128(precision, scale) if precision <= _MAX_DIGITS else None


def _observed(what: str, name: str, values: pa.Array, *, more: bool) -> pa.DataType:
    """Choose a scale for NUMERIC without one, from the values of the first batch."""
    import pyarrow as pa

    whole, scale = _digits(_storage(values))
    if more and whole + _ROOM <= _MAX_DIGITS:
        scale = max(scale, _ROOM)
    return pa.decimal128(_MAX_DIGITS, min(scale, _MAX_DIGITS))


def _digits(texts: pa.Array) -> tuple[int, int]:
    """Count the maximum number of digits before and after the point."""
    import pyarrow.compute as pc

    plain = pc.utf8_ltrim(texts, "-0")
    point, length = pc.find_substring(plain, "."), pc.utf8_length(plain)
    without = pc.less(point, 0)
    whole = pc.max(pc.if_else(without, length, point)).as_py() or 0
    fraction = pc.if_else(without, 0, pc.subtract(pc.subtract(length, point), 1))
    return whole, pc.max(fraction).as_py() or 0


def _decimals(what: str, name: str, array: pa.Array, decimal: pa.DataType) -> pa.Array:
    import pyarrow as pa

    texts = _storage(array)
    try:
        # The cast silently parses more digits than 128 bits can hold.
        if decimal.precision == _MAX_DIGITS and _digits(texts)[0] > _MAX_DIGITS - decimal.scale:
            raise pa.ArrowInvalid(f"a value has {_digits(texts)[0]} digits before the point")
        return texts.cast(decimal)
    except pa.ArrowInvalid as problem:
        raise SourceError(
            f"{what}: column '{name}' does not fit {decimal}: {problem}.",
            hint=f"Cast it in the query: {name}::numeric(38, 10), ::float8 or ::text.",
            retryable=False,
            data={"column": name},
        ) from problem


def _lists(what: str, name: str, array: pa.Array, decimal: pa.DataType) -> pa.Array:
    import pyarrow as pa

    values = _decimals(what, name, array.values, decimal)
    return pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())


def _storage(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _finite(what: str, name: str, array: pa.Array) -> pa.Array:
    """Return dates and times, unless one is a value that Arrow lacks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, value = array.type, "infinity"
    if pa.types.is_date32(kind):
        odd = pc.is_in(array.view(pa.int32()), pa.array(_DATE_ENDS, pa.int32()))
    elif pa.types.is_timestamp(kind):
        odd = pc.less(array.view(pa.int64()), _FIRST_INSTANT)
    elif pa.types.is_time64(kind):
        odd, value = pc.equal(array.view(pa.int64()), _DAY_US), "24:00"
    else:
        return array
    if pc.any(odd).as_py():
        raise SourceError(
            f"{what}: column '{name}' holds {value}, which {kind} cannot.",
            hint=f"Replace it in the query: nullif({name}, '{value}'), or read {name}::text.",
            retryable=False,
            data={"column": name},
        )
    return array
