"""NaN as a missing value, equivalent to NULL, in frames, Arrow tables, sources and publications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def nan_as_null(rows: pa.Table | pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    """Replace NaN by NULL in all columns of floats, including those in lists, structs and maps.

    Half floats become floats, because DuckDB has none.

    Args:
        rows: A table, or a stream, which is processed batch by batch.
    """
    import pyarrow as pa

    schema = pa.schema([field.with_type(_type_of(field.type)) for field in rows.schema])
    if isinstance(rows, pa.Table):
        columns = [
            pa.chunked_array([_cleaned(chunk) for chunk in column.chunks], field.type)
            for column, field in zip(rows.columns, schema, strict=True)
        ]
        # A table without columns still has a number of rows.
        return pa.Table.from_arrays(columns, schema=schema) if columns else rows
    if not any(_holds_floats(field.type) for field in rows.schema):
        return rows

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            arrays = [_cleaned(column) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _type_of(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind) and pa.types.is_floating(kind.value_type):
        kind = kind.value_type
    return pa.float32() if pa.types.is_float16(kind) else kind


def _holds_floats(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _holds_floats(kind.value_type)
    if kind.num_fields:
        return any(_holds_floats(kind.field(place).type) for place in range(kind.num_fields))
    return bool(pa.types.is_floating(kind))


def _cleaned(values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if not _holds_floats(kind):
        return values
    if kind.num_fields:
        if not _has_nan(values):
            return values
        # Arrow has no function for nested values; pandas' NaN is NULL at any depth.
        return pa.array(values.to_pylist(), kind, from_pandas=True)
    values = values.cast(_type_of(kind))
    absent = pc.is_nan(values)
    if not pc.any(absent).as_py():
        return values
    return pc.if_else(absent, pa.scalar(None, values.type), values)


def _has_nan(values: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _holds_floats(values.type):
        return False
    if pa.types.is_struct(values.type):
        return any(_has_nan(part) for part in values.flatten())
    if pa.types.is_map(values.type):
        return _has_nan(values.keys) or _has_nan(values.items)
    if values.type.num_fields:
        return _has_nan(values.flatten())
    return bool(pc.any(pc.is_nan(values)).as_py())
