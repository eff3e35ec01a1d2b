"""Conversion of text to typed values: JSON, Python literals, words for dates and booleans."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path, PurePath
from uuid import UUID

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.numbers import is_number, read_decimal, read_whole
from jupyter_etl.model import ParameterType

DATE_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1, "now": 0}
"""Words for dates, as days relative to today."""

TYPE_WORDS = {
    **{str(kind): kind for kind in ParameterType},
    "string": ParameterType.STR, "text": ParameterType.STR,
    "integer": ParameterType.INT,
    "number": ParameterType.FLOAT, "double": ParameterType.FLOAT,
    "boolean": ParameterType.BOOL,
    "timestamp": ParameterType.DATETIME,
    "duration": ParameterType.TIMEDELTA,
    "purepath": ParameterType.PATH,
    "tuple": ParameterType.LIST,
    "object": ParameterType.ANY,
}  # fmt: skip
"""The names of the types."""

TYPED_TEXTS = frozenset(
    {
        ParameterType.DATE,
        ParameterType.DATETIME,
        ParameterType.TIME,
        ParameterType.TIMEDELTA,
        ParameterType.DECIMAL,
        ParameterType.PATH,
        ParameterType.UUID,
    }
)
"""Types whose values are text in JSON."""

_TIMEDELTA = re.compile(
    r"(?:(?P<days>[+-]?\d+) days?,? ?)?"
    r"(?:(?P<hours>\d+):(?P<minutes>[0-5]?\d)(?::(?P<seconds>[0-5]?\d(?:\.\d{1,6})?))?)?",
    re.ASCII,
)
_TRUE = ("true", "yes", "on", "1", "t", "y")
_FALSE = ("false", "no", "off", "0", "f", "n")


def read_literal(text: str) -> tuple[bool, object]:
    """Parse a Python literal or JSON.

    Returns:
        Whether it is one, and its value.
    """
    try:
        return True, ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    try:
        return True, json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False, None


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def convert_value(kind: ParameterType, value: object, at: datetime) -> object:
    """Convert a value to a type.

    Args:
        value: Text, JSON or Python.
        at: The instant that words such as ``today`` refer to, in the time zone that applies.

    Raises:
        ValueError: It does not have that type.
    """
    return _READERS[kind](value, at)


def _string(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    raise ValueError


def _integer(value: object) -> int:
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and float(value).is_integer():
        return int(float(value))
    number = read_whole(value.strip()) if isinstance(value, str) else None
    if number is None:
        raise ValueError
    return number


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, str)):
        raise ValueError
    number = read_decimal(value.strip()) if isinstance(value, str) else float(value)
    if number is None or not math.isfinite(number):
        raise ValueError
    return number


def _truth(value: object) -> bool:
    word = str(value).strip().lower()
    if not isinstance(value, (bool, int, str)) or word not in _TRUE + _FALSE:
        raise ValueError
    return word in _TRUE


def _date(value: object, at: datetime) -> date:
    if isinstance(value, datetime):
        if value.time() != time():
            raise ValueError
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError
    word = value.strip().lower()
    if word in DATE_WORDS and word != "now":
        return at.date() + timedelta(days=DATE_WORDS[word])
    return date.fromisoformat(value.strip())


def _datetime(value: object, at: datetime) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    elif isinstance(value, str):
        word = value.strip().lower()
        if word == "now":
            return at
        if word in DATE_WORDS:
            moment = datetime.combine(at.date() + timedelta(days=DATE_WORDS[word]), time())
        else:
            moment = datetime.fromisoformat(value.strip())
    else:
        raise ValueError
    return moment if moment.tzinfo else moment.replace(tzinfo=at.tzinfo)


def _time(value: object) -> time:
    return value if isinstance(value, time) else time.fromisoformat(_string(value).strip())


def _timedelta(value: object) -> timedelta:
    """Parse ``90m``, seconds, ``PT90M``, and Python's and pandas' format ``1 day, 2:00:00``."""
    if isinstance(value, timedelta):
        return timedelta(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    text = _string(value).strip()
    if (seconds := read_decimal(text)) is not None:
        return timedelta(seconds=seconds)
    if text and (found := _TIMEDELTA.fullmatch(text)):
        return timedelta(**{unit: float(n) for unit, n in found.groupdict().items() if n})
    try:
        if text.startswith(("P", "-P")):
            return msgspec.convert(text, timedelta)
        seconds = parse_duration(text.removeprefix("-"))
    except (DeclarationError, msgspec.ValidationError) as problem:
        raise ValueError(text) from problem
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError
    if isinstance(value, str) and not is_number(value.strip()):
        raise ValueError(value)
    try:
        # For a JSON number, the digits as written.
        number = Decimal(str(value).strip())
    except ArithmeticError as problem:
        raise ValueError(value) from problem
    if not number.is_finite():
        raise ValueError(value)
    return number


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(_string(value).strip())


def _path(value: object) -> PurePath:
    text = str(value) if isinstance(value, PurePath) else _string(value)
    if not text.strip() or "\0" in text:
        raise ValueError(text)
    return Path(text)


def _container(value: object, python: type) -> object:
    if isinstance(value, str):
        _, value = read_literal(value)
    if isinstance(value, tuple) and python is list:
        value = list(value)
    if not isinstance(value, python):
        raise ValueError
    return _jsonable(value)


def _anything(value: object) -> object:
    if not isinstance(value, str):
        return value if isinstance(value, date) else _jsonable(value)
    if value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    found, literal = read_literal(value)
    try:
        return _jsonable(literal) if found else value
    except (ValueError, TypeError):
        return value


def _jsonable(value: object) -> object:
    """Return the value after a JSON round trip, so that kernel and ledger have the same value."""
    return json.loads(json.dumps(value, allow_nan=False))


_READERS: Mapping[ParameterType, Callable[[object, datetime], object]] = {
    ParameterType.STR: lambda value, _: _string(value),
    ParameterType.INT: lambda value, _: _integer(value),
    ParameterType.FLOAT: lambda value, _: _real(value),
    ParameterType.BOOL: lambda value, _: _truth(value),
    ParameterType.DATE: _date,
    ParameterType.DATETIME: _datetime,
    ParameterType.TIME: lambda value, _: _time(value),
    ParameterType.TIMEDELTA: lambda value, _: _timedelta(value),
    ParameterType.DECIMAL: lambda value, _: _decimal(value),
    ParameterType.PATH: lambda value, _: _path(value),
    ParameterType.UUID: lambda value, _: _uuid(value),
    ParameterType.LIST: lambda value, _: _container(value, list),
    ParameterType.DICT: lambda value, _: _container(value, dict),
    ParameterType.ANY: lambda value, _: _anything(value),
}
