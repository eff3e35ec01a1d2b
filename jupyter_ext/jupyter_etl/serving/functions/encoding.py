"""Encodes the result of a function as JSON."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from jupyter_etl.serving.functions.answers import CallFailed, function_failed

Failure = Callable[[str, str], CallFailed]
"""Returns the failure for a JSON path and a reason."""

_ATOMS = frozenset({str, int, bool, type(None)})
_MISSING = frozenset({"NaTType", "NAType"})


class ResultEncoder:
    """Encodes results of one function.

    Args:
        result: Wire type that every result must have.
    """

    def __init__(self, result: Any) -> None:
        self._check = None if result is Any else msgspec.json.Decoder(result)

    def body(self, results: Any) -> bytes:
        """Return the body of the answer: ``{"result": ...}``.

        Raises:
            CallFailed: The result has no JSON, or is not of the annotated type.
        """
        return b'{"result":' + self.one(results, "$") + b"}"

    def bodies(self, results: Collection[Any]) -> bytes:
        """Return the body for the results of several calls, in order."""
        every = [self.one(one, f"$[{index}]") for index, one in enumerate(results)]
        return b'{"result":[' + b",".join(every) + b"]}"

    def one(self, result: Any, path: str) -> bytes:
        """Return the JSON of a result.

        Raises:
            CallFailed: It has none, or is not of the annotated type.
        """
        body = encoded(result, path, invalid_result)
        if self._check is not None:
            try:
                self._check.decode(body)
            except msgspec.ValidationError as problem:
                reason = str(problem).replace("`", "").replace("at $", f"at {path}")
                raise function_failed(
                    "The result is not of the type that the function is annotated with: "
                    f"{reason[:1].lower()}{reason[1:]}.",
                    hint="Change what the function returns, or its annotation.",
                ) from problem
        return body


def invalid_result(path: str, reason: str) -> CallFailed:
    """Return the failure for a result without JSON."""
    where = "" if path == "$" else f" at {path}"
    hint = "Return numbers, text, lists and dicts; None for what is missing."
    return function_failed(f"The result{where} {reason}.", path=path, hint=hint)


def encoded(value: Any, path: str, failure: Failure) -> bytes:
    """Return a value as JSON.

    Frames become arrays of objects, series and arrays become arrays; indexes are left out. What is
    missing in an object of pandas is null.

    Args:
        path: JSON path of the value, for messages.
        failure: Makes the exception for a value that has no JSON.

    Raises:
        CallFailed: Made by ``failure``.
    """
    try:
        return msgspec.json.encode(_plain(value, path, failure))
    except RecursionError as problem:
        raise failure(path, "is nested too deeply or contains itself") from problem
    except UnicodeEncodeError as problem:
        raise failure(path, "has text that is not valid Unicode") from problem


def _plain(value: Any, path: str, failure: Failure) -> Any:
    """Return a value as JSON's own types."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is float or isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise failure(path, f"is {_not_finite(value)}, which JSON does not have")
    if isinstance(value, Decimal):
        if value.is_finite():
            return str(value)
        raise failure(path, f"is {_not_finite(value)}, which JSON does not have")
    if isinstance(value, Mapping):
        return _object(value, path, failure)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one, f"{path}[{at}]", failure) for at, one in enumerate(value)]
    if isinstance(value, Enum):
        return _plain(value.value, path, failure)
    if isinstance(value, str | int):
        return str(value) if isinstance(value, str) else int(value)
    return _other(value, path, failure)


def _object(value: Mapping[Any, Any], path: str, failure: Failure) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, one in value.items():
        name = key if type(key) is str else _key(key, path, failure)
        if name in fields:
            raise failure(path, f"has the key {name!r} twice")
        fields[name] = _plain(one, f"{path}.{name}", failure)
    return fields


def _key(key: Any, path: str, failure: Failure) -> str:
    plain = _plain(key, path, failure)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if plain is None:
        return "null"
    if isinstance(plain, str | int | float):
        return str(plain)
    raise failure(path, f"has a key of type {type(key).__name__}; a key is text or a number")


def _other(value: Any, path: str, failure: Failure) -> Any:
    """Return an object of NumPy, pandas, or a class as JSON's own types."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return _plain(_of_numpy(value, numpy), path, failure)
    if pandas is not None:
        if type(value).__name__ in _MISSING:
            return None
        if isinstance(value, pandas.DataFrame):
            if not value.columns.is_unique:
                raise failure(path, "is a frame with two columns of one name")
            records = value.astype(object).where(value.notna(), None).to_dict("records")
            return _plain(records, path, failure)
        if isinstance(value, pandas.Series | pandas.Index | pandas.api.extensions.ExtensionArray):
            objects = pandas.Series(value, dtype=object)
            return _plain(objects.where(objects.notna(), None).tolist(), path, failure)
        if isinstance(value, pandas.Timestamp | pandas.Period):
            return value.isoformat() if isinstance(value, pandas.Timestamp) else str(value)
        if isinstance(value, pandas.Timedelta):
            return value.isoformat()
    rows = _rows_of(value)
    if rows is not None:
        return _plain(rows, path, failure)
    if isinstance(value, Collection) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(one, f"{path}[{at}]", failure) for at, one in enumerate(value)]
    return _of_class(value, path, failure)


def _rows_of(value: Any) -> list[Any] | None:
    """Return the rows or values of an object of polars or Arrow; None if it is none of these."""
    polars, arrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
    if polars is not None and isinstance(value, polars.DataFrame):
        return list(value.to_dicts())
    if polars is not None and isinstance(value, polars.Series):
        return list(value.to_list())
    if arrow is not None and isinstance(value, arrow.Table | arrow.Array | arrow.ChunkedArray):
        return list(value.to_pylist())
    return None


def _of_numpy(value: Any, numpy: Any) -> Any:
    if value.dtype.kind in "mM":
        # item() of nanoseconds is a number; pandas keeps what they are.
        if value.ndim:
            return [_of_numpy(one, numpy) for one in value]
        if numpy.isnat(value):
            return None
        return value.astype(
            "datetime64[us]" if value.dtype.kind == "M" else "timedelta64[us]"
        ).item()
    return value.tolist()


def _of_class(value: Any, path: str, failure: Failure) -> Any:
    """Return a dataclass, struct, time, UUID or bytes as JSON's own types."""

    def inside(one: Any) -> Any:
        if one is value:
            raise failure(path, f"is an object of type {type(value).__name__}, which has no JSON")
        return _plain(one, path, failure)

    return _plain(msgspec.to_builtins(value, str_keys=True, enc_hook=inside), path, failure)


def _not_finite(value: float | Decimal) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
