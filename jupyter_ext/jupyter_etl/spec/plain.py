"""Values of notebooks as plain Python, without importing what they come from."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from jupyter_etl.errors import DeclarationError

_SCALARS = (str, bytes, bool, int, float, Decimal, datetime, date, time, timedelta)


def plain_value(value: object, *, name: str) -> object:
    """Turn a value into one that every driver binds.

    Args:
        value: A Python, numpy or pandas scalar, or a flat list, tuple, set, array or series.
        name: Of the variable, for the message.

    Returns:
        None, str, bytes, bool, int, float, Decimal, date, datetime, time, timedelta, or a list of
        them. NaT and NA are None; nanoseconds are cut to microseconds.

    Raises:
        DeclarationError: It is something else; a frame has its own hint.
    """
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [_scalar(element, name) for element in value]
    package = type(value).__module__.partition(".")[0]
    if package in ("numpy", "pandas") and type(value).__name__ in _SEQUENCES:
        return [_scalar(element, name) for element in _elements(value)]
    return _scalar(value, name)


_SEQUENCES = ("ndarray", "Series", "Index", "DatetimeIndex", "RangeIndex", "Categorical")


def _elements(value: Any) -> list[object]:
    elements = value.tolist()
    return elements if isinstance(elements, list) else [elements]


def _scalar(value: object, name: str) -> object:
    package = type(value).__module__.partition(".")[0]
    if package == "numpy":
        return _numpy_scalar(value, name)
    if package == "pandas":
        return _pandas_scalar(value, name)
    if isinstance(value, Enum):
        return _scalar(value.value, name)
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, _SCALARS):
        return value
    raise _refused(value, name)


def _numpy_scalar(value: Any, name: str) -> object:
    kind = type(value).__name__
    if kind in ("ndarray", "void"):
        raise _refused(value, name)
    if kind in ("datetime64", "timedelta64"):
        return value.astype(f"{kind}[us]").item()
    plain = value.item()
    return plain if isinstance(plain, _SCALARS) else _scalar(plain, name)


def _pandas_scalar(value: Any, name: str) -> object:
    match type(value).__name__:
        case "NaTType" | "NAType":
            return None
        case "Timestamp":
            return value.to_pydatetime(warn=False)
        case "Timedelta":
            return value.to_pytimedelta()
        case _:
            raise _refused(value, name)


def _refused(value: object, name: str) -> DeclarationError:
    kind = type(value).__name__
    if kind in ("DataFrame", "Table", "RecordBatch", "LazyFrame"):
        return DeclarationError(
            f"{{{{{name}}}}} is a {kind}, which is no value.",
            hint=f"Name it in %%etl sql local as a table, without the braces: {name}. "
            f"For a list of its values set ids = {name}['id'].tolist() and write {{{{ids}}}}.",
        )
    return DeclarationError(
        f"{{{{{name}}}}} is a {kind}, which cannot be bound to SQL.",
        hint="Bind a text, number, date, or a flat list of them.",
    )
