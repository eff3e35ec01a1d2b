"""Decodes the body of a request into the arguments of a function."""

from __future__ import annotations

import json
import math
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import msgspec

from jupyter_etl.serving.functions.answers import JSON, CallFailed, invalid_request
from jupyter_etl.serving.functions.encoding import encoded
from jupyter_etl.serving.functions.signature import Parameter, Signature
from jupyter_etl.serving.functions.wire_types import REQUIRED, pandas_type

ARROW = "application/vnd.apache.arrow.stream"
"""Media type of a table as an Arrow IPC stream."""

MAX_BODY_BYTES = 10_000_000
"""Maximum size of a request body, bytes."""

_WHERE = re.compile(r"(.*?)(?: - at `(?:key` in `)?(.*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_PATTERN = re.compile(r"Expected `str` matching regex .*")


class RequestDecoder:
    """Decodes request bodies of one function.

    Args:
        signature: Of the function; the classes in its annotations are resolved.
    """

    def __init__(self, signature: Signature) -> None:
        self._parameters = {one.name: one for one in signature.parameters}
        self._frames = [one for one in signature.parameters if _is_frame(one)]
        self._wire = msgspec.json.Decoder(signature.request)
        fields = [(one.name, one.annotation, _optional(one)) for one in signature.parameters]
        request = msgspec.defstruct(signature.name, fields, kw_only=True)
        self._request = msgspec.json.Decoder(request, dec_hook=_custom)

    def one(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Return the arguments of a call by name, without those left to their defaults.

        Raises:
            CallFailed: The body is not a valid request.
        """
        if _media_type(body, content_type) == JSON:
            check_json(body)
            return self._arguments(body, "$")
        if len(self._frames) != 1:
            raise _unsupported(content_type, f"this function accepts {JSON}")
        frame, *_ = self._frames
        for one in self._parameters.values():
            if one is not frame and one.default is REQUIRED:
                reason = "missing required field, which an Arrow body cannot have"
                raise invalid_request(f"$.{one.name}", reason)
        return {frame.name: _table(body).to_pandas()}

    def many(self, body: bytes, content_type: str) -> Iterator[dict[str, Any]]:
        """Yield the arguments of several calls: of an array of requests, or rows of a table.

        Raises:
            CallFailed: The body is not valid; the path begins with the index of the request.
        """
        if _media_type(body, content_type) == JSON:
            check_json(body)
            try:
                requests = msgspec.json.decode(body, type=list[msgspec.Raw])
            except msgspec.ValidationError as problem:
                raise invalid_request("$", "expected array of requests") from problem
            for index, one in enumerate(requests):
                yield self._arguments(bytes(one), f"$[{index}]")
            return
        if self._frames:
            raise _unsupported(
                content_type, "a table is sent to the function itself, not to /batch"
            )
        for index, row in enumerate(_table(body).to_pylist()):
            yield self._arguments(self._row(row, f"$[{index}]"), f"$[{index}]")

    def _row(self, row: Mapping[str, Any], path: str) -> bytes:
        """Return a row as JSON; null is left out where the parameter has a default."""
        parameters = self._parameters
        fields = {
            name: value
            for name, value in row.items()
            if value is not None or name not in parameters or parameters[name].default is REQUIRED
        }
        return encoded(fields, path, invalid_request)

    def _arguments(self, body: bytes, path: str) -> dict[str, Any]:
        try:
            self._wire.decode(body)
            request = self._request.decode(body)
        except msgspec.ValidationError as problem:
            raise _located(str(problem), path) from problem
        except (msgspec.DecodeError, RecursionError, UnicodeError) as problem:
            raise _invalid_json(str(problem)) from problem
        except Exception as problem:  # a constructor of the author's, or pandas
            raise invalid_request(path, f"{type(problem).__name__}: {problem}") from problem
        arguments = {name: getattr(request, name) for name in self._parameters}
        return {name: one for name, one in arguments.items() if one is not msgspec.UNSET}


def check_json(body: bytes) -> None:
    """Reject a body that is not JSON, or not the same JSON to every reader.

    Raises:
        CallFailed: It is not JSON in UTF-8, has NaN, a number beyond the range of a double or a
            duplicate key, or is nested too deeply.

    Source:
        RFC 8259 (JSON), RFC 7493 (I-JSON: unique names, numbers within the range of a double).
    """
    try:
        json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_finite,
        )
    except RecursionError as problem:
        raise _invalid_json("it is nested too deeply") from problem
    except ValueError as problem:
        raise _invalid_json(_reason(problem)) from problem


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice[:100]!r} is given twice")


def _constant(text: str) -> NoReturn:
    raise ValueError(f"JSON has no {text.removeprefix('-')}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is out of range")
    return number


def _reason(problem: ValueError) -> str:
    if isinstance(problem, json.JSONDecodeError):
        place = f"line {problem.lineno} column {problem.colno}"
        return f"{problem.msg[:1].lower()}{problem.msg[1:]} at {place}"
    if isinstance(problem, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(problem)


def _invalid_json(reason: str) -> CallFailed:
    return CallFailed(
        400,
        "InvalidJson",
        f"The body is not valid JSON: {reason}.",
        hint='Send an object with a field per parameter, such as {"age": 40}.',
    )


def _located(problem: str, base: str) -> CallFailed:
    """Return the failure of a message of msgspec, with the path of the field."""
    found = _WHERE.fullmatch(problem)
    message, where = (found[1], found[2] or "$") if found else (problem, "$")
    path = base + where.removeprefix("$")
    field = _FIELD.fullmatch(message)
    if field is not None:
        path = f"{path}.{field[2]}"
        message = "unknown field" if field[1] == "contains unknown" else "missing required field"
    message = _PATTERN.sub("expected decimal number", message).replace("`", "")
    return invalid_request(path, message[:1].lower() + message[1:])


def _media_type(body: bytes, content_type: str) -> str:
    """Return the kind of a body, `JSON` or `ARROW`.

    Raises:
        CallFailed: It is another one, or the body is too large.
    """
    if len(body) > MAX_BODY_BYTES:
        raise CallFailed(
            413,
            "RequestTooLarge",
            f"The body has {len(body):,} bytes; at most {MAX_BODY_BYTES:,} are allowed.",
            hint="Send several smaller requests.",
        )
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("", JSON) or (kind.startswith("application/") and kind.endswith("+json")):
        return JSON
    if kind == ARROW:
        return ARROW
    raise _unsupported(content_type, f"send {JSON} or {ARROW}")


def _unsupported(content_type: str, allowed: str) -> CallFailed:
    return CallFailed(
        415,
        "UnsupportedMediaType",
        f"The content type {content_type!r} is not supported here; {allowed}.",
        hint=f"Send the header Content-Type: {JSON}",
    )


def _table(body: bytes) -> Any:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(body) as stream:
            table = stream.read_all()
            table.validate(full=True)
            return table
    except Exception as problem:
        raise CallFailed(
            400,
            "InvalidArrow",
            "The body is not a valid Arrow IPC stream.",
            hint="Write it with pyarrow.ipc.new_stream.",
        ) from problem


def _is_frame(parameter: Parameter) -> bool:
    frame = pandas_type("DataFrame")
    inside = typing.get_args(parameter.annotation) or (parameter.annotation,)
    return frame in inside and set(inside) <= {frame, type(None)}


def _optional(parameter: Parameter) -> Any:
    if parameter.default is REQUIRED:
        return msgspec.field()
    return msgspec.field(default=msgspec.UNSET)


def _custom(annotation: Any, value: Any) -> Any:
    """Return an object of a type that msgspec does not know."""
    if annotation is pandas_type("DataFrame"):
        return annotation(value)
    return value
