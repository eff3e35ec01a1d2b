"""Matching of new columns with a table's: what a contract allows, and the resulting schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Contract, Retyped
from jupyter_etl.publishing.tables.arrow_types import common_type, settled, widens

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The columns of a table after a commit.

    Args:
        schema: All columns, in order.
        added: The new columns.
    """

    schema: pa.Schema
    added: tuple[str, ...]


def fit_schema(
    table: pa.Schema,
    new: pa.Schema,
    *,
    name: str,
    contract: Contract,
    typeless: frozenset[str],
    blank: frozenset[str],
    whole: bool,
    approved: bool = False,
    allowed: frozenset[str] = frozenset(),
) -> Fit:
    """Match new rows with a table.

    A column keeps the table's type if every value of the new type fits it (``int32`` in an
    ``int64`` column, any column without values). A decimal gets as many digits as the table and the
    new rows need. Other changes depend on the contract.

    Args:
        contract: ``freeze`` rejects added, dropped and retyped columns; ``evolve`` only retyped
            ones.
        typeless: New columns that contain only NULL and had no type.
        blank: Columns of the table that contain only NULL: they may take any type.
        whole: Whether all rows of the table are replaced, so that its dropped columns are removed.
        approved: Whether a user has approved what the contract rejects.
        allowed: Columns that may be retyped if ``whole``, unless the contract is frozen.

    Raises:
        PublishError: With every column that differs.
    """
    import pyarrow as pa

    change = change_of(
        table, new, typeless=typeless, blank=blank if contract is Contract.EVOLVE else frozenset()
    )
    added, dropped, retyped = change.added, change.dropped, change.retyped
    _refuse_case(name, added, dropped)
    free = contract is Contract.EVOLVE or approved
    if not free:
        retyped += _changed(table, change.kept)
        if added or dropped or retyped:
            raise _frozen(name, added, dropped, [_retyped_phrase(one) for one in retyped])
    refused = [one for one in retyped if not whole or one.name not in allowed]
    if refused and not (whole and approved):
        phrases = [_retyped_phrase(one) for one in refused]
        raise PublishError(
            f"{name!r} cannot change the type of a column: {'; '.join(phrases)}.",
            hint="Convert the column to the published type, or publish under another name."
            + (
                f" A run that publishes it is held, and can be approved; --allow {refused[0].name} "
                "publishes it."
                if whole
                else ""
            ),
            data={"retyped": phrases},
        )
    types = {field.name: field for field in change.kept}
    merged = _merged(table, new, types, whole=whole and free)
    schema = pa.schema([field.with_type(settled(field.type)) for field in merged])
    return Fit(schema=schema, added=added)


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """The differences between the columns of new rows and a table's.

    Args:
        added, dropped: Names.
        retyped: Columns with new values that do not fit the table's type.
        kept: The columns that both have, with their resulting types.
    """

    added: tuple[str, ...]
    dropped: tuple[str, ...]
    retyped: tuple[Retyped, ...]
    kept: tuple[pa.Field, ...]


def change_of(
    table: pa.Schema,
    new: pa.Schema,
    *,
    typeless: frozenset[str],
    blank: frozenset[str],
) -> SchemaChange:
    """Compare the columns of new rows with a table's.

    Args:
        typeless: New columns that contain only NULL and had no type.
        blank: Columns of the table that may take any type, because they contain only NULL.
    """
    retyped, kept = [], []
    for field in table:
        place = new.get_field_index(field.name)
        if place < 0:
            continue
        kind = new.field(place).type
        common = common_type(field.type, kind)
        if field.name in typeless or widens(kind, field.type):
            kept.append(field)
        elif field.name in blank:
            kept.append(new.field(place))
        elif common is not None:
            kept.append(field.with_type(common))
        else:
            retyped.append(Retyped(name=field.name, before=str(field.type), after=str(kind)))
    return SchemaChange(
        added=tuple(column for column in new.names if column not in table.names),
        dropped=tuple(column for column in table.names if column not in new.names),
        retyped=tuple(retyped),
        kept=tuple(kept),
    )


def narrowed(rows: pads.Dataset, new: pa.Schema, table: pa.Schema) -> pa.Schema:
    """Use the table's type for new columns whose values, though not their types, allow it.

    These are decimals that fit, which pandas represents with the maximum number of digits; integers
    and floats with integral values, which pandas distinguishes only by missing values; and columns
    of NULL.

    Args:
        table: The table's schema.

    Returns:
        The new schema, with the table's types for such columns.
    """
    import pyarrow as pa

    fields = []
    for field in new:
        place = table.get_field_index(field.name)
        old = field.type if place < 0 else table.field(place).type
        common = common_type(old, field.type)
        differs = common is None or not common.equals(old)
        by_value = common is not None or _are_both_numbers(old, field.type)
        fits = differs and _fits(rows, field.name, old, by_value=by_value)
        fields.append(field.with_type(old) if fits else field)
    return pa.schema(fields)


def _fits(rows: pads.Dataset, column: str, kind: pa.DataType, *, by_value: bool) -> bool:
    import pyarrow as pa

    for batch in rows.scanner(columns=[column]).to_batches():
        values = batch.column(0)
        if values.null_count == len(values):
            continue
        if not by_value:
            return False
        try:
            cast = values.cast(kind)
            if pa.types.is_floating(values.type) and not _has_same_bits(cast, values):
                return False
        except pa.ArrowInvalid:
            return False
    return True


def _are_both_numbers(one: pa.DataType, other: pa.DataType) -> bool:
    """Return whether one type is an integer and the other a floating-point type."""
    import pyarrow as pa

    kinds = [(pa.types.is_integer(kind), pa.types.is_floating(kind)) for kind in (one, other)]
    return sorted(kinds) == [(False, True), (True, False)]


def _has_same_bits(cast: pa.Array, values: pa.Array) -> bool:
    """Return whether floats survive a cast to integers and back: an integer has no -0.0."""
    import pyarrow as pa

    bits = pa.int32() if values.type.bit_width == 32 else pa.int64()
    return bool(cast.cast(values.type).view(bits).equals(values.view(bits)))


def _changed(table: pa.Schema, kept: tuple[pa.Field, ...]) -> tuple[Retyped, ...]:
    return tuple(
        Retyped(name=field.name, before=str(table.field(field.name).type), after=str(field.type))
        for field in kept
        if not field.type.equals(table.field(field.name).type)
    )


def _retyped_phrase(one: Retyped) -> str:
    return f"{one.name!r} was {one.before} and is {one.after}"


def _merged(
    table: pa.Schema, new: pa.Schema, types: dict[str, pa.Field], *, whole: bool
) -> pa.Schema:
    import pyarrow as pa

    if whole:
        return pa.schema([types.get(field.name, field) for field in new])
    old = [types.get(field.name, field) for field in table]
    return pa.schema(old + [field for field in new if field.name not in table.names])


def _refuse_case(name: str, added: tuple[str, ...], dropped: tuple[str, ...]) -> None:
    old = {column.casefold(): column for column in dropped}
    for column in added:
        twin = old.get(column.casefold())
        if twin is not None:
            raise PublishError(
                f"{name!r} has a column {twin!r}, and the new rows call it {column!r}.",
                hint=f"Rename it: df = df.rename(columns={{{column!r}: {twin!r}}}).",
            )


def _frozen(
    name: str, added: tuple[str, ...], dropped: tuple[str, ...], retyped: list[str]
) -> PublishError:
    parts = []
    if added:
        parts.append(f"added {', '.join(map(repr, added))}")
    if dropped:
        parts.append(f"dropped {', '.join(map(repr, dropped))}")
    parts.extend(retyped)
    return PublishError(
        f"The columns of {name!r} are frozen, and the new rows differ: {'; '.join(parts)}.",
        hint="Publish the frozen columns, or allow new ones with --contract evolve.",
        data={"added": list(added), "dropped": list(dropped), "retyped": retyped},
    )
