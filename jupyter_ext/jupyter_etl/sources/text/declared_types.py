"""Types that the options of a source declare: ``type.zip=text``, ``type.price=decimal(12,2)``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.numbers import read_whole
from jupyter_etl.sources.text.conversion import convert
from jupyter_etl.sources.text.inference import PLAIN, TextForm, first_failing

if TYPE_CHECKING:
    import pyarrow as pa

TYPE_OPTION = "type."
"""Prefix of these options, followed by the column."""

TYPES = (
    *("text", "bool", "date", "time", "timestamp"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *(
        "float",
        "double",
        "decimal(12,2)",
        "time[us]",
        "timestamp[us]",
        "timestamp[us, Europe/Paris]",
    ),
)
"""The available types; their numbers, units and time zones are examples."""

_SYNONYMS = {
    "string": "text",
    "str": "text",
    "boolean": "bool",
    "bool_": "bool",
    "date32": "date",
    "integer": "int64",
    "int": "int64",
    "bigint": "int64",
    "float32": "float",
    "float64": "double",
    "datetime": "timestamp",
    "numeric": "decimal",
}
_WRITTEN = re.compile(r"\s*([A-Za-z]+\d*_?)\s*(?:[(\[]\s*([^()\[\]]*?)\s*[)\]])?\s*")
_UNITS = ("s", "ms", "us", "ns")
_MOST_DIGITS = 38


def is_type_option(name: str) -> bool:
    """Return whether an option declares the type of a column."""
    return name.startswith(TYPE_OPTION) and len(name) > len(TYPE_OPTION)


def parse_declared_types(options: Mapping[str, str]) -> dict[str, pa.DataType]:
    """Parse the types that options declare: ``type.COLUMN=TYPE`` and ``text=a,b``.

    Args:
        options: Options of the source; others are ignored.

    Returns:
        Arrow types by column.

    Raises:
        DeclarationError: A type is unknown, or a column is declared as text and as another type.
    """
    import pyarrow as pa

    declared = {
        name.removeprefix(TYPE_OPTION): parse_type(name, text)
        for name, text in options.items()
        if is_type_option(name)
    }
    for column in names_of(options.get("text", "")):
        kind = declared.setdefault(column, pa.string())
        if kind != pa.string():
            raise DeclarationError(
                f"Column '{column}' is declared as text by the option text and as {kind} by "
                f"{TYPE_OPTION}{column}.",
                hint="Remove one of the two.",
            )
    return declared


def parse_type(option: str, text: str) -> pa.DataType:
    """Parse a type.

    Args:
        text: ``text``, ``int64``, ``decimal(12,2)``, ``timestamp[us, Europe/Paris]`` ...

    Raises:
        DeclarationError: It is not one of `TYPES`.
    """
    found = _WRITTEN.fullmatch(text)
    name = found[1].lower() if found else ""
    arguments = [part.strip() for part in found[2].split(",")] if found and found[2] else []
    kind = _made(_SYNONYMS.get(name, name), arguments)
    if kind is None:
        simple = [known.partition("(")[0].partition("[")[0] for known in TYPES]
        raise DeclarationError(
            f"The option {option} is '{text}', which is not a type; types are {', '.join(TYPES)}.",
            hint="" if name in simple else nearest(name, simple).strip(),
        )
    return kind


def refuse_absent_columns(what: str, declared: Iterable[str], known: Iterable[str]) -> None:
    """Raise an error for declared types of columns that do not exist.

    Args:
        what: Subject of the message: ``Source 'trips'``.

    Raises:
        SourceError: A column does not exist; the message lists the existing ones.
    """
    there = list(known)
    for column in declared:
        if column not in there:
            raise SourceError(
                f"{what} has no column '{column}', whose type is declared; it has {listed(there)}.",
                hint=nearest(column, there).strip(),
                retryable=False,
                data={"column": column, "columns": there},
            )


def apply_declared_types(
    table: pa.Table,
    declared: Mapping[str, pa.DataType],
    form: TextForm = PLAIN,
    *,
    what: str,
    first_row: int = 1,
) -> pa.Table:
    """Convert the columns of a table to their declared types.

    Args:
        table: The data; declared columns that it lacks are ignored, see `refuse_absent_columns`.
        declared: Types by column.
        what: Subject of messages: ``Source 'trips', a.json``.
        first_row: The row of the first record, as messages count them.

    Raises:
        SourceError: A value is not exact in its type; the message names column, row and value.
    """
    for column, kind in declared.items():
        index = table.schema.get_field_index(column)
        if index >= 0 and table.schema.field(index).type != kind:
            found = cast_exactly(
                table.column(index), kind, form, what=what, column=column, first_row=first_row
            )
            table = table.set_column(index, column, found)
    return table


def cast_exactly(
    values: pa.ChunkedArray,
    kind: pa.DataType,
    form: TextForm = PLAIN,
    *,
    what: str,
    column: str,
    first_row: int = 1,
) -> pa.ChunkedArray:
    """Cast a column of any type; arguments and errors as in `apply_declared_types`."""
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return pa.chunked_array([pa.nulls(len(values), kind)])
    if _is_text(values.type):
        return convert(values, kind, form, what=what, column=column, first_row=first_row)
    chunks = []
    for chunk in values.chunks:
        found = _cast_and_back(chunk, kind)
        if found is None:
            place = first_failing(chunk, lambda part: _cast_and_back(part, kind) is not None)
            raise SourceError(
                f"{what}: column '{column}' is declared as {kind}; row {first_row + place:,} has "
                f"{str(chunk[place].as_py())[:80]} ({values.type}), which is not exact in it.",
                hint="Declare another type, or remove the option.",
                retryable=False,
                data={"column": column, "row": first_row + place},
            )
        chunks.append(found)
        first_row += len(chunk)
    return pa.chunked_array(chunks, kind)


def names_of(text: str) -> tuple[str, ...]:
    """Parse a list of columns: ``a, b``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _cast_and_back(values: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Cast an array; None if casting back does not give the same values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        stamps = pa.types.is_timestamp(kind) and pa.types.is_timestamp(values.type)
        if stamps and (kind.tz is None) != (values.type.tz is None):
            return pc.assume_timezone(values, kind.tz).cast(kind) if kind.tz else None
        found = values.cast(kind)
        back = found.cast(values.type)
        return found if back.equals(values) or _same(back, values) else None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _same(left: pa.Array, right: pa.Array) -> bool:
    """Compare arrays in which NaN equals NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(left.type):
        return False
    alike = pc.or_(pc.equal(left, right), pc.and_(pc.is_nan(left), pc.is_nan(right)))
    return left.null_count == right.null_count and bool(pc.all(alike).as_py())


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return any(
        is_text(kind)
        for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _made(name: str, arguments: list[str]) -> pa.DataType | None:
    """Return the type for a name and the arguments in brackets; None for an unknown one."""
    import pyarrow as pa

    if not arguments and name in {"text", "bool", "date", "float", "double"}:
        return {"text": pa.string(), "date": pa.date32(), "float": pa.float32()}.get(
            name
        ) or pa.type_for_alias(name)
    if not arguments and re.fullmatch(r"u?int(8|16|32|64)", name):
        return pa.type_for_alias(name)
    if name in {"decimal", "decimal128"}:
        return _decimal(arguments)
    if re.fullmatch(r"time(32|64)?", name) and len(arguments) <= 1:
        unit = arguments[0] if arguments else "us"
        kinds = {"s": pa.time32, "ms": pa.time32, "us": pa.time64, "ns": pa.time64}
        return kinds[unit](unit) if unit in _UNITS else None
    if name == "timestamp" and len(arguments) <= 2:
        unit, zone = [*arguments, *("us", "")[len(arguments) :]]
        zone = zone.removeprefix("tz=")
        if unit in _UNITS and (not zone or _is_zone(zone)):
            return pa.timestamp(unit, zone or None)
    return None


def _decimal(arguments: list[str]) -> pa.DataType | None:
    import pyarrow as pa

    numbers = [number for part in arguments if (number := read_whole(part)) is not None]
    if not 1 <= len(numbers) == len(arguments) <= 2:
        return None
    precision, scale = [*numbers, 0][:2]
    if 1 <= precision <= _MOST_DIGITS and 0 <= scale <= precision:
        return pa.decimal128(precision, scale)
    return None


def _is_zone(zone: str) -> bool:
    if re.fullmatch(r"[+-]\d\d:\d\d", zone):
        return True
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        return False
    return True
