"""Texts as typed values: JSON, Python literals, words for dates and truth."""

from __future__ import annotations

import ast
import json
import math
from datetime import date, datetime, time, timedelta
from numbers import Integral, Real

from jupyter_etl.model import ParameterType

DATE_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1, "now": 0}
"""Words for days, as days from today."""

TYPE_WORDS = {
    **{str(kind): kind for kind in ParameterType},
    "string": ParameterType.STR, "text": ParameterType.STR,
    "integer": ParameterType.INT,
    "number": ParameterType.FLOAT, "double": ParameterType.FLOAT,
    "boolean": ParameterType.BOOL,
    "timestamp": ParameterType.DATETIME,
    "tuple": ParameterType.LIST,
    "object": ParameterType.ANY,
}  # fmt: skip
"""How the types are written."""

_TRUE = ("true", "yes", "on", "1", "t", "y")
_FALSE = ("false", "no", "off", "0", "f", "n")


def read_literal(text: str) -> tuple[bool, object]:
    """Read a Python literal or JSON.

    Args:
        text: Any.

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
    raise ValueError(f"{word} is no JSON")


def convert_value(kind: ParameterType, value: object, at: datetime) -> object:
    """Give a value a type.

    Args:
        kind: The type.
        value: Text, JSON or Python.
        at: The instant the words for days are counted from; its timezone is theirs.

    Returns:
        The typed value.

    Raises:
        ValueError: It is not of that type.
    """
    match kind:
        case ParameterType.STR:
            return _string(value)
        case ParameterType.INT:
            return _integer(value)
        case ParameterType.FLOAT:
            return _real(value)
        case ParameterType.BOOL:
            return _truth(value)
        case ParameterType.DATE:
            return _date(value, at)
        case ParameterType.DATETIME:
            return _datetime(value, at)
        case ParameterType.LIST:
            return _container(value, list)
        case ParameterType.DICT:
            return _container(value, dict)
        case ParameterType.ANY:
            return _anything(value)


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
    if isinstance(value, str):
        return int(value)
    raise ValueError


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, str)):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
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
    """Return what JSON gives back, so that the kernel and the ledger hold the same."""
    return json.loads(json.dumps(value, allow_nan=False))
