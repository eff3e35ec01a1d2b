"""One schema for several files: union by name, with the narrowest type that holds all values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import listed

if TYPE_CHECKING:
    import pyarrow as pa


def wider(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """Find the union of two types.

    NULL columns take the other type, categories become their values, integers, floats, decimals and
    time units widen, time zones become UTC, and nested types are united part by part.

    Args:
        left, right: Any two types.

    Returns:
        The type; None if no type holds the values of both, for example a number and text, a decimal
        and a float, or an aware and a naive time.
    """
    import pyarrow as pa

    if left == right:
        return left
    for one, other in ((left, right), (right, left)):
        if pa.types.is_null(one):
            return other
        if pa.types.is_dictionary(one):
            return wider(one.value_type, other)
    if pa.types.is_nested(left) or pa.types.is_nested(right):
        return _wider_nested(left, right)
    if _is_text(left) and _is_text(right):
        return pa.large_string() if _large(left) or _large(right) else pa.string()
    if _is_bytes(left) and _is_bytes(right):
        return pa.large_binary() if _large(left) or _large(right) else pa.binary()
    if pa.types.is_timestamp(left) and pa.types.is_timestamp(right) and left.tz and right.tz:
        left, right = (pa.timestamp(kind.unit, "UTC") for kind in (left, right))
    if _clash(left, right):
        return None
    return _united_by_arrow(_as_decimal(left, right), _as_decimal(right, left))


def _as_decimal(kind: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the decimal type for every value of an integer type, for a union with decimals."""
    import pyarrow as pa

    if not (pa.types.is_integer(kind) and pa.types.is_decimal(other)):
        return kind
    digits = {8: 3, 16: 5, 32: 10}.get(kind.bit_width, 20 if pa.types.is_uint64(kind) else 19)
    return pa.decimal128(digits, 0)


def _united_by_arrow(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    pair = [pa.schema([pa.field("x", left)]), pa.schema([pa.field("x", right)])]
    try:
        return pa.unify_schemas(pair, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return None


def _wider_nested(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    if pa.types.is_struct(left) and pa.types.is_struct(right):
        fields = {field.name: field.type for field in left}
        for field in right:
            found = wider(fields.get(field.name, field.type), field.type)
            if found is None:
                return None
            fields[field.name] = found
        return pa.struct(list(fields.items()))
    if pa.types.is_map(left) and pa.types.is_map(right):
        keys, items = wider(left.key_type, right.key_type), wider(left.item_type, right.item_type)
        return None if keys is None or items is None else pa.map_(keys, items)
    if _is_list(left) and _is_list(right):
        values = wider(left.value_type, right.value_type)
        if values is None:
            return None
        large = pa.types.is_large_list(left) or pa.types.is_large_list(right)
        return pa.large_list(values) if large else pa.list_(values)
    return None


def _clash(left: pa.DataType, right: pa.DataType) -> bool:
    """Return whether Arrow would unite two types with a loss of digits, or text as bytes."""
    import pyarrow as pa

    return any(
        (pa.types.is_decimal(one) and pa.types.is_floating(other))
        or (_is_text(one) and _is_bytes(other))
        for one, other in ((left, right), (right, left))
    )


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(kind) for is_kind in lists)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(kind) for is_kind in texts)


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _large(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def unite(what: str, parts: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """Find the schema that holds all parts without loss.

    Args:
        what: Subject of messages: ``source 'trips'``.
        parts: Name of a file and its schema, in reading order; at least one.

    Returns:
        All columns in order of first occurrence; those that are not in every part are nullable.

    Raises:
        SourceError: No type holds both types of a column.
    """
    import pyarrow as pa

    fields: dict[str, pa.Field] = {}
    first_in: dict[str, str] = {}
    for part, schema in parts:
        for field in schema:
            known = fields.get(field.name)
            if known is None or known.type == field.type:
                fields[field.name] = known or field
                first_in.setdefault(field.name, part)
                continue
            united = wider(known.type, field.type)
            if united is None:
                raise SourceError(
                    f"{what}: column '{field.name}' is {field.type} in {part} and "
                    f"{known.type} in {first_in[field.name]}.",
                    hint="Repair the file, or read the column as text: "
                    f"--option type.{field.name}=text.",
                    retryable=False,
                    data={"column": field.name, "files": [first_in[field.name], part]},
                )
            fields[field.name] = pa.field(field.name, united)
    whole = {name for _, schema in parts for name in schema.names}
    shared = whole.intersection(*(schema.names for _, schema in parts))
    return pa.schema([f if name in shared else f.with_nullable(True) for name, f in fields.items()])


def refuse_strangers(what: str, parts: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Raise an error for files that share no column with the others.

    Args:
        what: Subject of messages: ``source 'trips'``.
        parts: Name of a file and of its columns; a file without columns matches any.

    Raises:
        SourceError: The files form several groups; the message names those of the smaller ones.
    """
    groups: list[tuple[list[str], set[str]]] = []
    for part, columns in parts:
        if not columns:
            continue
        joined, names = [part], set(columns)
        apart = []
        for group in groups:
            if names & group[1]:
                joined, names = [*group[0], *joined], names | group[1]
            else:
                apart.append(group)
        groups = [*apart, (joined, names)]
    if len(groups) < 2:
        return
    groups.sort(key=lambda group: len(group[0]), reverse=True)
    strangers = [part for group in groups[1:] for part in group[0]]
    first, columns_of_first = next(part for part in parts if part[0] == strangers[0])
    raise SourceError(
        f"{what}: {listed(strangers)} {'has' if len(strangers) == 1 else 'have'} no column in "
        f"common with {listed(groups[0][0], limit=3)}; {first} has {listed(columns_of_first)}.",
        hint="Remove it from the folder, or declare the files with a glob that excludes it.",
        retryable=False,
        data={"files": strangers},
    )


def conform(what: str, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Convert a batch to the schema of its source; missing columns are NULL.

    Raises:
        SourceError: A value does not fit the type without loss.
    """
    import pyarrow as pa

    arrays = []
    for field in schema:
        index = batch.schema.get_field_index(field.name)
        if index < 0:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        column = batch.column(index)
        try:
            arrays.append(column if column.type == field.type else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
            raise SourceError(
                f"{what}: column '{field.name}' does not fit {field.type}: {problem}",
                retryable=False,
                data={"column": field.name},
            ) from problem
    # Nullability is a property of one file; the union only guarantees names and types.
    return pa.RecordBatch.from_arrays(arrays, schema=relaxed(schema))


def relaxed(schema: pa.Schema) -> pa.Schema:
    """Return the schema with every column nullable and without metadata."""
    import pyarrow as pa

    return pa.schema([pa.field(field.name, field.type) for field in schema])


def concat(what: str, parts: Iterable[tuple[str, pa.Table]]) -> pa.Table:
    """Concatenate the tables of several files by column names.

    Raises:
        SourceError: See `unite` and `conform`.
    """
    import pyarrow as pa

    tables = list(parts)
    schema = relaxed(unite(what, [(name, table.schema) for name, table in tables]))
    batches = [
        conform(f"{what}, {name}", batch, schema)
        for name, table in tables
        for batch in table.to_batches()
    ]
    return pa.Table.from_batches(batches, schema=schema)
