"""Filters of a table: ``GET /tables/NAME?region=EU&day__gte=2026-01-01&columns=id,day&limit=100``.

``NAME=VALUE`` is equality; ``NAME__gt``, ``gte``, ``lt``, ``lte``, ``ne`` and ``in`` compare as in
SQL, where NULL meets no condition. A name that is a column is that column: ``limit__eq=5`` filters
a column called ``limit``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_etl.language.names import listed, nearest
from jupyter_etl.model import ParameterType
from jupyter_etl.serving.queries.pages import single, split_pairs
from jupyter_etl.serving.queries.parameters import MOST_ITEMS, RESERVED, SCALARS, items_of, value_of
from jupyter_etl.serving.queries.rejection import invalid

if TYPE_CHECKING:
    import pyarrow as pa

_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "in": "IN"}
_BYTES = "bytes in base64"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a request selects.

    Args:
        conditions: SQL over ``c0``, ``c1`` ..., all of which must hold, with ``$p0`` for values.
        values: Values by name.
        columns: Places of the columns to return, in order.
        limit, following: As given; None if absent.
    """

    conditions: tuple[str, ...]
    values: dict[str, object]
    columns: tuple[int, ...]
    limit: str | None
    following: str | None


def parse_filters(pairs: Sequence[tuple[str, str]], schema: pa.Schema, *, at: datetime) -> Filters:
    """Parse the query string of a table.

    Args:
        pairs: Names and decoded values.
        schema: Columns of the table.
        at: The instant that ``today`` and ``now`` refer to, in the time zone that applies.

    Raises:
        Rejected: A name is no column, or a value does not have the type of its column.
    """
    reserved, others = split_pairs(pairs, RESERVED)
    if "offset" in reserved:
        raise invalid([("offset", "'offset' does not go with filters; follow 'next' instead.")])
    given: dict[str, list[str]] = {}
    for name, text in others:
        given.setdefault(name, []).append(text)
    faults: list[tuple[str, str]] = []
    conditions: list[str] = []
    values: dict[str, object] = {}
    for name, texts in given.items():
        try:
            place, operator = _column(name, schema.names)
            found = _values(name, texts, operator, schema.field(place), at)
        except _Fault as fault:
            faults.append((name, str(fault)))
            continue
        names = [f"p{len(values) + number}" for number in range(len(found))]
        values.update(zip(names, found, strict=True))
        bound = ", ".join(f"${one}" for one in names)
        bound = f"({bound})" if operator == "in" else bound
        conditions.append(f"c{place} {_OPERATORS[operator]} {bound}")
    if faults:
        raise invalid(faults)
    return Filters(
        conditions=tuple(conditions),
        values=values,
        columns=_selected(reserved.get("columns", []), schema.names),
        limit=single(reserved, "limit"),
        following=single(reserved, "next"),
    )


class _Fault(Exception):
    """A name or value that is not allowed; the text is a sentence."""


def _column(name: str, columns: Sequence[str]) -> tuple[int, str]:
    if name in columns:
        return columns.index(name), "eq"
    column, _, operator = name.rpartition("__")
    if column not in columns:
        shown = column if operator in _OPERATORS else name
        raise _Fault(
            f"There is no column '{shown}'. There are {listed(columns)}.{nearest(shown, columns)}"
        )
    if operator not in _OPERATORS:
        raise _Fault(f"There is no operator '{operator}'. There are {listed(_OPERATORS)}.")
    return columns.index(column), operator


def _values(
    name: str, texts: Sequence[str], operator: str, field: pa.Field, at: datetime
) -> list[object]:
    if operator != "in" and len(texts) > 1:
        raise _Fault(f"'{name}' is given {len(texts)} times; for several values use __in.")
    items = items_of(texts) if operator == "in" else texts
    if not 0 < len(items) <= MOST_ITEMS:
        raise _Fault(f"'{name}' takes 1 to {MOST_ITEMS:,} values, but got {len(items):,}.")
    return [_value(name, item, field, at) for item in items]


def _value(name: str, text: str, field: pa.Field, at: datetime) -> object:
    import pyarrow as pa

    kind = _kind(field.type)
    if kind is None:
        raise _Fault(f"'{field.name}' is of type {field.type}, which cannot be filtered.")
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    try:
        if kind == _BYTES:
            return base64.b64decode(text, validate=True)
        assert isinstance(kind, ParameterType)  # noqa: S101 - the other case
        value = value_of(kind, text, at=at)
    except (ValueError, binascii.Error):
        allowed = _BYTES if kind == _BYTES else SCALARS[kind][0]  # type: ignore[index]  # see above
        raise _Fault(f"'{name}' takes {allowed}, but got {shown!r}.") from None
    if isinstance(value, datetime) and pa.types.is_timestamp(field.type) and not field.type.tz:
        return value.astimezone(at.tzinfo).replace(tzinfo=None)
    return value


def _kind(kind: pa.DataType) -> ParameterType | str | None:
    """Return the type of values that a column is compared with; None if there is none."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _kind(kind.storage_type)
    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    found: list[tuple[bool, ParameterType | str]] = [
        (types.is_boolean(kind), ParameterType.BOOL),
        (types.is_integer(kind), ParameterType.INT),
        (types.is_floating(kind), ParameterType.FLOAT),
        (types.is_decimal(kind), ParameterType.DECIMAL),
        (types.is_date(kind), ParameterType.DATE),
        (types.is_timestamp(kind), ParameterType.DATETIME),
        (types.is_time(kind), ParameterType.TIME),
        (types.is_duration(kind), ParameterType.TIMEDELTA),
        (types.is_binary(kind) or types.is_large_binary(kind), _BYTES),
        (types.is_fixed_size_binary(kind), _BYTES),
        (types.is_string(kind) or types.is_large_string(kind), ParameterType.STR),
        (types.is_string_view(kind) or types.is_null(kind), ParameterType.STR),
    ]
    return next((one for matches, one in found if matches), None)


def _selected(texts: Sequence[str], columns: Sequence[str]) -> tuple[int, ...]:
    """Return the places of the columns in ``columns=a,b``, or all."""
    names = [name for text in texts for name in ([text] if text in columns else items_of([text]))]
    for place, name in enumerate(names):
        if name not in columns:
            message = f"There is no column '{name}'. There are {listed(columns)}."
            raise invalid([("columns", message + nearest(name, columns))])
        if name in names[:place]:
            raise invalid([("columns", f"The column '{name}' is named twice.")])
    return tuple(columns.index(name) for name in names) or tuple(range(len(columns)))
