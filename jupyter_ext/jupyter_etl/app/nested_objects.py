"""Lists, structs and maps as Python objects: pandas would convert their integers to floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def nested_objects(column: pa.ChunkedArray) -> np.ndarray:
    """Convert lists to lists, structs to dictionaries and maps to lists of pairs.

    Their values are those that Arrow converts to in Python: int, float, Decimal, date, datetime with
    its zone, or pandas' Timestamp if there are nanoseconds; None is NULL.

    Raises:
        OverflowError, ValueError: Python has no such date, or a struct has two fields with the same name.
    """
    import numpy as np

    objects = np.empty(len(column), dtype=object)
    start = 0
    for chunk in column.chunks:
        # A slice would take lists of one length for a matrix.
        for place, value in enumerate(_objects(chunk), start):
            objects[place] = value
        start += len(chunk)
    return objects


def _objects(array: pa.Array) -> list[Any]:
    from pyarrow import types

    kind = array.type
    if types.is_map(kind):
        return _pairs(array)
    if types.is_struct(kind):
        return _dictionaries(array)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _cut(array, _objects(array.flatten()))
    if types.is_string(kind) or types.is_large_string(kind):
        return list(array.to_numpy(zero_copy_only=False).tolist())
    if _is_exact(kind) or (types.is_floating(kind) and not array.null_count):
        # Many times faster than a scalar for each value.
        return list(array.to_pandas(integer_object_nulls=True, date_as_object=True).tolist())
    return list(array.to_pylist())


def _is_exact(kind: pa.DataType) -> bool:
    """Tell whether pandas has the values as Python objects, NULL as None."""
    from pyarrow import types

    return bool(
        types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_decimal128(kind)
        or types.is_date32(kind)
    )


def _cut(array: pa.Array, flat: list[Any]) -> list[Any]:
    """Split elements into their lists; a missing list has none."""
    import pyarrow.compute as pc

    cut: list[Any] = []
    start = 0
    for length in pc.list_value_length(array).to_pylist():
        if length is None:
            cut.append(None)
            continue
        cut.append(flat[start : start + length])
        start += length
    return cut


def _pairs(array: pa.Array) -> list[Any]:
    ends = array.offsets.to_pylist()
    length = ends[-1] - ends[0]
    keys, items = (_objects(side.slice(ends[0], length)) for side in (array.keys, array.items))
    pairs = list(zip(keys, items, strict=True))
    return [
        pairs[start - ends[0] : end - ends[0]] if is_there else None
        for start, end, is_there in zip(ends, ends[1:], array.is_valid().to_pylist(), strict=False)
    ]


def _dictionaries(array: pa.Array) -> list[Any]:
    names = [field.name for field in array.type]
    if len(set(names)) < len(names):
        raise ValueError("a struct has two fields with the same name")
    there = array.is_valid().to_pylist()
    if not names:
        return [{} if is_there else None for is_there in there]
    rows = zip(*map(_objects, array.flatten()), strict=True)
    return [
        dict(zip(names, row, strict=True)) if is_there else None
        for is_there, row in zip(there, rows, strict=True)
    ]
