"""Freshness promises: ``warn 6h error 24h``."""

from __future__ import annotations

import re

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import format_duration, parse_duration
from jupyter_etl.model import Freshness

_LEVELS = re.compile(r"\b(warn|error)\b", re.IGNORECASE)
_FORMS = 'Write it like "warn 6h error 24h", "warn 6h" or "2h".'


def parse_freshness(text: str) -> Freshness:
    """Parse a promised age.

    Args:
        text: ``warn 6h error 24h``, one of the two alone, or ``2h`` (an error from then on).

    Raises:
        DeclarationError: It is not valid, or the warning comes after the error.
    """
    stripped = text.strip().strip(",")
    if not _LEVELS.search(stripped):
        return Freshness(error_s=_age(stripped, text))
    before, *rest = _LEVELS.split(stripped)
    levels = [level.lower() for level in rest[::2]]
    if before.strip() or len(set(levels)) != len(levels):
        raise DeclarationError(f"The freshness '{text}' is invalid.", hint=_FORMS)
    ages = {
        level: _age(age.strip(" ,:"), text) for level, age in zip(levels, rest[1::2], strict=True)
    }
    warn_s, error_s = ages.get("warn"), ages.get("error")
    if warn_s is not None and error_s is not None and warn_s >= error_s:
        raise DeclarationError(
            f"The freshness '{text}' warns at {format_duration(warn_s)}, after the error at "
            f"{format_duration(error_s)}.",
            hint="Use the smaller age for warn.",
        )
    return Freshness(warn_s=warn_s, error_s=error_s)


def _age(age: str, text: str) -> float:
    try:
        return parse_duration(age)
    except DeclarationError as problem:
        raise DeclarationError(
            f"The freshness '{text}' is invalid: {problem.message}", hint=_FORMS
        ) from None
