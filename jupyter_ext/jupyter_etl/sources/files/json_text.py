"""JSON text as Python values: numbers keep their exact value."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jupyter_etl.errors import DeclarationError

_SHORT = 16
"""A number with this many characters has at most 15 digits, which every double preserves.

Source: IEEE 754, 5.12.2.
"""

_MOST_SHOWN = 60


class Numeral(str):
    """A number as written in the document."""

    __slots__ = ()


def parse_json(text: bytes | str, *, written: bool = False, encoding: str = "") -> Any:
    """Parse a document.

    A number with a fraction is a float if that represents every digit written, else a decimal.

    Args:
        text: Bytes in ``encoding``; without one, UTF-8, UTF-16 or UTF-32, with or without a
            byte order mark.
        written: Whether to return numbers as `Numeral`; `exact` converts them.
        encoding: From `json_encoding`.

    Raises:
        ValueError: It is not JSON, or a name occurs twice in one object.
    """
    decoder = _WRITTEN if written else _EXACT
    try:
        if isinstance(text, bytes):
            text = text.decode(encoding or encoding_of(text))
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply") from None


def exact(value: Any) -> Any:
    """Convert the numerals in a value to numbers, as `parse_json` does."""
    kind = type(value)
    if kind is Numeral:
        return int(value) if value.lstrip("-").isdecimal() else _fraction(value)
    if kind is dict:
        return {name: exact(inner) for name, inner in value.items()}
    return [exact(inner) for inner in value] if kind is list else value


def as_written(value: Any) -> str | None:
    """Return a string unchanged, anything else as JSON with its numbers as written.

    Args:
        value: From `parse_json` with ``written``; None gives None.
    """
    return value if value is None or type(value) is str else _json(value)


def shown(value: object) -> str:
    """Return a value as JSON, shortened for a message."""
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def json_encoding(options: Mapping[str, str]) -> str:
    """Return the encoding that the options of a source declare; "" to detect it.

    Raises:
        DeclarationError: There is no such encoding.
    """
    encoding = options.get("encoding", "")
    try:
        return codecs.lookup(encoding).name if encoding else ""
    except LookupError:
        raise DeclarationError(
            f"The option encoding is '{encoding}', which is not a known encoding.",
            hint="For example encoding=utf-8, latin-1, windows-1252 or mac-roman.",
        ) from None


def why_not_json(problem: ValueError) -> str:
    """Return the next step after an error of `parse_json`; "" if there is none.

    Args:
        problem: The exception.
    """
    if isinstance(problem, UnicodeDecodeError):
        return (
            "Declare its encoding: --option encoding=windows-1252, latin-1 or mac-roman; or save "
            "it as UTF-8."
        )
    if "number" in str(problem) or "integer string" in str(problem):
        return "Declare its column as text: --option type.NAME=text."
    if isinstance(problem, json.JSONDecodeError):
        rest = problem.doc[problem.pos : problem.pos + 1]
        if problem.msg == "Extra data" and rest in {"{", "["}:
            return "It has one record per line: declare it with --kind jsonl."
    return ""


def encoding_of(head: bytes) -> str:
    """Return the encoding of JSON by its first bytes.

    Args:
        head: At least four bytes, unless the text is shorter.

    Source: RFC 4627, 3.
    """
    return json.detect_encoding(head)


def _fraction(text: str) -> float | Decimal:
    value = float(text)
    # Smaller doubles have fewer digits.
    if len(text) <= _SHORT and (1e-300 < value < 1e300 or -1e300 < value < -1e-300):
        return value
    if repr(value) == text or not any(sign.isdecimal() for sign in text):
        return value
    try:
        written = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"the number {text[:_MOST_SHOWN]} has too large an exponent") from None
    return value if math.isfinite(value) and Decimal(repr(value)) == written else written


def _whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {shown(twice)} occurs twice in one object: {shown(made)}")
    return made


def _json(value: Any) -> str:
    kind = type(value)
    if kind is Numeral:
        return str(value)
    if kind is dict:
        inside = (f"{_quoted(name)}: {_json(inner)}" for name, inner in value.items())
        return f"{{{', '.join(inside)}}}"
    if kind is list:
        return f"[{', '.join(map(_json, value))}]"
    return _quoted(value)


def _quoted(value: str | bool | None) -> str:
    return json.dumps(value, ensure_ascii=False)


_EXACT = json.JSONDecoder(parse_float=_fraction, object_pairs_hook=_whole)
_WRITTEN = json.JSONDecoder(
    parse_float=Numeral, parse_int=Numeral, parse_constant=Numeral, object_pairs_hook=_whole
)
