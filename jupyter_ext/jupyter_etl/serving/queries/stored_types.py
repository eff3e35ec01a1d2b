"""The Arrow types that a serving copy stores, and the way back to the types of a publication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError, first_line

if TYPE_CHECKING:
    import pyarrow as pa


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that holds the same values in DuckDB; the type itself for most of them."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return stored_type(kind.storage_type)
    if types.is_dictionary(kind):
        return stored_type(kind.value_type)
    if types.is_map(kind):
        return pa.map_(stored_type(kind.key_type), stored_type(kind.item_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(stored_type(kind.value_type), kind.list_size)
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(stored_type(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(stored_type(field.type)) for field in kind])
    return _plain(kind)


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    types = pa.types
    if types.is_null(kind):
        return pa.string()
    if types.is_float16(kind):
        return pa.float32()
    if types.is_date64(kind):
        return pa.date32()
    if types.is_decimal(kind):
        return pa.decimal128(min(kind.precision, 38), max(kind.scale, 0))
    if types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp("us", "UTC")
    if types.is_time(kind):
        return pa.time64("us")
    if types.is_duration(kind):
        return pa.duration("us")
    return kind


def stored_rows(rows: pa.RecordBatchReader, what: str) -> pa.RecordBatchReader:
    """Return rows in the types of a copy, with the columns named ``c0``, ``c1`` ...

    Args:
        what: The rows in messages: ``'sales.daily' version 3``.

    Raises:
        PublishError: While the rows are read: a value has no exact counterpart.
    """
    import pyarrow as pa

    kinds = [stored_type(field.type) for field in rows.schema]
    names = [f"c{place}" for place in range(len(kinds))]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    original = rows.schema

    def batches() -> object:
        for batch in rows:
            arrays = [
                _cast(array, kind, field, what)
                for array, kind, field in zip(batch.columns, kinds, original, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _cast(array: pa.Array, kind: pa.DataType, field: pa.Field, what: str) -> pa.Array:
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if array.type.equals(kind):
        return array
    try:
        return array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise PublishError(
            f"{what} cannot be served: column '{field.name}' ({field.type}) has a value that "
            f"queries cannot hold: {first_line(problem).rstrip('.')}.",
            hint="Round it or convert it to text before it is published.",
            data={"column": field.name},
        ) from problem


def usual_rows(table: pa.Table) -> pa.Table:
    """Return a result of DuckDB with the usual types: no dictionaries, nulls as text, UTC."""
    import pyarrow as pa

    schema = pa.schema([field.with_type(stored_type(field.type)) for field in table.schema])
    return table if str(schema) == str(table.schema) else table.cast(schema)


def original_rows(table: pa.Table, fields: list[pa.Field]) -> pa.Table:
    """Return rows of a copy with the names and types of the publication.

    Args:
        table: Columns of a copy, in the order of ``fields``.
    """
    import pyarrow as pa

    arrays = []
    for column, field in zip(table.columns, fields, strict=True):
        kind = field.type
        while isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        if pa.types.is_duration(kind):
            column = _durations(column)
        if pa.types.is_null(kind):
            column = pa.chunked_array([pa.nulls(len(column))])
        # List types are equal regardless of the name of their items.
        arrays.append(column if str(column.type) == str(kind) else column.cast(kind))
    names = [field.name for field in fields]
    return pa.Table.from_arrays(arrays, names=names)


def _durations(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return durations in place of the intervals that DuckDB has; they have no months."""
    import pyarrow as pa

    micros = [
        None if one is None else one.days * 86_400_000_000 + one.nanoseconds // 1000
        for one in column.to_pylist()
    ]
    return pa.chunked_array([pa.array(micros, pa.int64()).cast(pa.duration("us"))])
