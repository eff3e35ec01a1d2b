"""What a request may say: bodies and arguments, checked before anything is done."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.numbers import MOST_ID, OF_POLICIES, Range, check_numbers

MAX_BODY_BYTES = 1_000_000

_FIELD = re.compile(r"at `\$\.(\w+)`")
_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)

Text = Annotated[str, msgspec.Meta(max_length=2_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]
Patterns = Annotated[tuple[Text, ...], msgspec.Meta(max_length=100)]
Values = dict[str, object]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that needs none."""


class ScheduleText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule as somebody types it."""

    when: Text = ""
    timezone: Text | None = None
    after: Names = ()
    after_all: bool = False


class Deploy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notebook to deploy; ``notebook`` is a contents path.

    What a deployed pipeline has stays where a field is left out, null, empty or false; ``reset`` and
    ``on_demand`` take it away. ``timeout`` is the text of a duration, ``timeout_s`` the same in
    seconds.
    """

    notebook: Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)]
    when: Text = ""
    timezone: Text | None = None
    name: Name | None = None
    parameters: Values = {}
    retries: int | None = None
    timeout_s: float | None = None
    timeout: Text | None = None
    catchup: Text | None = None
    overlap: Text | None = None
    on_lost: Text | None = None
    priority: int | None = None
    memory_bytes: int | None = None
    checkpoint: bool = False
    cold: bool = False
    owner: Name | None = None
    after: Names = ()
    after_all: bool = False
    on_demand: bool = False
    reset: Names = ()
    expect: bool = False
    shared: bool = False
    include: Patterns = ()
    anyway: bool = False

    def __post_init__(self) -> None:
        check_numbers(
            retries=self.retries,
            timeout_s=self.timeout_s,
            priority=self.priority,
            memory_bytes=self.memory_bytes,
        )
        if self.timeout and self.timeout_s is not None:
            raise DeclarationError(
                f"Both timeout ({self.timeout}) and timeout_s ({self.timeout_s:g}) are given.",
                hint="Keep one of them.",
                data={"field": "timeout"},
            )
        _ = self.limit_s

    @property
    def limit_s(self) -> float | None:
        """The time limit in seconds; raises `DeclarationError` where its text cannot be read."""
        if not self.timeout or not self.timeout.strip():
            return self.timeout_s
        try:
            return parse_duration(self.timeout, bare_seconds=True)
        except DeclarationError as problem:
            raise DeclarationError(
                problem.message, hint=problem.hint, data={"field": "timeout"}
            ) from None


class Relink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a notebook is now, as a contents path; without one it is looked for."""

    notebook: Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)] | None = None


class Retry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is made once more."""

    from_failed_cell: bool = False


class Rollback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version to go back to: by default the one before the live one."""

    to: Annotated[int, msgspec.Meta(ge=1, le=MOST_ID)] | None = None
    keep_watermarks: bool = False


class WatermarkReset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The watermark to start from the first row again."""

    table: Name
    since: Name


class Trigger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one run differs from those of the schedule."""

    parameters: Values = {}
    draft: bool = False


def parse_body(body: bytes, kind: type[_T]) -> _T:
    """Check the body of a request.

    Args:
        body: JSON text; empty for an empty object.
        kind: What it must be.

    Raises:
        DeclarationError: It is no JSON, lacks a field, has an unknown one or one of a wrong type.
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
    """Read a whole number out of the query string.

    Raises:
        DeclarationError: It is no number, or outside ``low`` to ``high``.
    """
    if not text:
        return default
    return Range(name=name, least=low, most=high).parse(text)


def parse_flag(name: str, text: str) -> bool:
    """Read a yes or no out of the query string; raises `DeclarationError`."""
    if text in {"", "0", "false"}:
        return False
    if text in {"1", "true"}:
        return True
    raise DeclarationError(f"{name} is {text!r}; it must be true or false.")


def parse_choices(name: str, texts: list[str], kind: type[_E]) -> tuple[_E, ...]:
    """Read members of an enumeration, repeated or separated by commas; raises `DeclarationError`."""
    words = [word for text in texts for word in text.split(",") if word]
    try:
        return tuple(kind(word) for word in words)
    except ValueError:
        allowed = ", ".join(member.value for member in kind)
        said = ",".join(words)
        raise DeclarationError(f"{name} is {said!r}; it must be one of: {allowed}.") from None
