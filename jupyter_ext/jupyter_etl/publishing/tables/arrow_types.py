"""The Arrow types that a table stores exactly, and the conversion of other types to these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError, first_line

if TYPE_CHECKING:
    import pyarrow as pa


def plain_schema(schema: pa.Schema) -> tuple[pa.Schema, frozenset[str]]:
    """Return the schema that a table stores for these columns.

    Sub-second units become microseconds, time zones UTC, unsigned integers the next signed ones,
    dictionaries and views their plain types. A column of type null has no value that determines its
    type: it is written as string, and its name is returned, so that a table that has that column
    already can use its own type. Inside lists and structs it stays null, see `settled`.

    Args:
        schema: The original schema of the data.

    Returns:
        The schema without metadata, all columns nullable, and the names of the typeless columns.

    Raises:
        PublishError: There are no columns, two have the same name, or a type is not supported
            by tables.
    """
    import pyarrow as pa

    _refuse_names(schema.names)
    fields = []
    typeless = set()
    for field in schema:
        if pa.types.is_null(field.type):
            typeless.add(field.name)
            fields.append(pa.field(field.name, pa.string()))
        else:
            fields.append(pa.field(field.name, plain_type(field.type, field.name)))
    return pa.schema(fields), frozenset(typeless)


def settled(kind: pa.DataType) -> pa.DataType:
    """Return a type with text in place of nested nulls, which tables do not support."""
    import pyarrow as pa

    types = pa.types
    if types.is_null(kind):
        return pa.string()
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(settled(kind.value_type)))
    if types.is_map(kind):
        return pa.map_(settled(kind.key_type), settled(kind.item_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(settled(field.type)) for field in kind])
    return kind


def _refuse_names(names: list[str]) -> None:
    if not names:
        raise PublishError(
            "There are no columns to publish.", hint="Publish data with at least one column."
        )
    seen: dict[str, str] = {}
    for position, name in enumerate(names):
        if not name.strip() or any(ord(letter) < 32 for letter in name):
            raise PublishError(
                f"Column {position + 1} has the name {name!r}, which tables cannot have.",
                hint="Rename it: df.columns = [...].",
            )
        twin = seen.setdefault(name.casefold(), name)
        if twin != name or names.count(name) > 1:
            raise PublishError(
                f"Two columns are named {twin!r} and {name!r}; names must differ, case aside.",
                hint=f"Rename or drop one: df = df.rename(columns={{{name!r}: ...}}).",
            )


def plain_type(kind: pa.DataType, column: str) -> pa.DataType:
    """Return the type that a table stores for a type; raises `PublishError` if there is none."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType) or types.is_list_view(kind):
        # The storage of an extension type may differ from its values.
        raise _no_such_type(kind, column)
    if types.is_dictionary(kind):
        return plain_type(kind.value_type, column)
    if types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    if types.is_nested(kind):
        return _plain_nested(kind, column)
    known = _PLAIN.get(str(kind)) or _plain_family(kind)
    if known is None:
        raise _no_such_type(kind, column)
    return getattr(pa, known)() if isinstance(known, str) else known


_SAME = ("bool", "int8", "int16", "int32", "int64", "string", "binary")
_PLAIN: dict[str, str] = {
    **{name: "bool_" if name == "bool" else name for name in _SAME},
    "uint8": "int16",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
    "halffloat": "float32",
    "float": "float32",
    "double": "float64",
    "large_string": "string",
    "string_view": "string",
    "large_binary": "binary",
    "binary_view": "binary",
    "date32[day]": "date32",
    "date64[ms]": "date32",
    "null": "null",
}


def _plain_family(kind: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_decimal(kind) and kind.precision <= 38:
        return pa.decimal128(kind.precision, kind.scale)
    return None


def _plain_nested(kind: pa.DataType, column: str) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_struct(kind) and kind.num_fields:
        return pa.struct([pa.field(f.name, plain_type(f.type, f"{column}.{f.name}")) for f in kind])
    if pa.types.is_map(kind):
        made = pa.map_(plain_type(kind.key_type, column), plain_type(kind.item_type, column))
        if "timestamp[us]" in str(made):
            # Delta ignores them when it determines which features a new table needs.
            raise PublishError(
                f"Column {column!r} is of type {kind}: tables do not support timestamps without "
                "a timezone in maps.",
                hint="Add a timezone, or convert them to text.",
                data={"column": column, "type": str(kind)},
            )
        return made
    if pa.types.is_struct(kind) or pa.types.is_union(kind):
        raise _no_such_type(kind, column)
    return pa.list_(pa.field("element", plain_type(kind.value_type, column)))


def _no_such_type(kind: pa.DataType, column: str) -> PublishError:
    return PublishError(
        f"Column {column!r} is of type {kind}, which tables do not support.",
        hint=_fix(kind, column),
        data={"column": column, "type": str(kind)},
    )


def _fix(kind: pa.DataType, column: str) -> str:
    import pyarrow as pa

    if pa.types.is_time(kind):
        return (
            f"Convert it to text: --option type.{column}=text where the file is declared as a source, a "
            f"cast in the query, or df[{column!r}] = df[{column!r}].astype('string')."
        )
    if pa.types.is_duration(kind):
        return f"Convert it to seconds: df[{column!r}] = df[{column!r}].dt.total_seconds()."
    if pa.types.is_decimal(kind):
        return "Round it to at most 38 digits, or convert it to text."
    return (
        f"Convert it to text: df[{column!r}] = df[{column!r}].astype('string'), or drop the column."
    )


def cast_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with exactly the columns of ``schema``; missing ones are NULL.

    Raises:
        PublishError: The conversion would change a value.
    """
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    arrays = []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        if place < 0:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        arrays.append(_cast(batch.column(place), field))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast(array: pa.Array, field: pa.Field) -> pa.Array:
    import pyarrow as pa

    if array.type.equals(field.type):
        return array
    if array.null_count == len(array):
        # Some types cannot be cast to others, even without values.
        return pa.nulls(len(array), field.type)
    try:
        return array.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise PublishError(
            f"Column {field.name!r} cannot be stored exactly: {array.type} would become "
            f"{field.type}, and {first_line(problem).rstrip('.')}.",
            hint=_cast_hint(array.type, field.name),
        ) from problem


def _cast_hint(kind: pa.DataType, column: str) -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return f"Drop the nanoseconds: df[{column!r}] = df[{column!r}].dt.floor('us')."
    if pa.types.is_unsigned_integer(kind):
        return f"Convert it to text: df[{column!r}] = df[{column!r}].astype('string')."
    if pa.types.is_decimal(kind):
        return f"Round it to the scale of the table: df[{column!r}].map(lambda v: round(v, 2))."
    return "Convert the column before publishing it."


_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
"""Digits of an integer type, by its number of bits."""


def widens(new: pa.DataType, old: pa.DataType) -> bool:
    """Return whether every possible value of ``new`` is a value of ``old``."""
    import pyarrow as pa

    types = pa.types
    if new.equals(old) or types.is_null(new):
        return True
    if types.is_signed_integer(new) and types.is_signed_integer(old):
        return bool(new.bit_width <= old.bit_width)
    if types.is_signed_integer(new) and types.is_floating(old):
        return bool(new.bit_width * 2 <= old.bit_width)
    if types.is_floating(new) and types.is_floating(old):
        return bool(new.bit_width <= old.bit_width)
    if types.is_signed_integer(new) and types.is_decimal(old):
        return bool(_DIGITS[new.bit_width] <= old.precision - old.scale)
    if types.is_decimal(new) and types.is_decimal(old):
        whole = old.precision - old.scale
        return bool(new.scale <= old.scale and new.precision - new.scale <= whole)
    return False


def common_type(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    """Return the type of a column with rows of both types.

    This is the old type if it holds every value of the new one. A decimal gets the digits of both,
    before and after the point, up to 38 in total. Lists, structs and maps follow from their
    elements.

    Returns:
        The type; None if there is none.
    """
    import pyarrow as pa

    types = pa.types
    if widens(new, old):
        return old
    if types.is_decimal(old) and types.is_decimal(new):
        scale = max(old.scale, new.scale)
        whole = max(old.precision - old.scale, new.precision - new.scale)
        return pa.decimal128(min(whole + scale, 38), scale)
    if types.is_list(old) and types.is_list(new):
        inside = common_type(old.value_type, new.value_type)
        return None if inside is None else pa.list_(old.value_field.with_type(inside))
    if types.is_map(old) and types.is_map(new):
        key, item = (
            common_type(old.key_type, new.key_type),
            common_type(old.item_type, new.item_type),
        )
        return None if key is None or item is None else pa.map_(key, item)
    if types.is_struct(old) and types.is_struct(new):
        return _common_struct(old, new)
    return None


def _common_struct(old: pa.StructType, new: pa.StructType) -> pa.DataType | None:
    import pyarrow as pa

    if [field.name for field in old] != [field.name for field in new]:
        return None
    kinds = [common_type(old.field(place).type, field.type) for place, field in enumerate(new)]
    if any(kind is None for kind in kinds):
        return None
    return pa.struct([field.with_type(kind) for field, kind in zip(old, kinds, strict=True)])
