"""Placeholder values for PostgreSQL, each with a type that represents it exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.sources.sql.statements import Statement, code_of_statement

_INTEGERS = {'"int2"': 15, '"int4"': 31}
"""Narrower integer types, whose indexes are only used if the value has the same type."""

_LARGEST = 2**63

_POSITIONAL = re.compile(r"\$\d")


def refuse_positional(statement: Statement) -> None:
    """Reject the user's own ``$1`` next to placeholders, which would collide with it.

    Raises:
        DeclarationError: There is one outside strings, quoted names and comments.
    """
    found = _POSITIONAL.search(code_of_statement(statement))
    if found and statement.names:
        raise DeclarationError(
            f"The query contains {found[0]} in addition to bound values.",
            hint="Write {{name}} for each value.",
        )


def bound_values(statement: Statement, values: Mapping[str, object]) -> list[object]:
    """Return the values for the driver, in the order of the placeholders.

    Values without an exact type are bound as text, see `typed_mark`.

    Raises:
        DeclarationError: PostgreSQL cannot represent a value; the message has its name.
    """
    return [_bound(name, values[name]) for name in statement.names]


def typed_mark(mark: str, value: object, wanted: str | None) -> str:
    """Return the SQL of a placeholder whose value has the expected type.

    A string is bound as text, which PostgreSQL does not compare with a date or a uuid. The string
    is therefore cast to the type that the server expects.

    Args:
        mark: ``$1``.
        wanted: The type that the server expects, quoted; None if it does not matter.
    """
    own = _text_type(value)
    if value is None:
        own = wanted or "text"
    elif own is None and isinstance(value, str):
        own = wanted
    if own is not None:
        return f"CAST(CAST({mark} AS text) AS {own})"
    bits = _INTEGERS.get(wanted or "")
    if bits and isinstance(value, int) and -(2**bits) <= value < 2**bits:
        return f"CAST({mark} AS {wanted})"
    return mark


def wanted_type(name: str) -> str | None:
    """Return a type as written in a cast; None for types that accept any text."""
    return None if name in {"", "text", "varchar", "unknown"} else quoted(name)


def _text_type(value: object) -> str | None:
    """Return the type of a value that is bound as its text."""
    if isinstance(value, Decimal):
        return "numeric"
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return "numeric"
    if isinstance(value, datetime):
        # The driver would set the session's time zone to UTC for it.
        return None if value.tzinfo is None else "timestamptz"
    if isinstance(value, time):
        return "time" if value.tzinfo is None else "timetz"
    return "interval" if isinstance(value, timedelta) else None


def _bound(name: str, value: object) -> object:
    if isinstance(value, str):
        _refuse_text(name, value)
    if _text_type(value) is None:
        return value
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_snan():
        raise DeclarationError(
            f"The value of '{name}' is a signalling NaN, which numeric does not support."
        )
    return str(value)


def _refuse_text(name: str, value: str) -> None:
    if "\0" in value:
        raise DeclarationError(
            f"The value of '{name}' contains a NUL character, which text in PostgreSQL cannot contain.",
            hint=f"Remove it: {name}.replace(chr(0), ''), or bind bytes.",
        )
    try:
        value.encode()
    except UnicodeEncodeError as problem:
        raise DeclarationError(
            f"The value of '{name}' is not valid Unicode text: {problem.reason}."
        ) from problem
