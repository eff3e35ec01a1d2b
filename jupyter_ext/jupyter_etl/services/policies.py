"""The policy of a pipeline, from what somebody gave."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.numbers import check_numbers
from jupyter_etl.model import Catchup, OnLost, Overlap, Policy

_T = TypeVar("_T", bound=StrEnum)


def make_policy(
    kept: Policy,
    *,
    retries: int | None = None,
    timeout_s: float | None = None,
    catchup: str | None = None,
    overlap: str | None = None,
    on_lost: str | None = None,
    priority: int | None = None,
    memory_bytes: int | None = None,
    checkpoint: bool = False,
    cold: bool = False,
    shared: bool = False,
) -> Policy:
    """Return a policy with these values, and the kept one's where none is given.

    Args:
        kept: What counts where a value is None, or a flag is not set.
        retries, timeout_s, catchup, overlap, on_lost, priority, memory_bytes, checkpoint: As on
            `Policy`.
        cold: The opposite of ``warm``.
        shared: As on `Policy`.

    Raises:
        DeclarationError: A value is out of range or none of its choices.
    """
    check_numbers(
        retries=retries, timeout_s=timeout_s, priority=priority, memory_bytes=memory_bytes
    )
    return replace(
        kept,
        retries=kept.retries if retries is None else retries,
        timeout_s=kept.timeout_s if timeout_s is None else timeout_s,
        catchup=_choice(Catchup, catchup, kept.catchup, "catchup"),
        overlap=_choice(Overlap, overlap, kept.overlap, "overlap"),
        on_lost=_choice(OnLost, on_lost, kept.on_lost, "on_lost"),
        priority=kept.priority if priority is None else priority,
        memory_bytes=kept.memory_bytes if memory_bytes is None else memory_bytes,
        checkpoint=checkpoint or kept.checkpoint,
        warm=kept.warm and not cold,
        shared=shared or kept.shared,
    )


def _choice(kind: type[_T], text: str | None, default: _T, what: str) -> _T:
    if text is None:
        return default
    try:
        return kind(text)
    except ValueError:
        allowed = ", ".join(member.value for member in kind)
        raise DeclarationError(f"{what} is {text!r}; it must be one of: {allowed}.") from None
