"""Published JSON files: one record per line, read back with the published types."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, TypedDict

import msgspec

from jupyter_etl.errors import PublishError
from jupyter_etl.publishing.files.layouts import (
    EARLIEST_NS,
    FileLayout,
    cast_column,
    duration_number,
    duration_text,
    far_year,
    kept_schema,
    restored,
    simple_type,
    time_number,
    with_leaves,
)

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 8192

_Change = Callable[[Any], Any]


def write_json(
    data: pa.RecordBatchReader, file: IO[bytes], *, lines: bool
) -> tuple[int, FileLayout]:
    """Write rows as JSON, one record per line.

    Decimals are numbers with all their digits; dates, times and instants (UTC) ISO 8601 strings;
    durations ISO 8601 strings of seconds; binary base64; maps lists of pairs.

    Args:
        lines: Whether to omit the brackets and commas of an array.

    Returns:
        Number of rows, and the layout for reading them back.

    Raises:
        PublishError: JSON cannot represent a column or value.
    """
    schema = kept_schema(data.schema)
    for field in schema:
        _refuse_type(field.type, field.name)
    simple = [with_leaves(field.type, simple_type) for field in schema]
    written = [with_leaves(kind, _written_leaf) for kind in simple]
    changes = [_writer(kind, field.name) for kind, field in zip(simple, schema, strict=True)]
    encoder = msgspec.json.Encoder(decimal_format="number")
    rows = 0
    file.write(b"" if lines else b"[")
    for batch in data:
        columns = []
        for place, field in enumerate(schema):
            plain = cast_column(batch.column(place), simple[place], field.name)
            values = cast_column(plain, written[place], field.name).to_pylist()
            change = changes[place]
            columns.append(values if change is None else [_or_none(change, v) for v in values])
        records = [dict(zip(schema.names, row, strict=True)) for row in zip(*columns, strict=True)]
        if lines:
            file.write(encoder.encode_lines(records))
        elif records:
            file.write(b",\n" if rows else b"\n")
            file.write(b",\n".join(encoder.encode(record) for record in records))
        rows += batch.num_rows
    file.write(b"" if lines else b"\n]\n")
    return rows, FileLayout(schema=schema)


def read_json(stream: pa.NativeFile, layout: FileLayout) -> pa.RecordBatchReader:
    """Read the output of `write_json` with exactly its types."""
    import pyarrow as pa

    schema = layout.schema
    simple = [with_leaves(field.type, simple_type) for field in schema]
    carried = [with_leaves(kind, _number_type) for kind in simple]
    changes = [_reader(kind) for kind in simple]
    for place, kind in enumerate(simple):
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            # Arrow reads a column of strings at once; inside a NULL struct it would read "".
            carried[place], changes[place] = pa.string(), None
    decoder = msgspec.json.Decoder(_record(zip(schema.names, simple, strict=True)))

    def batches() -> Iterator[pa.RecordBatch]:
        records = (decoder.decode(line) for line in _records(stream))
        while rows := list(islice(records, _BATCH_ROWS)):
            arrays = []
            for field, kind, change in zip(schema, carried, changes, strict=True):
                values = [row[field.name] for row in rows]
                if change is not None:
                    values = [_or_none(change, value) for value in values]
                arrays.append(pa.array(values, kind))
            yield from restored(arrays, layout)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _records(stream: pa.NativeFile) -> Iterator[bytes]:
    with io.BufferedReader(stream) as file:
        for line in file:
            record = line.strip(b"[], \n")
            if record:
                yield record


def _or_none(change: _Change, value: object) -> object:
    return None if value is None else change(value)


def _refuse_type(kind: pa.DataType, column: str) -> None:
    import pyarrow as pa

    types = pa.types
    if types.is_map(kind):
        inside: Sequence[pa.DataType] = (kind.key_type, kind.item_type)
    elif types.is_struct(kind):
        names = [field.name for field in kind]
        if len(set(names)) < len(names):
            raise _refused(kind, column)
        inside = [field.type for field in kind]
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inside = (kind.value_type,)
    elif types.is_nested(kind) or types.is_interval(kind) or types.is_run_end_encoded(kind):
        raise _refused(kind, column)
    else:
        return
    for one in inside:
        if isinstance(one, pa.BaseExtensionType):
            raise _refused(kind, column)
        _refuse_type(one, column)


def _refused(kind: pa.DataType, column: str) -> PublishError:
    return PublishError(
        f"Column {column!r} of type {kind} cannot be stored in JSON.",
        hint="Convert the column to text, or convert it to another type.",
        data={"column": column},
    )


def _written_leaf(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_duration(kind):
        return pa.int64()
    return pa.string() if pa.types.is_temporal(kind) else kind


def _number_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if not pa.types.is_temporal(kind):
        return kind
    return pa.int32() if kind.bit_width == 32 else pa.int64()


def _writer(kind: pa.DataType, column: str) -> _Change | None:
    """Return the converter from a value to JSON, or to an error; None if none is needed."""
    import pyarrow as pa

    types = pa.types
    if types.is_floating(kind):
        return lambda value: _finite(value, column)
    if types.is_timestamp(kind) or types.is_date(kind):
        earliest = EARLIEST_NS if str(kind).startswith("timestamp[ns") else ""
        return lambda text: _iso(text, column, earliest)
    if types.is_duration(kind):
        return lambda number: duration_text(number, kind.unit)
    return _nested(kind, lambda inner: _writer(inner, column))


def _reader(kind: pa.DataType) -> _Change | None:
    """Return the converter from JSON to a value; None if none is needed."""
    import pyarrow as pa

    if pa.types.is_time(kind):
        return lambda text: time_number(text, kind.unit)
    if pa.types.is_duration(kind):
        return lambda text: duration_number(text, kind.unit)
    if pa.types.is_temporal(kind):
        return lambda text: pa.scalar(text).cast(kind).cast(_number_type(kind)).as_py()
    return _nested(kind, _reader)


def _nested(kind: pa.DataType, inner: Callable[[pa.DataType], _Change | None]) -> _Change | None:
    """Return the converter for lists, structs and maps; None if none is needed."""
    import pyarrow as pa

    if pa.types.is_map(kind):
        key, item = inner(kind.key_type) or _same, inner(kind.item_type) or _same
        if key is _same and item is _same:
            return None
        return lambda pairs: [(key(k), _or_none(item, v)) for k, v in pairs]
    if pa.types.is_struct(kind):
        changes: Mapping[str, _Change | None] = {field.name: inner(field.type) for field in kind}
        if not any(changes.values()):
            return None
        return lambda record: {
            name: _or_none(changes[name] or _same, value) for name, value in record.items()
        }
    if pa.types.is_nested(kind):
        change = inner(kind.value_type)
        return change and (lambda values: [_or_none(change, value) for value in values])
    return None


def _same(value: Any) -> Any:
    return value


def _finite(value: float, column: str) -> float:
    if math.isfinite(value):
        return value
    raise PublishError(
        f"Column {column!r} contains {value}, which JSON cannot represent.",
        hint=f"Make it NULL (pandas: df[{column!r}].replace([np.nan, np.inf, -np.inf], None)), or "
        "publish .parquet or .csv.",
        data={"column": column},
    )


def _iso(text: str, column: str, earliest: str) -> str:
    if text[4:5] != "-" or text[0] == "-" or text < earliest:
        raise far_year(column, text, "JSON")
    return text.replace(" ", "T")


def _record(fields: Iterable[tuple[str, pa.DataType]]) -> Any:
    shapes = {name: _shape(kind) for name, kind in fields}
    # msgspec 0.23 finds the keys of a TypedDict by the cached UTF-8 of the names, which encoding
    # them fills.
    msgspec.json.encode(list(shapes))
    return TypedDict("Record", shapes)  # type: ignore[operator]


def _shape(kind: pa.DataType) -> Any:
    """Return the Python type that a value is decoded to."""
    import pyarrow as pa

    types = pa.types
    if types.is_map(kind):
        return list[tuple[_shape(kind.key_type), _shape(kind.item_type)]] | None  # type: ignore[misc]
    if types.is_struct(kind):
        return _record((field.name, field.type) for field in kind) | None
    if types.is_nested(kind):
        return list[_shape(kind.value_type)] | None  # type: ignore[misc]
    leaves: list[tuple[Callable[[pa.DataType], bool], Any]] = [
        (types.is_null, str | None),
        (types.is_boolean, bool | None),
        (types.is_integer, int | None),
        (types.is_floating, float | None),
        (types.is_decimal, Decimal | None),
        (types.is_string, str | None),
        (types.is_temporal, str | None),
    ]
    return next((shape for matches, shape in leaves if matches(kind)), bytes | None)
