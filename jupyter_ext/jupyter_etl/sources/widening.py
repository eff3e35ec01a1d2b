"""The narrowest Arrow type that holds all values of two types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def wider(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """Find the type to which two are united.

    A column of nulls takes the other's type, categories become their values, integers, floats,
    decimals and units of time widen, zones become UTC, and nested types are united part by part.

    Args:
        left, right: Any two.

    Returns:
        The type; None where none holds the values of both, such as a number and text, a decimal
        and a float, a time with a zone and one without.
    """
    import pyarrow as pa

    if left == right:
        return left
    for one, other in ((left, right), (right, left)):
        if pa.types.is_null(one):
            return other
        if pa.types.is_dictionary(one):
            return wider(one.value_type, other)
    if pa.types.is_nested(left) or pa.types.is_nested(right):
        return _wider_nested(left, right)
    if _is_text(left) and _is_text(right):
        return pa.large_string() if _large(left) or _large(right) else pa.string()
    if _is_bytes(left) and _is_bytes(right):
        return pa.large_binary() if _large(left) or _large(right) else pa.binary()
    if pa.types.is_timestamp(left) and pa.types.is_timestamp(right) and left.tz and right.tz:
        left, right = (pa.timestamp(kind.unit, "UTC") for kind in (left, right))
    if _clash(left, right):
        return None
    return _united_by_arrow(_as_decimal(left, right), _as_decimal(right, left))


def _as_decimal(kind: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the decimal that holds every value of an integer type, to unite it with a decimal."""
    import pyarrow as pa

    if not (pa.types.is_integer(kind) and pa.types.is_decimal(other)):
        return kind
    digits = {8: 3, 16: 5, 32: 10}.get(kind.bit_width, 20 if pa.types.is_uint64(kind) else 19)
    return pa.decimal128(digits, 0)


def _united_by_arrow(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    pair = [pa.schema([pa.field("x", left)]), pa.schema([pa.field("x", right)])]
    try:
        return pa.unify_schemas(pair, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return None


def _wider_nested(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    if pa.types.is_struct(left) and pa.types.is_struct(right):
        fields = {field.name: field.type for field in left}
        for field in right:
            found = wider(fields.get(field.name, field.type), field.type)
            if found is None:
                return None
            fields[field.name] = found
        return pa.struct(list(fields.items()))
    if pa.types.is_map(left) and pa.types.is_map(right):
        keys, items = wider(left.key_type, right.key_type), wider(left.item_type, right.item_type)
        return None if keys is None or items is None else pa.map_(keys, items)
    if _is_list(left) and _is_list(right):
        values = wider(left.value_type, right.value_type)
        if values is None:
            return None
        large = pa.types.is_large_list(left) or pa.types.is_large_list(right)
        return pa.large_list(values) if large else pa.list_(values)
    return None


def _clash(left: pa.DataType, right: pa.DataType) -> bool:
    """Tell whether Arrow would unite two types with a loss: of digits, or text as bytes."""
    import pyarrow as pa

    return any(
        (pa.types.is_decimal(one) and pa.types.is_floating(other))
        or (_is_text(one) and _is_bytes(other))
        for one, other in ((left, right), (right, left))
    )


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(kind) for is_kind in lists)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(kind) for is_kind in texts)


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _large(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))
