"""Conversion of notebook values to plain Python, without importing their packages."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from jupyter_etl.errors import DeclarationError

_SCALARS = (str, bytes, bool, int, float, Decimal, datetime, date, time, timedelta)


def plain_value(value: object, *, name: str) -> object:
    """Convert a value to one that every driver can bind.

    Args:
        value: A Python, numpy or pandas scalar, or a flat list, tuple, set, array or series.

    Returns:
        None, str, bytes, bool, int, float, Decimal, date, datetime, time, timedelta, or a list of
        elements. NaT and NA are None.

    Raises:
        DeclarationError: It has another type, or nanoseconds; a frame has its own hint.
    """
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [_scalar(element, name) for element in value]
    package = type(value).__module__.partition(".")[0]
    if package in ("numpy", "pandas") and type(value).__name__ in _SEQUENCES:
        return [_scalar(element, name) for element in _elements(value)]
    return _scalar(value, name)


_SEQUENCES = (
    "ndarray", "Series", "Index", "DatetimeIndex", "TimedeltaIndex", "RangeIndex",
    "CategoricalIndex", "Categorical",
)  # fmt: skip


def _elements(value: Any) -> list[object]:
    # As a Python list, an array of nanoseconds would contain integers.
    return [value.item()] if getattr(value, "ndim", 1) == 0 else list(value)


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
        return _numpy_time(value, name)
    plain = value.item()
    if isinstance(plain, _SCALARS):
        return plain
    raise _refused(value, name)


def _numpy_time(value: Any, name: str) -> object:
    """Convert a numpy time of any unit to Python's, if that is exact."""
    kind = type(value).__name__
    try:
        micro = value.astype(f"{kind}[us]")
        same = micro == value or micro != micro
    except TypeError as problem:
        # Months have no fixed length.
        raise _refused(value, name) from problem
    if not same:
        raise _too_fine(value, name)
    plain = micro.item()
    if isinstance(plain, int):
        raise _refused(value, name)
    return plain


def _pandas_scalar(value: Any, name: str) -> object:
    match type(value).__name__:
        case "NaTType" | "NAType":
            return None
        case "Timestamp" if value.nanosecond:
            raise _too_fine(value, name)
        case "Timedelta" if value.nanoseconds:
            raise _too_fine(value, name)
        case "Timestamp":
            return value.to_pydatetime()
        case "Timedelta":
            return value.to_pytimedelta()
        case _:
            raise _refused(value, name)


def _too_fine(value: object, name: str) -> DeclarationError:
    return DeclarationError(
        f"{{{{{name}}}}} is {value}, with nanoseconds; bound values have at most microseconds.",
        hint=f"Round it first: pd.Timestamp({name}).floor('us').",
    )


def _refused(value: object, name: str) -> DeclarationError:
    kind = type(value).__name__
    if kind in ("DataFrame", "Table", "RecordBatch", "LazyFrame"):
        return DeclarationError(
            f"{{{{{name}}}}} is a {kind}, not a value.",
            hint=f"Use it in %%etl sql local as a table, without the braces: {name}. For a list "
            f"of its values, set ids = {name}['id'].tolist() and write {{{{ids}}}}.",
        )
    return DeclarationError(
        f"{{{{{name}}}}} is a {kind}, which cannot be bound to SQL.",
        hint="Bind a text, number, date, or a flat list of them.",
    )
