"""Arrow columns of JSON values: one type for every value of a column, independent of batches."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_DIGITS = 38
"""Digits of the widest decimal that tables, DuckDB and Arrow's decimal128 all support."""

_EXACT_INTEGERS = 2**53
"""Doubles represent every integer up to this value."""

_NUMBERS = frozenset({int, float, Decimal})
_NAMES = {dict: "objects", list: "lists", str: "texts", bool: "true or false"}


class UnfitError(ValueError):
    """No type can represent all values of a column."""


class NotUnicodeError(UnfitError):
    """A string or name is not valid Unicode, so no column can store it."""


def array_of(values: list[Any]) -> pa.Array:
    """Build a column.

    Args:
        values: From `parse_json`.

    Returns:
        Of type ``null``, ``bool``, ``int64``, ``double``, ``decimal128``, ``string``, or a list or
        struct of these. Numbers that neither doubles nor 64-bit integers can represent are
        decimals.

    Raises:
        UnfitError: No type can represent all values.
    """
    import pyarrow as pa

    try:
        made = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return _built(values)
    if isinstance(made, pa.ChunkedArray):
        raise OverflowError("more than 2 GB in one column")
    # Arrow accepts true as 1.0, and derives the precision of decimals only from decimals.
    return _built(values) if _is_loose(made.type, values) else made


def unite_arrays(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    """Convert the parts of a column to one type: the one that `array_of` gives to the whole.

    Args:
        arrays: From `array_of`.

    Raises:
        UnfitError: No type can represent all values.
    """
    import pyarrow as pa

    kinds = list(dict.fromkeys(a.type for a in arrays if not pa.types.is_null(a.type)))
    if len(kinds) <= 1:
        kind = kinds[0] if kinds else pa.null()
        return [a if a.type == kind else pa.nulls(len(a), kind) for a in arrays]
    if all(map(_is_number, kinds)):
        return _united_numbers(arrays)
    if all(map(pa.types.is_struct, kinds)):
        return _united_structs(arrays)
    if all(map(pa.types.is_list, kinds)):
        return _united_lists(arrays)
    raise UnfitError(" and ".join(dict.fromkeys(map(_named, kinds))))


def _built(values: list[Any]) -> pa.Array:
    """Build a column from its parts, if Arrow cannot infer it at once."""
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    if kinds == {dict}:
        names = dict.fromkeys(chain.from_iterable(value for value in values if value))
        children = [array_of([v.get(name) if v else None for v in values]) for name in names]
        try:
            return pa.StructArray.from_arrays(children, names=list(names), mask=_nulls(values))
        except UnicodeEncodeError as problem:
            raise NotUnicodeError("a name with an unpaired surrogate") from problem
    if kinds == {list}:
        items = array_of(list(chain.from_iterable(value for value in values if value)))
        offsets = [0]
        for value in values:
            offsets.append(offsets[-1] + len(value or ()))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items, mask=_nulls(values))
    if kinds <= _NUMBERS:
        # Only reached with a large number; floats and small integers are a column of doubles.
        return _decimals(values)
    if kinds == {str}:
        raise NotUnicodeError("text with an unpaired surrogate")
    names_of = {_NAMES.get(kind, "numbers"): None for kind in map(type, values) if kind in kinds}
    raise UnfitError(" and ".join(names_of))


def _is_loose(kind: pa.DataType, values: list[Any]) -> bool:
    import pyarrow as pa

    if pa.types.is_floating(kind):
        return bool in set(map(type, values))
    if pa.types.is_list(kind):
        inner = kind.value_type
        return _may_be_loose(inner) and _is_loose(
            inner, list(chain.from_iterable(filter(None, values)))
        )
    if pa.types.is_struct(kind):
        there = list(filter(None, values))
        return any(
            _is_loose(field.type, [value.get(field.name) for value in there])
            for field in kind
            if _may_be_loose(field.type)
        )
    return bool(pa.types.is_decimal(kind))


def _may_be_loose(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_nested(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _nulls(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([value is None for value in values], pa.bool_())


def _united_structs(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    import pyarrow as pa

    children: list[dict[str, pa.Array]] = [
        {}
        if pa.types.is_null(a.type)
        else dict(zip((field.name for field in a.type), a.flatten(), strict=True))
        for a in arrays
    ]
    names = list(dict.fromkeys(chain.from_iterable(children)))
    united = [
        unite_arrays(
            [own.get(name, pa.nulls(len(a))) for own, a in zip(children, arrays, strict=True)]
        )
        for name in names
    ]
    return [
        pa.StructArray.from_arrays(list(own), names=names, mask=a.is_null())
        for own, a in zip(zip(*united, strict=True), arrays, strict=True)
    ]


def _united_lists(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    import pyarrow as pa

    full = [a for a in arrays if not pa.types.is_null(a.type)]
    items = unite_arrays([a.values for a in full])
    lists = iter(
        [
            pa.ListArray.from_arrays(a.offsets, own, mask=a.is_null())
            for a, own in zip(full, items, strict=True)
        ]
    )
    kind = pa.list_(items[0].type)
    return [pa.nulls(len(a), kind) if pa.types.is_null(a.type) else next(lists) for a in arrays]


def _united_numbers(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    import pyarrow as pa

    if not any(pa.types.is_decimal(a.type) or _has_large_integers(a) for a in arrays):
        return [a.cast(pa.float64()) for a in arrays]
    decimals = [
        a if pa.types.is_decimal(a.type) or pa.types.is_null(a.type) else _decimals(a.to_pylist())
        for a in arrays
    ]
    kinds = [a.type for a in decimals if pa.types.is_decimal(a.type)]
    scale = max(kind.scale for kind in kinds)
    kind = _decimal_type(max(k.precision - k.scale for k in kinds) + scale, scale)
    return [a.cast(kind) for a in decimals]


def _decimals(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        made = pa.array([_decimal(value) for value in values])
    except pa.ArrowInvalid:
        raise UnfitError(f"numbers that need more than {_MOST_DIGITS} digits") from None
    if pa.types.is_null(made.type):
        return made
    return made.cast(_decimal_type(made.type.precision, made.type.scale))


def _decimal_type(precision: int, scale: int) -> pa.DataType:
    import pyarrow as pa

    if precision > _MOST_DIGITS:
        raise UnfitError(f"numbers that need {precision} digits; {_MOST_DIGITS} fit")
    return pa.decimal128(precision, scale)


def _decimal(value: float | Decimal | None) -> Decimal | None:
    if type(value) is not float:
        return None if value is None else Decimal(value)
    written = Decimal(repr(value))
    if not written.is_finite():
        raise UnfitError("NaN or infinity, and numbers that no double holds")
    # An integer needs no digit after the point, whether it was read as 2 or as 2.0.
    return written.to_integral_value() if value.is_integer() else written


def _has_large_integers(array: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(array.type):
        return False
    ends = pc.min_max(array).as_py()
    return any(end is not None and abs(end) > _EXACT_INTEGERS for end in ends.values())


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _named(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return "objects"
    if pa.types.is_list(kind):
        return "lists"
    if pa.types.is_boolean(kind):
        return "true or false"
    return "numbers" if _is_number(kind) else "texts"
