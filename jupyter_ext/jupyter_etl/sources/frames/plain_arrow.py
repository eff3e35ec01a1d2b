"""Arrow types with a plain equivalent, which is used everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from jupyter_etl.errors import EtlError
from jupyter_etl.sources.frames.type_conflicts import Unfit

if TYPE_CHECKING:
    import pyarrow as pa


def is_plain(kind: pa.DataType) -> bool:
    """Return whether a type contains no extension type, run-end encoding or list view."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(kind, pa.BaseExtensionType) or types.is_run_end_encoded(kind) or _is_view(kind):
        return False
    if types.is_dictionary(kind):
        return is_plain(kind.value_type)
    return all(is_plain(kind.field(place).type) for place in range(kind.num_fields))


def plain_table(table: pa.Table, what: str, error: type[EtlError]) -> pa.Table:
    """Convert the columns of a table to plain types with the same values.

    Args:
        error: Class of the errors.

    Raises:
        EtlError: Of class ``error``: the values of an extension type differ from its storage.
    """
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if is_plain(field.type):
            continue
        try:
            chunks = [plain_array(chunk) for chunk in table.column(place).chunks]
            empty = plain_array(pa.nulls(0, field.type))
        except (Unfit, pa.ArrowException) as problem:
            raise error(
                f"Column {field.name!r} of {what!r} is of type {field.type}, whose values have no "
                "plain type.",
                hint="Convert it to text, or drop the column.",
                retryable=False,
                data={"column": field.name},
            ) from problem
        values = pa.chunked_array(chunks, chunks[0].type if chunks else empty.type)
        table = table.set_column(place, field.name, values)
    return table


def plain_reader(
    reader: pa.RecordBatchReader, what: str, error: type[EtlError]
) -> pa.RecordBatchReader:
    """Convert the columns of a reader to plain types; arguments as in `plain_table`."""
    import pyarrow as pa

    if all(is_plain(field.type) for field in reader.schema):
        return reader
    schema = plain_table(reader.schema.empty_table(), what, error).schema
    batches = (
        plain_table(pa.Table.from_batches([batch]), what, error).combine_chunks().to_batches()
        for batch in reader
        if batch.num_rows
    )
    return pa.RecordBatchReader.from_batches(schema, (one for some in batches for one in some))


def plain_array(array: pa.Array) -> pa.Array:
    """Return an array of a plain type.

    UUIDs become text, JSON text, 8-bit booleans booleans, pandas' periods and intervals text.

    Raises:
        Unfit: It is of another extension type.
    """
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    if is_plain(kind):
        return array
    if isinstance(kind, pa.BaseExtensionType):
        return _of_extension(array)
    if types.is_run_end_encoded(kind):
        return plain_array(pa.compute.run_end_decode(array))
    if types.is_dictionary(kind):
        return plain_array(array.dictionary).take(array.indices)
    if types.is_struct(kind):
        return pa.StructArray.from_arrays(
            [plain_array(child) for child in array.flatten()],
            names=[field.name for field in kind],
            mask=array.is_null(),
        )
    if types.is_map(kind):
        pairs = [plain_array(side) for side in (array.keys, array.items)]
        return pa.MapArray.from_arrays(_offsets(array, array.offsets), *pairs)
    return _lists(array)


def _lists(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(array), 0)
    ends = pa.concat_arrays(
        [pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))]
    )
    return pa.LargeListArray.from_arrays(_offsets(array, ends), plain_array(array.flatten())).cast(
        pa.list_(plain_array(array.flatten()).type)
    )


def _offsets(array: pa.Array, ends: pa.Array) -> pa.Array:
    """Mark missing lists in their offsets."""
    import pyarrow as pa
    import pyarrow.compute as pc

    absent = pa.concat_arrays([array.is_null(), pa.array([False])])
    return pc.if_else(absent, pa.scalar(None, ends.type), ends)


def _of_extension(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    name, storage = array.type.extension_name, array.storage
    if name == "arrow.uuid":
        texts = [None if b is None else str(UUID(bytes=b)) for b in storage.to_pylist()]
        return pa.array(texts, pa.string())
    if name == "arrow.json":
        return storage.cast(pa.string())
    if name == "arrow.bool8":
        return storage.cast(pa.bool_())
    if name in ("pandas.period", "pandas.interval"):
        objects = array.to_pandas()
        return pa.array([None if o is None or o != o else str(o) for o in objects], pa.string())
    raise Unfit(f"{array.type} is an extension type without a plain one")


def _is_view(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_list_view(kind) or types.is_large_list_view(kind))
