"""Bodies and arguments of requests, and their validation."""

from __future__ import annotations

import re
from enum import Enum
from typing import TypeVar

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.common import Names, Text
from jupyter_etl.language.numbers import OF_POLICIES, Range

MAX_BODY_BYTES = 1_000_000

_FIELD = re.compile(r"at `\$\.(\w+)`")
_T = TypeVar("_T")
_E = TypeVar("_E", bound=Enum)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request without fields."""


class ScheduleText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule as entered by a user."""

    when: Text = ""
    timezone: Text | None = None
    after: Names = ()
    after_all: bool = False


def parse_body(body: bytes, kind: type[_T]) -> _T:
    """Validate the body of a request.

    Args:
        body: JSON text; empty for an empty object.
        kind: Type of the body.

    Raises:
        DeclarationError: It is not JSON, lacks a field, or has an unknown field or one of a wrong
            type.
    """
    if len(body) > MAX_BODY_BYTES:
        raise DeclarationError(
            f"The body has {len(body):,} bytes; at most {MAX_BODY_BYTES:,} are allowed."
        )
    try:
        return msgspec.json.decode(body.strip() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        said = str(problem) or "it is nested too deeply"
        found = _FIELD.search(said)
        field = found[1] if found else ""
        hint = "See openapi.yaml for the fields of each route."
        if field in OF_POLICIES:
            hint = f"{field} must be {OF_POLICIES[field].words}."
        raise DeclarationError(
            f"The body of the request is invalid: {said}.",
            hint=hint,
            data={"field": field} if field else {},
        ) from None


def parse_number(name: str, text: str, *, default: int, low: int, high: int) -> int:
    """Parse an integer of the query string.

    Raises:
        DeclarationError: It is not an integer, or outside ``low`` to ``high``.
    """
    if not text:
        return default
    return Range(name=name, least=low, most=high).parse(text)


def parse_flag(name: str, text: str) -> bool:
    """Parse a boolean of the query string; raises `DeclarationError`."""
    if text in {"", "0", "false"}:
        return False
    if text in {"1", "true"}:
        return True
    raise DeclarationError(f"{name} is {text!r}; it must be true or false.")


def parse_choice(name: str, text: str, kind: type[_E]) -> _E:
    """Parse a member of an enumeration; raises `DeclarationError`."""
    try:
        return kind(text)
    except ValueError:
        allowed = ", ".join(str(member.value) for member in kind)
        raise DeclarationError(f"{name} is {text!r}; it must be one of: {allowed}.") from None


def parse_choices(name: str, texts: list[str], kind: type[_E]) -> tuple[_E, ...]:
    """Parse repeated or comma-separated members of an enumeration; raises `DeclarationError`."""
    words = [word for text in texts for word in text.split(",") if word]
    return tuple(parse_choice(name, word, kind) for word in words)
