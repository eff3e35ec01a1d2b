"""Conversion of Python objects to their original Arrow type, if they still fit it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_etl.sources.frames.python_values import (
    Convert,
    array_inside,
    array_of,
    list_array,
    map_array,
    struct_array,
)
from jupyter_etl.sources.frames.type_conflicts import Unfit

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def array_as(values: Sequence[Any], kind: pa.DataType) -> pa.Array | None:
    """Convert values to a known type.

    Args:
        values: See `array_of`.
        kind: The type that a column of this name had when its frame was created.

    Returns:
        The array; None if the values no longer have that type, or are not exact in it.
    """
    try:
        return _typed(values, kind, array_of)
    except Unfit:
        return None


def _typed(
    values: Sequence[Any], kind: pa.DataType, leaf: Callable[[Sequence[Any]], pa.Array]
) -> pa.Array:
    import pyarrow as pa
    from pyarrow import types

    if types.is_map(kind):
        _must_be(values, (list, tuple))
        key, item = (
            partial(_typed, kind=k, leaf=array_inside) for k in (kind.key_type, kind.item_type)
        )
        return _as(map_array(values, key, item), kind)
    if types.is_struct(kind):
        _must_be(values, (dict,))
        names = [field.name for field in kind]
        if any(value is not None and not value.keys() <= set(names) for value in values):
            raise Unfit("has other fields")
        inside: dict[str, Convert] = {
            f.name: partial(_typed, kind=f.type, leaf=array_inside) for f in kind
        }
        return _as(struct_array(values, inside), kind)
    if _is_list(kind):
        _must_be(values, (list, tuple, _array_class()))
        child = partial(_typed, kind=kind.value_type, leaf=array_inside)
        return _as(list_array(values, child), kind)
    found = leaf(values)
    same = fitted(found, kind)
    if same is None:
        raise Unfit("is of another type")
    return pa.concat_arrays(same.chunks) if isinstance(same, pa.ChunkedArray) else same


def _array_class() -> type[np.ndarray]:
    import numpy as np

    return np.ndarray


def _is_list(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _must_be(values: Sequence[Any], kinds: tuple[type, ...]) -> None:
    if not all(value is None or isinstance(value, kinds) for value in values):
        raise Unfit("is of another type")


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return array if array.type.equals(kind) else array.cast(kind)
    except pa.ArrowException as problem:
        raise Unfit("is of another type") from problem


def fitted(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Convert an array to another type of the same kind; None if a value would change.

    A decimal keeps its scale: a larger scale changes the type of the column, whatever its current
    values.
    """
    import pyarrow as pa
    from pyarrow import types

    here = array.type
    if here.equals(kind):
        return array
    if types.is_null(here):
        return pa.nulls(len(array), kind)
    same = any(
        of(here) and of(kind)
        for of in (
            types.is_integer, types.is_floating, types.is_decimal, types.is_timestamp,
            types.is_time, types.is_date, types.is_duration, _is_text, _is_bytes,
        )
    )  # fmt: skip
    # Integers beyond signed 64 bits are decimals.
    same = same or (types.is_decimal(here) and here.scale == 0 and types.is_integer(kind))
    if not same or (types.is_decimal(kind) and here.scale > kind.scale):
        return None
    if types.is_timestamp(kind) and bool(here.tz) != bool(kind.tz):
        return None
    try:
        made = array.cast(kind)
        return made if made.cast(here).equals(array) or not types.is_floating(kind) else None
    except pa.ArrowException:
        return None


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    )
