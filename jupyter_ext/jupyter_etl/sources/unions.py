"""One schema for several files: union by name, and an error that names file and column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.widening import wider
from jupyter_etl.spec.names import listed

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
    """Refuse files that share no column with the others: they are not parts of one table.

    Args:
        what: Subject of messages: ``source 'trips'``.
        parts: Name of a file and of its columns; a file without columns belongs to any.

    Raises:
        SourceError: The files fall into groups; those of the smaller ones are named.
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
