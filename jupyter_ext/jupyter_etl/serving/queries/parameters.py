"""Parameters of a query that is served: declared in its holes, ``{{since: date = yesterday}}``."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.parameters.literals import DATE_WORDS, TYPE_WORDS, read_literal
from jupyter_etl.language.parameters.parameter import coerce, to_json
from jupyter_etl.language.sql.templates import Hole, Template
from jupyter_etl.model import Parameter, ParameterType
from jupyter_etl.serving.queries.rejection import invalid

RESERVED = ("columns", "format", "limit", "next", "offset", "version")
"""Names in a query string that are not parameters or columns."""

MOST_ITEMS = 10_000
"""Longest list that a caller can pass."""

_DECLARATION = re.compile(r"(list\s*\[\s*(\w+)\s*\]|\w+)\s*(?:=(.*))?", re.DOTALL | re.IGNORECASE)
_FORMS = "Write {{name: type}} or {{name: type = default}}, like {{since: date = 2026-01-31}}."
_MOST_DIGITS = 38

SCALARS: Mapping[ParameterType, tuple[str, Mapping[str, object]]] = {
    ParameterType.STR: ("a text", {"type": "string"}),
    ParameterType.INT: (
        "an integer of at most 128 bits, like 42",
        {"type": "integer", "minimum": -(2.0**127), "exclusiveMaximum": 2.0**127},
    ),
    ParameterType.FLOAT: ("a number, like 0.5", {"type": "number"}),
    ParameterType.BOOL: ("true or false", {"type": "boolean"}),
    ParameterType.DATE: ("a date, like 2026-01-31", {"type": "string", "format": "date"}),
    ParameterType.DATETIME: (
        "a time in ISO 8601, like 2026-01-31T06:00:00Z",
        {"type": "string", "format": "date-time"},
    ),
    ParameterType.TIME: ("a time of day, like 06:30", {"type": "string", "format": "time"}),
    ParameterType.TIMEDELTA: (
        "a duration, like PT90M or 90m",
        {"type": "string", "format": "duration"},
    ),
    ParameterType.DECIMAL: (
        f"a number of at most {_MOST_DIGITS} digits, like 19.90",
        {"type": ["string", "number"], "format": "decimal"},
    ),
    ParameterType.UUID: (
        "a UUID, like 12345678-1234-5678-1234-567812345678",
        {"type": "string", "format": "uuid"},
    ),
}
"""The types of values, with their description and JSON Schema."""


@dataclass(frozen=True, kw_only=True)
class QueryParameter:
    """A parameter of a query.

    Args:
        name: A Python identifier.
        type: Type of the value, of each item for a list.
        is_list: Whether the value is a list, ``list[int]``.
        default: As written; None if a value is required.
    """

    name: str
    type: ParameterType
    is_list: bool = False
    default: str | None = None

    @property
    def optional(self) -> bool:
        """Whether the value may be null, which its default is."""
        return self.default in ("null", "None")

    @property
    def allowed(self) -> str:
        """Description of the allowed values."""
        one = SCALARS[self.type][0]
        many = f"a list of 1 to {MOST_ITEMS:,} values, each {one}"
        return (many if self.is_list else one) + (", or null" if self.optional else "")


def parameters_of(template: Template) -> tuple[QueryParameter, ...]:
    """Return the parameters that a template declares, in order of their first hole.

    Raises:
        DeclarationError: A declaration is not valid, a name has none or two different ones, or
            the name is reserved.
    """
    holes = [part for part in template.parts if isinstance(part, Hole)]
    declared: dict[str, QueryParameter] = {}
    for hole in holes:
        if not hole.declaration:
            continue
        parameter = _declared(hole)
        if declared.setdefault(hole.name, parameter) != parameter:
            raise DeclarationError(
                f"The parameter '{hole.name}' is declared twice, with different types or defaults.",
                hint=f"Declare it once, and write {{{{{hole.name}}}}} in the other places.",
            )
    for name in template.names:
        if name not in declared:
            raise DeclarationError(
                f"The parameter '{name}' has no type.{nearest(name, declared)}",
                hint=f"Declare it in one of its places: {{{{{name}: int}}}}. "
                f"The types are {listed(SCALARS)}, and list[...] of them.",
            )
    return tuple(declared[name] for name in template.names)


def _declared(hole: Hole) -> QueryParameter:
    name = hole.name
    if name in RESERVED:
        raise DeclarationError(
            f"A parameter cannot be named '{name}', which has a meaning in every request.",
            hint=f"Rename it. Reserved are {listed(RESERVED)}.",
        )
    found = _DECLARATION.fullmatch(hole.declaration)
    default = None if found is None or found[3] is None else found[3].strip()
    if found is None or default == "":
        raise DeclarationError(
            f"The declaration of '{name}', '{hole.declaration}', is not valid.", hint=_FORMS
        )
    word = (found[2] or found[1]).lower()
    kind = TYPE_WORDS.get(word)
    if kind is None or kind not in SCALARS:
        hint = f"The types are {listed(SCALARS)}, and list[...] of them."
        if kind in (ParameterType.LIST, ParameterType.DICT):
            hint = f"Declare the type of the items: list[int]. {hint}"
        raise DeclarationError(
            f"'{word}' is not a type of parameters that a caller sets, for '{name}'."
            f"{nearest(word, [str(one) for one in SCALARS])}",
            hint=hint,
        )
    parameter = QueryParameter(name=name, type=kind, is_list=bool(found[2]), default=default)
    if default is not None:
        _default_of(parameter, at=datetime(2000, 1, 1, tzinfo=UTC))
    return parameter


def _default_of(parameter: QueryParameter, *, at: datetime) -> object:
    """Return the typed default; raises `DeclarationError` if it has another type."""
    text = parameter.default or ""
    if parameter.optional:
        return None
    found, value = read_literal(text)
    if parameter.is_list:
        items = value if found and isinstance(value, list) else None
        if items is None:
            raise DeclarationError(
                f"The default of '{parameter.name}', {text}, is not a list.",
                hint="Write it like [1, 2], or null for a list that may be left out.",
            )
    else:
        items = [value if found and isinstance(value, str) else text]
    try:
        return _typed(parameter, items, at=at)
    except ValueError:
        raise DeclarationError(
            f"The default of '{parameter.name}' is {text}, but it takes {parameter.allowed}.",
            hint=_FORMS,
        ) from None


def schema_of(parameters: Sequence[QueryParameter]) -> dict[str, object]:
    """Return the JSON Schema of the parameters as an object."""
    required = [one.name for one in parameters if one.default is None]
    schema: dict[str, object] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {one.name: _property(one) for one in parameters},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _property(parameter: QueryParameter) -> dict[str, object]:
    found: dict[str, object] = dict(SCALARS[parameter.type][1])
    if parameter.is_list:
        found = {"type": "array", "items": found, "minItems": 1, "maxItems": MOST_ITEMS}
    if parameter.optional:
        return {"anyOf": [found, {"type": "null"}], "default": None}
    if parameter.default is None:
        return found
    if parameter.default.lower() in DATE_WORDS:
        return {**found, "description": f"Default: {parameter.default}."}
    value = _default_of(parameter, at=datetime(2000, 1, 1, tzinfo=UTC))
    plain = [to_json(one) for one in value] if isinstance(value, list) else to_json(value)
    return {**found, "default": plain}


def values_of_text(
    parameters: Sequence[QueryParameter], pairs: Sequence[tuple[str, str]], *, at: datetime
) -> dict[str, object]:
    """Return the values of all parameters from a query string.

    Args:
        pairs: Names and decoded values. A list is one value with commas, quoted as in CSV, or
            several values of its name.
        at: The instant that ``today`` and ``now`` refer to, in the time zone that applies.

    Raises:
        Rejected: A name is unknown, or a value is missing, repeated or of another type.
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    given: dict[str, object] = {}
    known = {one.name: one for one in parameters}
    for name, found in texts.items():
        parameter = known.get(name)
        if parameter is not None and parameter.is_list:
            given[name] = None if _is_null(parameter, found) else items_of(found)
        elif len(found) > 1:
            raise invalid([(name, f"'{name}' is given {len(found)} times; give it once.")])
        else:
            given[name] = None if parameter and _is_null(parameter, found) else found[0]
    return _values(parameters, given, at=at)


def _is_null(parameter: QueryParameter, texts: Sequence[str]) -> bool:
    return (
        parameter.optional and parameter.type is not ParameterType.STR and list(texts) == ["null"]
    )


def items_of(texts: Sequence[str]) -> list[str]:
    """Return the items of a list in a query string: several values, or one with commas."""
    if len(texts) != 1 or not {"\r", "\n"}.isdisjoint(texts[0]):
        return list(texts)
    try:
        return next(csv.reader([texts[0]]), [])
    except csv.Error:
        # A value of more than 128 KB.
        return list(texts)


def values_of_json(
    parameters: Sequence[QueryParameter], given: Mapping[str, object], *, at: datetime
) -> dict[str, object]:
    """Return the values of all parameters from a JSON object; otherwise like `values_of_text`."""
    known = {one.name: one for one in parameters}
    for name, value in given.items():
        parameter = known.get(name)
        if parameter is None or (value is None and parameter.optional):
            continue
        items = value if parameter.is_list else [value]
        if not isinstance(items, list) or not all(_in_json(parameter.type, x) for x in items):
            raise _wrong(parameter, value)
    return _values(parameters, given, at=at)


def _in_json(kind: ParameterType, value: object) -> bool:
    """Return whether a JSON value has the JSON type of a parameter."""
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if kind is ParameterType.BOOL:
        return isinstance(value, bool)
    if kind in (ParameterType.INT, ParameterType.FLOAT):
        return number
    return isinstance(value, str) or (kind is ParameterType.DECIMAL and number)


def _values(
    parameters: Sequence[QueryParameter], given: Mapping[str, object], *, at: datetime
) -> dict[str, object]:
    known = {one.name: one for one in parameters}
    faults = [
        (name, f"There is no parameter '{name}'.{_there_are(known)}{nearest(name, known)}")
        for name in given
        if name not in known
    ]
    values: dict[str, object] = {}
    for name, parameter in known.items():
        if name not in given:
            if parameter.default is None:
                faults.append((name, f"'{name}' is missing; it takes {parameter.allowed}."))
            else:
                values[name] = _default_of(parameter, at=at)
            continue
        value = given[name]
        if value is None and parameter.optional:
            values[name] = None
            continue
        try:
            values[name] = _typed(parameter, value if parameter.is_list else [value], at=at)
        except ValueError:
            faults.append(_fault(parameter, value))
    if faults:
        raise invalid(faults)
    return values


def _there_are(known: Mapping[str, object]) -> str:
    return f" There are {listed(known)}." if known else " The query has none."


def _wrong(parameter: QueryParameter, value: object) -> Exception:
    return invalid([_fault(parameter, value)])


def _fault(parameter: QueryParameter, value: object) -> tuple[str, str]:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return parameter.name, f"'{parameter.name}' takes {parameter.allowed}, but got {shown}."


def _typed(parameter: QueryParameter, items: object, *, at: datetime) -> object:
    """Return the value of a parameter from its items, a single one unless it is a list.

    Raises:
        ValueError: An item has another type, or the list has the wrong length.
    """
    if not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
        raise ValueError
    values = [value_of(parameter.type, item, at=at) for item in items]
    return values if parameter.is_list else values[0]


def value_of(kind: ParameterType, value: object, *, at: datetime) -> object:
    """Return a value that DuckDB can bind.

    Args:
        value: Text or a JSON value.
        at: See `values_of_text`.

    Raises:
        ValueError: It does not have that type, or DuckDB has no such value.
    """
    try:
        typed = coerce(Parameter(name="value", type=kind, origin="command"), value, at=at)
    except DeclarationError as problem:
        raise ValueError from problem
    if isinstance(typed, Decimal):
        _, digits, exponent = typed.as_tuple()
        places = -int(exponent)
        # DuckDB counts the zero before the point as a digit if one follows it.
        width = max(len(digits) - min(places, 0), places + (len(digits) < places))
        if width > _MOST_DIGITS:
            raise ValueError
    if type(typed) is int and not -(2**127) <= typed < 2**127:
        raise ValueError
    if isinstance(typed, str) and any("\ud800" <= sign <= "\udfff" for sign in typed):
        raise ValueError
    return typed
