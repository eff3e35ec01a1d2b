"""The schema and layout of a published file, stored with its version; nothing is inferred."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Column

if TYPE_CHECKING:
    import pyarrow as pa

_FACTS = b"jupyter_etl.file"
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEAR_0 = -62_167_219_200
"""Seconds from 0000-01-01 to 1970. Arrow can parse the years from 0000 to 9999."""
_YEAR_10000 = 253_402_300_800
_EARLIEST = -(2**63)
EARLIEST_NS = "1677-09-21 00:12:44"
"""The first instant in nanoseconds whose text Arrow can parse."""
_DIGITS = 38
"""Maximum digits of Arrow's decimal128."""


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """How a file was written.

    Args:
        schema: The published columns.
        row_bytes: Upper bound of the row length of a CSV file; 0 if unknown.
        empty_texts: Text columns in which an empty cell is an empty string; in others it is NULL.
        categories: All categories of ordered categorical columns, in order, by column name.
    """

    schema: pa.Schema
    row_bytes: int = 0
    empty_texts: tuple[str, ...] = ()
    categories: Mapping[str, pa.Array] = field(default_factory=dict)

    def encode(self) -> str:
        """Return the layout as text, for `Staged.layout`."""
        facts = _Facts(
            row_bytes=self.row_bytes,
            empty_texts=self.empty_texts,
            categories={name: _packed(values) for name, values in self.categories.items()},
        )
        schema = self.schema.with_metadata({_FACTS: msgspec.json.encode(facts)})
        return base64.b64encode(schema.serialize()).decode()


class _Facts(msgspec.Struct):
    row_bytes: int
    empty_texts: tuple[str, ...]
    categories: dict[str, bytes]


def _packed(values: pa.Array) -> bytes:
    import pyarrow as pa

    batch = pa.record_batch({"": values})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _unpacked(content: bytes) -> pa.Array:
    import pyarrow as pa

    return pa.ipc.open_stream(content).read_next_batch().column(0)


def layout_of(text: str, columns: Sequence[Column]) -> FileLayout | None:
    """Return the recorded layout.

    Args:
        text: From `FileLayout.encode`; "" for a version that predates layouts.
        columns: Columns of the version, used if there is no recorded layout.

    Returns:
        None if neither has the types.
    """
    import pyarrow as pa

    if not text:
        types = [_type_named(column.type) for column in columns]
        known = [(c.name, kind) for c, kind in zip(columns, types, strict=True) if kind is not None]
        return FileLayout(schema=pa.schema(known)) if known and len(known) == len(types) else None
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
        facts = msgspec.json.decode((schema.metadata or {})[_FACTS], type=_Facts)
    except (pa.ArrowException, binascii.Error, msgspec.MsgspecError, KeyError, OSError):
        return None
    return FileLayout(
        schema=schema.remove_metadata(),
        row_bytes=facts.row_bytes,
        empty_texts=facts.empty_texts,
        categories={name: _unpacked(content) for name, content in facts.categories.items()},
    )


def _type_named(text: str) -> pa.DataType | None:
    """Return the plain type with this name in Arrow; None for a nested one."""
    import pyarrow as pa

    if match := re.fullmatch(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)", text):
        made: pa.DataType = getattr(pa, f"decimal{match[1]}")(int(match[2]), int(match[3]))
        return made
    if match := re.fullmatch(r"timestamp\[(\w+), tz=(.+)\]", text):
        return pa.timestamp(match[1], match[2])
    if match := re.fullmatch(r"dictionary<values=(.+), indices=(\w+), ordered=0>", text):
        values = _type_named(match[1])
        return None if values is None else pa.dictionary(pa.type_for_alias(match[2]), values)
    try:
        return pa.type_for_alias(text)
    except ValueError:
        return None


def with_leaves(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """Return a type with its leaves changed, through lists, structs and maps."""
    import pyarrow as pa

    types = pa.types
    if types.is_map(kind):
        return pa.map_(with_leaves(kind.key_type, change), with_leaves(kind.item_type, change))
    if types.is_struct(kind):
        return pa.struct([f.with_type(with_leaves(f.type, change)) for f in kind])
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        values = kind.value_field
        return pa.list_(values.with_type(with_leaves(values.type, change)))
    return change(kind)


def simple_type(kind: pa.DataType) -> pa.DataType:
    """Return the type in which a leaf is written as text: no dictionary, view or half; in UTC."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return simple_type(kind.storage_type)
    if types.is_dictionary(kind):
        return simple_type(kind.value_type)
    if types.is_timestamp(kind) and kind.tz:
        # Offsets of old local times have seconds, which Arrow omits in their text.
        return pa.timestamp(kind.unit, "UTC")
    if str(kind) in {"string_view", "large_string"}:
        return pa.string()
    if str(kind) in {"binary_view", "large_binary"}:
        return pa.binary()
    if types.is_float16(kind):
        return pa.float32()
    if types.is_decimal(kind):
        # With a negative scale Arrow writes 1.00E+4, which it cannot read.
        digits, scale = kind.precision - min(kind.scale, 0), max(kind.scale, 0)
        return pa.decimal128(digits, scale) if digits <= _DIGITS else pa.decimal256(digits, scale)
    return kind


def kept_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns as a text format stores them.

    Categories in lists, structs and maps become their values.
    """
    import pyarrow as pa

    return pa.schema([f.with_type(_kept(f.type)) for f in schema.remove_metadata()])


def _kept(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return kind
    return with_leaves(kind, _value_type) if "dictionary<" in str(kind) else kind


def _value_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def cast_column(array: pa.Array, kind: pa.DataType, column: str) -> pa.Array:
    """Convert a column when it is written to or read from a file.

    Raises:
        PublishError: Arrow cannot convert it.
    """
    import pyarrow as pa

    try:
        return _cast(array, kind)
    except (pa.ArrowException, OverflowError) as problem:
        raise PublishError(
            f"Column {column!r} of type {array.type} cannot be converted to {kind}: {problem}",
            hint="Publish it as .parquet, or convert the column to text.",
            data={"column": column},
        ) from problem


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if array.type.equals(kind):
        return array
    if isinstance(array, pa.ExtensionArray):
        return _cast(array.storage, kind)
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _cast(array, kind.storage_type))
    if not pa.types.is_dictionary(kind):
        return array.cast(kind)
    if not pa.types.is_dictionary(array.type):
        array = _cast(array, kind.value_type).dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        array.indices.cast(kind.index_type),
        _cast(array.dictionary, kind.value_type),
        ordered=kind.ordered,
    )


def restored(columns: Sequence[pa.Array], layout: FileLayout) -> Iterator[pa.RecordBatch]:
    """Yield rows with the published types.

    Args:
        columns: Columns from the file, of equal length.
        layout: Layout of the file. If it has categories, the rows are split into several
            batches where a batch would exceed the range of the category's index.

    Raises:
        PublishError: A column cannot be converted.
    """
    import pyarrow as pa

    schema = layout.schema
    try:
        arrays = [
            _ordered(array, f, layout.categories[f.name])
            if f.name in layout.categories
            else cast_column(array, f.type, f.name)
            for array, f in zip(columns, schema, strict=True)
        ]
    except PublishError:
        half = len(columns[0]) // 2
        if not half or not any(pa.types.is_dictionary(kind) for kind in schema.types):
            raise
        yield from restored([column.slice(0, half) for column in columns], layout)
        yield from restored([column.slice(half) for column in columns], layout)
        return
    yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _ordered(array: pa.Array, column: pa.Field, categories: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = cast_column(array, categories.type, column.name)
    places = pc.index_in(values, value_set=categories).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(places, categories, ordered=True)


def refuse_years(array: pa.Array, column: str, extension: str) -> None:
    """Reject dates and times whose text Arrow cannot parse.

    Raises:
        PublishError: One is before the year 0 or after 9999.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_timestamp(kind):
        units = PER_SECOND[kind.unit]
        # Arrow parses the whole second first, which overflows for the earliest value in
        # nanoseconds.
        first = max(_YEAR_0, _EARLIEST // units + 1) * units
        end, numbers = _YEAR_10000 * units, array.view(pa.int64())
    elif pa.types.is_date32(kind):
        first, end, numbers = _YEAR_0 // 86400, _YEAR_10000 // 86400, array.view(pa.int32())
    elif pa.types.is_date64(kind):
        first, end, numbers = _YEAR_0 * 1000, _YEAR_10000 * 1000, array.view(pa.int64())
    else:
        return
    span = pc.min_max(numbers)
    low, high = span["min"].as_py(), span["max"].as_py()
    if low is None or (low >= first and high < end):
        return
    number = high if high >= end else low
    at = pc.index(numbers, pa.scalar(number, numbers.type)).as_py()
    text = array.slice(at, 1).cast(pa.string())[0].as_py()
    raise far_year(column, text, extension)


def far_year(column: str, text: str, extension: str) -> PublishError:
    """Return the error for a date or time whose text cannot be parsed."""
    return PublishError(
        f"Column {column!r} contains {text}; dates in {extension} range from the year 0000 to "
        f"9999, times in nanoseconds from {EARLIEST_NS}.",
        hint="Publish it as .parquet.",
        data={"column": column, "value": text},
    )


def duration_text(number: int, unit: str) -> str:
    """Format a duration as ISO 8601 in seconds: ``PT86405.25S``."""
    return f"PT{Decimal(number) / PER_SECOND[unit]:f}S"


def duration_number(text: str, unit: str) -> int:
    """Parse the output of `duration_text`; days before the seconds are allowed too."""
    days, _, seconds = text.replace("-P", "P").removeprefix("P").rpartition("T")
    sign = -1 if text.startswith("-") else 1
    total = Decimal(days.removesuffix("D") or 0) * 86_400 + Decimal(seconds.removesuffix("S") or 0)
    return int(total * PER_SECOND[unit]) * sign


def time_number(text: str, unit: str) -> int:
    """Parse ``10:00:00.25`` as a number of units since midnight."""
    hours, minutes, seconds = text.split(":")
    return int((int(hours) * 3600 + int(minutes) * 60 + Decimal(seconds)) * PER_SECOND[unit])
