"""Between Arrow and the frames of a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.duck_types import is_relation, table_of_relation
from jupyter_etl.sources.polars_frames import is_polars, table_of_polars

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pandas.api.extensions import ExtensionArray


def to_arrow(data: object, *, what: str = "data") -> pa.Table:
    """Turn a frame into an Arrow table.

    Args:
        data: A pandas or polars frame, an Arrow table, reader or record batch, a DuckDB relation:
            anything that speaks the Arrow C stream protocol.
        what: Its name, for messages.

    Returns:
        All rows. A pandas index with a name becomes a column; one without is left out.

    Raises:
        DeclarationError: It is not a frame, or a column mixes types.

    Source:
        Arrow PyCapsule interface, https://arrow.apache.org/docs/format/CDataInterface
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if is_polars(data):
        return table_of_polars(what, data, error=DeclarationError)
    if is_relation(data):
        return table_of_relation(what, data)
    try:
        if type(data).__module__.partition(".")[0] == "pandas":
            return _from_pandas(data, what)
        return pa.table(data)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as problem:
        raise DeclarationError(
            f"{what} cannot be turned into a table: {problem}",
            hint="Give the column one type, for example by frame[column].astype(str).",
        ) from problem
    except (TypeError, ValueError) as problem:
        raise DeclarationError(
            f"{what} is a {type(data).__name__}, and not a frame.",
            hint="A pandas, polars or Arrow table is needed.",
        ) from problem


def as_reader(data: object, *, what: str = "data") -> pa.RecordBatchReader:
    """Return the rows of a frame as a reader; a reader is handed on as it is, unread.

    Args:
        data, what: As for `to_arrow`.

    Raises:
        DeclarationError: As `to_arrow`.
    """
    import pyarrow as pa

    return data if isinstance(data, pa.RecordBatchReader) else to_arrow(data, what=what).to_reader()


def _from_pandas(data: object, what: str) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    frame = data.to_frame() if isinstance(data, pd.Series) else data
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(type(data).__name__)
    try:
        if any(name is not None for name in frame.index.names):
            frame = frame.reset_index()
        plain, apart = frame, {}
        for place, values in _shared_decimals(frame):
            apart[place] = values
            plain = frame.copy(deep=False) if plain is frame else plain
            plain.isetitem(place, False)
        table = pa.Table.from_pandas(plain, preserve_index=False)
        for place, values in apart.items():
            table = table.set_column(place, table.column_names[place], values)
    except ValueError as problem:
        if isinstance(problem, pa.ArrowException):
            raise
        raise DeclarationError(
            f"{what} cannot be turned into a table: {problem}",
            hint="Give each column, and the index, a name of its own.",
        ) from problem
    return table.replace_schema_metadata(None)


def _shared_decimals(frame: pd.DataFrame) -> Iterator[tuple[int, pa.Array]]:
    """Convert each Decimal object once, however often it is there: that takes microseconds."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if column.dtype != object or pd.api.types.infer_dtype(column) != "decimal":
            continue
        objects = column.to_numpy()
        codes, known = pd.factorize(np.fromiter(map(id, objects), np.int64, len(objects)))
        one_each = np.empty(len(known), dtype=object)
        one_each[codes] = objects
        try:
            distinct = pa.Array.from_pandas(one_each)
        except pa.ArrowException:
            # Left to the conversion of the frame, which names the column.
            continue
        yield place, distinct.take(pa.array(codes))


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Turn an Arrow table into a pandas frame without changing a value.

    Whole numbers and booleans with missing values get pandas' nullable types instead of floats.

    Raises:
        DeclarationError: A column has dates that Python does not have: before the year 1 or after
            9999.
    """
    plain = table
    apart: dict[int, np.ndarray | ExtensionArray] = {}
    # By place: a query may give two columns one name.
    for place, (field, column) in enumerate(zip(table.schema, table.columns, strict=True)):
        values = _own_values(column)
        if values is not None:
            apart[place] = values
            plain = plain.set_column(place, field.name, _held_place(table.num_rows))
    try:
        # What the metadata say of an index would take columns away, and move the places.
        frame: pd.DataFrame = plain.to_pandas(ignore_metadata=True)
    except (OverflowError, ValueError) as problem:
        raise _no_pandas(table, problem) from problem
    for place, values in apart.items():
        frame.isetitem(place, values)
    return frame


def _own_values(column: pa.ChunkedArray) -> np.ndarray | ExtensionArray | None:
    """Return the values of a column that Arrow alone would make floats, or need much memory for."""
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_decimal128(column.type) or pa.types.is_decimal256(column.type):
        return _decimals(column) if len(column) else None
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
    """Return a column that costs next to nothing where another one will be put."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(value=False), rows)


def _decimals(column: pa.ChunkedArray) -> np.ndarray:
    """Make one Decimal of equal values: each takes a hundred bytes, and amounts repeat."""
    import numpy as np

    encoded = column.dictionary_encode().combine_chunks()
    # The last one stands for what is missing.
    objects = np.empty(len(encoded.dictionary) + 1, dtype=object)
    objects[:-1] = encoded.dictionary.to_numpy(zero_copy_only=False)
    places = encoded.indices.fill_null(len(encoded.dictionary))
    found: np.ndarray = objects[places.to_numpy(zero_copy_only=False)]
    return found


def _no_pandas(table: pa.Table, problem: Exception) -> DeclarationError:
    """Name the column that pandas has no values for."""
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            column.to_pandas()
        except (OverflowError, ValueError) as found:
            return DeclarationError(
                f"Column '{field.name}' ({field.type}) cannot be a pandas column: {found}.",
                hint="Python's dates go from the year 1 to 9999. Take --as arrow, or cast the column "
                "in the query.",
                data={"column": field.name, "type": str(field.type)},
            )
    return DeclarationError(f"It cannot be a pandas frame: {problem}", hint="Take --as arrow.")
