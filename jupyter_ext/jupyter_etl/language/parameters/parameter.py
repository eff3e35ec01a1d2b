"""Parameters of notebooks: declarations, assignments and types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from uuid import UUID

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.parameters.literals import (
    DATE_WORDS,
    TYPE_WORDS,
    TYPED_TEXTS,
    convert_value,
    read_literal,
)
from jupyter_etl.language.parameters.typed_code import is_naive
from jupyter_etl.model import Parameter, ParameterType

_DECLARATION = re.compile(
    r"(?P<name>[^\s:=]+)\s*(?::\s*|\s+|(?==)|$)(?P<type>[^\s=]+)?\s*(?P<equals>=)?(?P<default>.*)",
    re.DOTALL,
)
_EXAMPLES = {
    ParameterType.STR: "EUR",
    ParameterType.INT: "42",
    ParameterType.FLOAT: "0.5",
    ParameterType.BOOL: "true",
    ParameterType.DATE: "2026-01-31 (or today, yesterday, tomorrow)",
    ParameterType.DATETIME: "2026-01-31T06:00 (or now)",
    ParameterType.TIME: "06:30",
    ParameterType.TIMEDELTA: "90m (or 1 day, 2:00:00)",
    ParameterType.DECIMAL: "19.90",
    ParameterType.PATH: "data/orders.csv",
    ParameterType.UUID: "12345678-1234-5678-1234-567812345678",
    ParameterType.LIST: "[1, 2]",
    ParameterType.DICT: '{"a": 1}',
    ParameterType.ANY: "42",
}
_MOST_BITS = 10_000
"""Maximum bits of a number; Python refuses to convert longer ones to decimal by default."""

_FORMS = "Write NAME TYPE = DEFAULT, like: day date = yesterday  # the day to load"


def parse_parameter(text: str) -> Parameter:
    """Parse the declaration of a parameter.

    Args:
        text: ``day date = yesterday  # the day to load``; type, default and comment are
            optional. Without a type, the default determines it.

    Returns:
        The parameter, of origin ``command``.

    Raises:
        DeclarationError: The name or type is not valid, or the default does not have the type.
    """
    body, comment = split_comment(text.strip())
    found = _DECLARATION.fullmatch(body.strip())
    if found is None or (found["default"].strip() and not found["equals"]):
        raise DeclarationError(f"The parameter '{text.strip()}' is invalid.", hint=_FORMS)
    name = _identifier(found["name"])
    default = found["default"].strip() or None
    if found["equals"] and default is None:
        raise DeclarationError(f"The parameter '{name}' has no value after '='.", hint=_FORMS)
    kind = _type(found["type"], name) if found["type"] else _guess(default)
    parameter = Parameter(
        name=name, type=kind, default=default, origin="command", help=comment.strip()
    )
    if default is not None:
        default_of(parameter, at=datetime(2000, 1, 1, tzinfo=UTC))
    return parameter


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise DeclarationError(
            f"'{name}' is not a valid parameter name.",
            hint="Use letters, digits and '_', as for a Python variable: day=2026-01-01.",
        )
    return name


def _type(word: str, name: str) -> ParameterType:
    found = TYPE_WORDS.get(word.lower())
    if found is None:
        raise DeclarationError(
            f"'{word}' is not a type, for the parameter '{name}'.{nearest(word, TYPE_WORDS)}",
            hint=f"Types are {listed(ParameterType)}.",
        )
    return found


def _guess(default: str | None) -> ParameterType:
    if default is None:
        return ParameterType.ANY
    if default.lower() in DATE_WORDS:
        return ParameterType.DATETIME if default.lower() == "now" else ParameterType.DATE
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", default):
        return ParameterType.DATE
    found, value = read_literal(default)
    return type_of(value) if found else ParameterType.STR


def type_of(value: object) -> ParameterType:
    """Return the type of a default; ``any`` for None and unsupported types."""
    for kind, python in (
        (ParameterType.BOOL, bool), (ParameterType.INT, int), (ParameterType.FLOAT, float),
        (ParameterType.STR, str), (ParameterType.DATETIME, datetime), (ParameterType.DATE, date),
        (ParameterType.LIST, (list, tuple)), (ParameterType.DICT, dict),
    ):  # fmt: skip
        if isinstance(value, python):
            return kind
    return ParameterType.ANY


def split_comment(text: str) -> tuple[str, str]:
    """Split a line at the comment after ``#``, outside quotes."""
    found = re.match(r"""(?:[^#'"]|'[^']*'|"[^"]*"|['"])*?(?=#|$)""", text, re.DOTALL)
    end = found.end() if found else len(text)
    return text[:end], text[end + 1 :]


def default_of(parameter: Parameter, *, at: datetime) -> object:
    """Return the default value of a parameter.

    Args:
        parameter: A parameter with a default.
        at: The instant that ``yesterday`` and ``now`` refer to, in the time zone that applies.

    Raises:
        DeclarationError: It has no default, or one that only Python can evaluate.
    """
    text = parameter.default
    if text is None:
        raise DeclarationError(
            f"The parameter '{parameter.name}' has no default and needs a value.",
            hint=f"Set it: -p {parameter.name}={_EXAMPLES[parameter.type]}",
            data=_field(parameter.name),
        )
    found, value = read_literal(text)
    if found and (value is None or parameter.type in (ParameterType.STR, ParameterType.ANY)):
        quoted = isinstance(value, str) or parameter.type is ParameterType.ANY
        return value if value is None or quoted else text
    if parameter.origin == "cell" and not found:
        raise DeclarationError(
            f"The default of the parameter '{parameter.name}', {text}, is only known in the "
            "notebook.",
            hint=f"Set a value: -p {parameter.name}={_EXAMPLES[parameter.type]}",
            data=_field(parameter.name),
        )
    # Unquoted text is parsed as written: the digits of a number matter for a decimal.
    literal = found and (isinstance(value, str) or parameter.type not in TYPED_TEXTS)
    return coerce(parameter, value if literal else text, at=at)


def coerce(parameter: Parameter, value: object, *, at: datetime) -> object:
    """Convert a value to the parameter's type.

    Args:
        value: Text from the command line, a JSON value, or a Python value.
        at: The instant that ``today`` and ``now`` refer to, in the time zone that applies; a
            naive time is in that time zone.

    Returns:
        A value of the type; a datetime is aware unless the notebook's own default is not. None if
        the default is None or the annotation allows it.

    Raises:
        DeclarationError: It does not have that type; one sentence with name, value, type, example.
    """
    if _is_null(parameter, value):
        return None
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise DeclarationError(
            f"The value of the parameter '{parameter.name}' is a number of "
            f"{value.bit_length():,} bits; at most {_MOST_BITS:,} are allowed.",
            hint="Pass it as text.",
        )
    try:
        typed = convert_value(parameter.type, value, at)
        return _like_default(parameter, typed, value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        noun = "a value" if parameter.type is ParameterType.ANY else parameter.type
        shown = repr(value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        raise DeclarationError(
            f"The parameter '{parameter.name}' takes {noun}, but got {shown}.",
            hint=f"For example: {parameter.name}={_EXAMPLES[parameter.type]}",
            data={**_field(parameter.name), "type": str(parameter.type)},
        ) from None


def _like_default(parameter: Parameter, typed: object, value: object) -> object:
    """Remove the implicit timezone of a datetime if the notebook's default has none."""
    if not isinstance(typed, datetime) or parameter.origin != "cell":
        return typed
    if isinstance(value, str) and value.strip().lower() not in DATE_WORDS:
        value = datetime.fromisoformat(value.strip())
    written = isinstance(value, datetime) and value.tzinfo is not None
    naive = not written and is_naive(parameter.default or "")
    return typed.replace(tzinfo=None) if naive else typed


def _is_null(parameter: Parameter, value: object) -> bool:
    optional = (
        parameter.optional or parameter.default == "None" or parameter.type is ParameterType.ANY
    )
    return optional and (value is None or value in ("None", "null"))


def resolve_parameters(
    declared: Sequence[Parameter], given: Mapping[str, object], *, at: datetime
) -> dict[str, object]:
    """Check the values given to a notebook.

    Args:
        declared: Its declarations; the later of two with one name applies.
        given: Values by name, see `coerce`.
        at: See `coerce`.

    Returns:
        The given values, typed, as JSON values; dates, decimals and similar types are text.
        Defaults are left to the notebook.

    Raises:
        DeclarationError: A name is not declared (the message lists the declared ones), a value
            has another type, or a parameter without a default has no value.
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            raise _unknown(name, list(known))
    for parameter in known.values():
        if parameter.default is None and parameter.name not in given:
            default_of(parameter, at=at)
    return {name: to_json(coerce(known[name], value, at=at)) for name, value in given.items()}


def _unknown(name: str, known: list[str]) -> DeclarationError:
    has = f"It has {listed(known)}." if known else "It declares none."
    return DeclarationError(
        f"The notebook has no parameter '{name}'. {has}{nearest(name, known)}",
        hint=f"Declare it in the notebook: %etl param {name} = ..., or in a cell with the tag "
        "'parameters'.",
        data={**_field(name), "known": known},
    )


def _field(name: str) -> dict[str, object]:
    """Return the error data that name the parameter and the form field."""
    return {"parameter": name, "field": f"parameters.{name}"}


def to_json(value: object) -> object:
    """Convert a typed value for JSON: dates, times, decimals and paths become text."""
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta | Decimal | PurePath | UUID) else value


def parse_assignment(text: str) -> tuple[str, str]:
    """Split ``k=v``.

    Args:
        text: ``day=2026-01-01``; blanks around the name are removed, the value is unchanged.

    Returns:
        Name and value, both text.

    Raises:
        DeclarationError: There is no ``=``, or the name is not a Python identifier.
    """
    name, value = split_assignment(text)
    return _identifier(name), value


def split_assignment(text: str) -> tuple[str, str]:
    """Split ``k=v`` where k may be any text; otherwise like `parse_assignment`."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise DeclarationError(
            f"'{text}' is not an assignment.", hint="Write NAME=VALUE, like day=2026-01-01."
        )
    return name.strip(), value
