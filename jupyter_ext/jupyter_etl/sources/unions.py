"""One schema for several files: union by name, and an error that names file and column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa


def unite(what: str, parts: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """Find the schema that holds all parts without loss.

    Args:
        what: Subject of messages: ``source 'trips'``.
        parts: Name of a file and its schema, in the order of reading; at least one.

    Returns:
        All columns in the order in which they first occur; those that are not in every part are
        nullable.

    Raises:
        SourceError: A column has types in two parts that no type holds both.
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
            wider = _wider(known.type, field.type)
            if wider is None:
                raise SourceError(
                    f"{what}: column '{field.name}' is {field.type} in {part} and "
                    f"{known.type} in {first_in[field.name]}.",
                    hint="Repair the file, or read the column as text with the option "
                    f"text={field.name}.",
                    retryable=False,
                    data={"column": field.name, "files": [first_in[field.name], part]},
                )
            fields[field.name] = pa.field(field.name, wider)
    whole = {name for _, schema in parts for name in schema.names}
    shared = whole.intersection(*(schema.names for _, schema in parts))
    return pa.schema([f if name in shared else f.with_nullable(True) for name, f in fields.items()])


def conform(what: str, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch the schema of its source; a column that it lacks is null.

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
    # Nullability is a claim of one file; what is promised of the union is its names and types.
    return pa.RecordBatch.from_arrays(arrays, schema=relaxed(schema))


def relaxed(schema: pa.Schema) -> pa.Schema:
    """Return the schema with every column nullable and without metadata."""
    import pyarrow as pa

    return pa.schema([pa.field(field.name, field.type) for field in schema])


def concat(what: str, parts: Iterable[tuple[str, pa.Table]]) -> pa.Table:
    """Join the tables of several files by column names.

    Raises:
        SourceError: As `unite` and `conform`.
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


def _wider(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    if _clash(left, right):
        return None
    pair = [pa.schema([pa.field("x", left)]), pa.schema([pa.field("x", right)])]
    try:
        return pa.unify_schemas(pair, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return None


def _clash(left: pa.DataType, right: pa.DataType) -> bool:
    """Tell whether Arrow would unite two types at the price of a value: digits, or text as bytes."""
    import pyarrow as pa

    if pa.types.is_struct(left) and pa.types.is_struct(right):
        both = set(left.names) & set(right.names)
        return any(_clash(left.field(name).type, right.field(name).type) for name in both)
    if pa.types.is_list(left) and pa.types.is_list(right):
        return _clash(left.value_type, right.value_type)
    return any(
        (pa.types.is_decimal(one) and pa.types.is_floating(other))
        or (pa.types.is_string(one) and pa.types.is_binary(other))
        for one, other in ((left, right), (right, left))
    )
