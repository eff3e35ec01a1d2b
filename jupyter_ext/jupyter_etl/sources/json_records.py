"""Records of JSON as Arrow: numbers keep their value, and a mix of types is named."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import SourceError
from jupyter_etl.spec.names import listed, nearest

if TYPE_CHECKING:
    import pyarrow as pa

_SHORT = 16
"""A number written with so many signs has at most 15 digits, which every double gives back.

Source: IEEE 754, 5.12.2.
"""

_MAX_DIGITS = 38
"""Digits of the widest decimal that tables, DuckDB and Arrow's decimal128 share."""


def parse_json(text: bytes | str) -> Any:
    """Read a document.

    A number with a fraction is a float where that gives back every digit written, else a decimal.

    Raises:
        ValueError: It is not JSON.
    """
    return json.loads(text, parse_float=_fraction)


def records_at(what: str, document: object, path: str) -> list[object]:
    """Return the list of records inside a document.

    Args:
        what: Subject of messages: ``source 'rates': rates.json``.
        document: As `parse_json` returns it.
        path: Names from the outside to the inside, with dots; "" where the document is the list.

    Raises:
        SourceError: There is no list at the path; the message tells what there is.
    """
    found = document
    for step in filter(None, path.split(".")):
        inside = list(found) if isinstance(found, dict) else []
        if not isinstance(found, dict) or step not in found:
            raise SourceError(
                f"{what} has nothing at path '{path}'; at '{step}' "
                f"there is {_kind(found)}{' with ' + listed(inside) if inside else ''}.",
                hint=nearest(step, inside).strip(),
                retryable=False,
            )
        found = found[step]
    if isinstance(found, list):
        return found
    lists = [k for k, v in found.items() if isinstance(v, list)] if isinstance(found, dict) else []
    raise SourceError(
        f"{what} holds {_kind(found)}{' at ' + path if path else ''}, no list of records.",
        hint=f"Declare it with the option path={(path + '.') if path else ''}{lists[0]}."
        if lists
        else "Declare it with the option path=... of the list inside the document.",
        retryable=False,
    )


def table_of_records(what: str, records: Sequence[object]) -> pa.Table:
    """Make a table of objects; a name that a record lacks is null there.

    Args:
        what: Subject of messages.
        records: Objects as `parse_json` reads them.

    Raises:
        SourceError: A record is no object, or a column mixes types that no type holds both.
    """
    import pyarrow as pa

    names: dict[str, None] = {}
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise SourceError(
                f"{what}: record {number + 1} is {_kind(record)}, no object with names.",
                hint='Each record looks like {"id": 1, "amount": 2.5}.',
                retryable=False,
            )
        names.update(dict.fromkeys(record))
    rows: Sequence[dict[str, Any]] = records  # type: ignore[assignment]
    columns = {}
    for name in names:
        try:
            columns[name] = _array([row.get(name) for row in rows])
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as problem:
            raise SourceError(
                f"{what}: column '{name}' mixes values of different types: {problem}",
                hint="Repair the file, or load it by %etl sql local with a cast.",
                retryable=False,
                data={"column": name},
            ) from problem
    return pa.table(columns)


def _fraction(text: str) -> float | Decimal:
    value = float(text)
    if len(text) <= _SHORT and math.isfinite(value):
        return value
    exact = Decimal(text)
    return value if math.isfinite(value) and Decimal(repr(value)) == exact else exact


def _array(values: list[Any]) -> pa.Array:
    """Make a column; numbers of which no double and no 64-bit integer holds all become decimals."""
    import pyarrow as pa

    try:
        made = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        if not all(v is None or type(v) in {int, float, Decimal} for v in values):
            raise
        made = pa.array([Decimal(repr(v)) if type(v) is float else _decimal(v) for v in values])
    if pa.types.is_decimal(made.type) and made.type.precision > _MAX_DIGITS:
        raise pa.ArrowInvalid(f"a number needs {made.type.precision} digits; 38 fit")
    _refuse_truth(made.type, values)
    return made


def _decimal(value: int | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _refuse_truth(kind: pa.DataType, values: list[Any]) -> None:
    """Refuse true among fractions, which Arrow would take for 1.0."""
    import pyarrow as pa

    if pa.types.is_floating(kind):
        if any(value is True or value is False for value in values):
            raise pa.ArrowInvalid("numbers, and true or false")
    elif pa.types.is_list(kind):
        _refuse_truth(kind.value_type, [item for value in values if value for item in value])
    elif pa.types.is_struct(kind):
        for field in kind:
            _refuse_truth(field.type, [value.get(field.name) for value in values if value])


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
