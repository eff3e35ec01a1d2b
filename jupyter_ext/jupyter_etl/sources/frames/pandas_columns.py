"""Conversion of pandas frames to Arrow: exact, or an error with the column and a fix."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import EtlError
from jupyter_etl.sources.frames.plain_arrow import plain_array
from jupyter_etl.sources.frames.python_values import array_of
from jupyter_etl.sources.frames.type_conflicts import Unfit
from jupyter_etl.sources.frames.typed_values import array_as

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


ATTRIBUTE = "jupyter_etl.arrow_types"
"""Its value is text, so that `DataFrame.to_parquet` can write it as JSON."""


def table_of_pandas(what: str, data: pd.DataFrame | pd.Series, error: type[EtlError]) -> pa.Table:
    """Convert a pandas frame or series to an Arrow table.

    Args:
        data: Named levels of its index become the first columns; unnamed ones are dropped.
        error: Class of the errors.

    Raises:
        EtlError: Of class ``error``: two columns have the same name, or the values of a column
            have no Arrow type.
    """
    import pandas as pd
    import pyarrow as pa

    frame = data.to_frame() if isinstance(data, pd.Series) else data
    kept = kept_types(frame)
    try:
        if any(name is not None for name in frame.index.names):
            frame = frame.reset_index()
        # pyarrow warns about attributes that are not JSON; a new frame has none.
        plain, apart = pd.DataFrame(frame) if frame.attrs else frame, {}
        for place in range(frame.shape[1]):
            values = _own_values(frame.iloc[:, place], kept, what, error)
            if values is not None:
                apart[place] = values
                plain = frame.copy(deep=False) if plain is frame else plain
                plain.isetitem(place, False)
        table = pa.Table.from_pandas(plain, preserve_index=False)
    except (pa.ArrowException, TypeError) as problem:
        raise error(
            f"{what!r} cannot be turned into a table: {problem}",
            hint="Convert the column to one type, for example with frame[column].astype(str).",
            retryable=False,
        ) from problem
    except ValueError as problem:
        raise error(
            f"{what!r} cannot be turned into a table: {problem}",
            hint="Give each column and the index a unique name.",
            retryable=False,
        ) from problem
    for place, values in apart.items():
        table = table.set_column(place, table.column_names[place], values)
    return table.replace_schema_metadata(None)


def _own_values(
    column: pd.Series, kept: dict[str, pa.DataType], what: str, error: type[EtlError]
) -> pa.Array | None:
    """Convert a column that pyarrow would change or reject; None for others."""
    try:
        return column_array(column, kept.get(str(column.name)))
    except Unfit as problem:
        raise _refusal(what, column.name, problem, error) from problem


def _refusal(what: str, name: object, problem: Unfit, error: type[EtlError]) -> EtlError:
    place = {} if problem.row is None else {"row": problem.row + 1}
    return error(
        f"Column {name!r} of {what!r} cannot be stored exactly: {problem}.",
        hint=f"Convert it first, for example: df[{name!r}] = df[{name!r}]{problem.fix}.",
        retryable=False,
        data={"column": str(name), **place},
    )


def table_of_columns(what: str, columns: Mapping[str, Any], error: type[EtlError]) -> pa.Table:
    """Convert a dictionary of columns to an Arrow table; otherwise like `table_of_pandas`."""
    import pandas as pd
    import pyarrow as pa

    made = {}
    for name, values in columns.items():
        try:
            if isinstance(values, pa.Array | pa.ChunkedArray):
                made[name] = values
            elif isinstance(values, list | tuple):
                made[name] = array_of(values)
            else:
                series = pd.Series(values)
                made[name] = _whole(column_array(series), series)
        except Unfit as problem:
            raise _refusal(what, name, problem, error) from problem
    return pa.table(made)


def column_array(column: pd.Series, kept: pa.DataType | None = None) -> pa.Array | None:
    """Convert a column, or return None if pyarrow's conversion is exact.

    Categories become their values, sparse columns dense ones, periods and intervals the text that
    pandas shows.

    Args:
        kept: The earlier type of the column, for a column of objects.

    Raises:
        Unfit: Its values have no Arrow type.
    """
    import numpy as np
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _objects(column, kept)
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories(column)
    if isinstance(dtype, pd.SparseDtype):
        dense = pd.Series(np.asarray(column.array), name=column.name)
        return _whole(column_array(dense), dense)
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        codes, distinct = pd.factorize(column.array)
        return _taken(array_of([str(one) for one in distinct]), codes)
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        raise Unfit("complex numbers have no Arrow type", fix=".map(str)")
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize > 8:
        raise Unfit(f"{dtype} has more digits than any Arrow type", fix=".astype('float64')")
    if not isinstance(dtype, np.dtype) and type(dtype).__module__.partition(".")[0] != "pandas":
        return _foreign(column)
    if isinstance(dtype, pd.ArrowDtype):
        return plain_array(_whole(None, column))
    return None


def _objects(column: pd.Series, kept: pa.DataType | None) -> pa.Array:
    """Convert each distinct Decimal once, because that takes microseconds."""
    import numpy as np
    import pandas as pd

    objects = column.to_numpy()
    if not isinstance(next((one for one in objects if one is not None), None), Decimal):
        return _converted(objects.tolist(), kept)
    codes, known = pd.factorize(np.fromiter(map(id, objects), np.int64, len(objects)))
    first = _first_rows(codes, len(known))
    try:
        return _taken(_converted(objects[first].tolist(), kept), codes)
    except Unfit as problem:
        raise problem.moved(lambda place: int(first[place])) from problem


def _first_rows(codes: np.ndarray, count: int) -> np.ndarray:
    """Return the first row of each code; -1 is none."""
    import numpy as np

    rows = np.zeros(count, dtype=np.int64)
    there = np.flatnonzero(codes >= 0)[::-1]
    # The last assignment to a position wins; in reverse order that is the first row.
    rows[codes[there]] = there
    return rows


def _converted(values: list[Any], kept: pa.DataType | None) -> pa.Array:
    if kept is not None:
        found = array_as(values, kept)
        if found is not None:
            return found
    return array_of(values)


def _categories(column: pd.Series) -> pa.Array:
    import pandas as pd

    values, codes = pd.Series(column.cat.categories), column.cat.codes.to_numpy()
    try:
        return _taken(_whole(column_array(values), values), codes)
    except Unfit as problem:
        first = _first_rows(codes, len(values))
        raise problem.moved(lambda place: int(first[place])) from problem


def _taken(values: pa.Array, codes: Any) -> pa.Array:
    """Take values by position; -1 is missing."""
    import pyarrow as pa

    return values.take(pa.array(codes, mask=codes < 0))


def _whole(found: pa.Array | None, column: pd.Series) -> pa.Array:
    """Return a converted column, or convert it with pyarrow."""
    import pyarrow as pa

    made = pa.array(column, from_pandas=True) if found is None else found
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made


def _foreign(column: pd.Series) -> pa.Array:
    """Convert a column of an extension type by its own conversion, else by its values."""
    import pyarrow as pa

    if callable(getattr(column.array, "__arrow_array__", None)):
        made = pa.array(column.array)
        return plain_array(made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made)
    return array_of(list(column))


def keep_types(frame: pd.DataFrame, schema: pa.Schema) -> None:
    """Store the types of the columns that pandas holds as objects.

    Args:
        schema: Types of the columns, by position.
    """
    import numpy as np
    import pyarrow as pa

    times = Counter(schema.names)
    fields = [
        pa.field(field.name, field.type)
        for field, dtype in zip(schema, frame.dtypes, strict=True)
        if isinstance(dtype, np.dtype)
        and dtype.kind == "O"
        and times[field.name] == 1
        and not pa.types.is_null(field.type)
    ]
    if fields:
        content = pa.schema(fields).serialize().to_pybytes()
        frame.attrs[ATTRIBUTE] = base64.b64encode(content).decode()


def kept_types(frame: pd.DataFrame) -> dict[str, pa.DataType]:
    """Return the types stored by `keep_types`, by column; empty for other frames."""
    import pyarrow as pa

    text = frame.attrs.get(ATTRIBUTE)
    if not isinstance(text, str):
        return {}
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
    except (binascii.Error, pa.ArrowException, OSError, ValueError):
        return {}
    return {field.name: field.type for field in schema}
