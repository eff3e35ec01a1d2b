"""The answers to requests of a kernel: one JSON object per line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jupyter_etl.errors import EtlError

MAX_LINE_BYTES = 32 * 1024 * 1024
"""Maximum length of a line: results of checks and lists of sources are far smaller."""


class Refusal(msgspec.Struct):
    """An error that is sent to the kernel.

    Args:
        type: Name of a class of `jupyter_etl.errors`.
        message, hint, retryable, data: Fields of the error.
    """

    type: str
    message: str
    hint: str = ""
    retryable: bool = False
    data: dict[str, Any] = {}


class Answer(msgspec.Struct):
    """The runner's answer: a value, or an error.

    Args:
        ok: The value, if ``error`` is None.
        error: The error; None on success.
    """

    ok: Any = None
    error: Refusal | None = None


def refusal_of(problem: EtlError) -> Refusal:
    """Convert an error to its message form."""
    return Refusal(
        type=type(problem).__name__,
        message=problem.message,
        hint=problem.hint,
        retryable=problem.retryable,
        data=_plain(problem.data),
    )


def error_of(refusal: Refusal) -> EtlError:
    """Convert the message form back to an error of its class."""
    known = {cls.__name__: cls for cls in EtlError.__subclasses__()}
    return known.get(refusal.type, EtlError)(
        refusal.message, hint=refusal.hint, retryable=refusal.retryable, data=refusal.data
    )


def _plain(data: Mapping[str, object]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(dict(data), enc_hook=str)
    return plain
