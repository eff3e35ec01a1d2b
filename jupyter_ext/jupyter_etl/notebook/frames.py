"""Conversion between Arrow and the frames of a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.frames.plain_arrow import plain_reader, plain_table
from jupyter_etl.sources.frames.polars_frames import to_polars

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pandas.api.extensions import ExtensionArray


def nested_objects(column: pa.ChunkedArray) -> np.ndarray:
    """Convert lists to lists, structs to dictionaries and maps to lists of pairs.

    Their values are those of Arrow's own conversion to Python: int, float, Decimal, date, aware
    datetime, or pandas' Timestamp if there are nanoseconds; None is NULL.

    Raises:
        OverflowError, ValueError: Python has no such date, or a struct has two fields with the
            same name.
    """
    import numpy as np

    objects = np.empty(len(column), dtype=object)
    start = 0
    for chunk in column.chunks:
        # A slice would turn lists of equal length into a matrix.
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
        # Many times faster than converting single scalars.
        return list(array.to_pandas(integer_object_nulls=True, date_as_object=True).tolist())
    return list(array.to_pylist())


def _is_exact(kind: pa.DataType) -> bool:
    """Return whether pandas represents the values as Python objects, with None for NULL."""
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


def to_arrow(data: object, *, what: str = "data") -> pa.Table:
    """Convert a frame to an Arrow table; see `arrow_of`.

    Raises:
        DeclarationError: It is not a frame, or a column has no Arrow type.
    """
    return arrow_of(data, what=what, error=DeclarationError)


def as_reader(data: object, *, what: str = "data") -> pa.RecordBatchReader:
    """Return the rows of a frame as a reader; a reader is returned unchanged.

    Args:
        data, what: See `to_arrow`.

    Raises:
        DeclarationError: See `to_arrow`.
    """
    import pyarrow as pa

    if isinstance(data, pa.RecordBatchReader):
        return plain_reader(data, what, DeclarationError)
    return to_arrow(data, what=what).to_reader()


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Convert an Arrow table to a pandas frame without changing a value.

    Integers and booleans with missing values get pandas' nullable types instead of floats; lists,
    structs and maps become Python objects, see `nested_objects`. The frame records the types of
    such columns, see `keep_types`.

    Raises:
        DeclarationError: A column has dates before the year 1 or after 9999, which Python lacks.
    """
    from jupyter_etl.sources.frames.pandas_columns import keep_types

    plain = table = plain_table(table, "the result", DeclarationError)
    apart: dict[int, np.ndarray | ExtensionArray] = {}
    try:
        # By position: two columns of a query may have the same name.
        for place, (field, column) in enumerate(zip(table.schema, table.columns, strict=True)):
            values = _own_values(column)
            if values is not None:
                apart[place] = values
                plain = plain.set_column(place, field.name, _held_place(table.num_rows))
        # Index metadata would remove columns and shift the positions.
        frame: pd.DataFrame = plain.to_pandas(ignore_metadata=True)
    except (OverflowError, ValueError) as problem:
        raise _no_pandas(table, problem) from problem
    for place, values in apart.items():
        frame.isetitem(place, values)
    keep_types(frame, table.schema)
    return frame


def _own_values(column: pa.ChunkedArray) -> np.ndarray | ExtensionArray | None:
    """Return the values of a column that Arrow would convert to floats or inefficiently."""
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_decimal128(column.type) or pa.types.is_decimal256(column.type):
        return _decimals(column) if len(column) else None
    if pa.types.is_nested(column.type):
        return nested_objects(column)
    nullable = {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    if column.null_count and column.type in nullable:
        values: ExtensionArray = column.to_pandas(types_mapper=nullable.get).array
        return values
    return None


def _held_place(rows: int) -> pa.Array:
    """Return a placeholder column that takes almost no memory."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(value=False), rows)


def _decimals(column: pa.ChunkedArray) -> np.ndarray:
    """Share one Decimal among equal values: each takes a hundred bytes, and amounts repeat."""
    import numpy as np

    encoded = column.dictionary_encode().combine_chunks()
    # The last one represents missing values.
    objects = np.empty(len(encoded.dictionary) + 1, dtype=object)
    objects[:-1] = encoded.dictionary.to_numpy(zero_copy_only=False)
    places = encoded.indices.fill_null(len(encoded.dictionary))
    found: np.ndarray = objects[places.to_numpy(zero_copy_only=False)]
    return found


def _no_pandas(table: pa.Table, problem: Exception) -> DeclarationError:
    """Return the error for the column that pandas cannot represent."""
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            if _own_values(column) is None:
                column.to_pandas()
        except (OverflowError, ValueError) as found:
            return DeclarationError(
                f"Column '{field.name}' ({field.type}) cannot be a pandas column: {found}.",
                hint="Python's dates range from year 1 to 9999, and its times have microseconds. Use "
                "--as arrow, or cast the column in the query.",
                data={"column": field.name, "type": str(field.type)},
            )
    return DeclarationError(
        f"The table cannot be converted to a pandas frame: {problem}", hint="Use --as arrow."
    )


def as_frame(table: pa.Table, kind: str) -> object:
    """Convert an Arrow table to a frame.

    Args:
        kind: ``pandas``, ``arrow`` or ``polars``.

    Raises:
        DeclarationError: There is no such kind.
        MissingDependency: polars is not installed.
    """
    if kind == "arrow":
        return table
    if kind == "pandas":
        return to_pandas(table)
    if kind == "polars":
        return to_polars(table)
    raise DeclarationError(f"as is {kind!r}; it must be one of: pandas, arrow, polars.")
