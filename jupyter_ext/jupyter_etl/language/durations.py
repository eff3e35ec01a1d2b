"""Durations: ``1h30m`` and ``1 h 30 min``."""

from __future__ import annotations

import re
from decimal import Decimal

from jupyter_etl.errors import DeclarationError

MAX_S = 36_600 * 86_400.0
"""Maximum duration: about a century, in seconds."""

_UNITS = (("d", 86_400, "d"), ("h", 3_600, "h"), ("m", 60, "min"), ("s", 1, "s"))
_ENCODINGS: dict[str, int | Decimal] = {
    "w": 604_800, "week": 604_800, "weeks": 604_800,
    "d": 86_400, "day": 86_400, "days": 86_400,
    "h": 3_600, "hr": 3_600, "hrs": 3_600, "hour": 3_600, "hours": 3_600,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "ms": Decimal("0.001"),
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_FORMS = "Write it like 90s, 15m, 1h30m, 1.5h or 2d."


def parse_duration(text: str, *, bare_seconds: bool = False) -> float:
    """Parse a duration.

    Args:
        text: ``90s``, ``15m``, ``1h30m``, ``1.5h``, ``2d``, ``1 h 30 min``.
        bare_seconds: Whether a number without a unit means seconds.

    Returns:
        Seconds, above 0.

    Raises:
        DeclarationError: It is not valid, is 0 or is longer than a century.
    """
    stripped = text.strip()
    bare = bare_seconds and _NUMBER.fullmatch(stripped)
    total = Decimal(stripped) if bare else _total(stripped)
    if not 0 < total <= MAX_S:
        size = "longer than zero" if total <= 0 else "at most 36600d"
        raise DeclarationError(f"The duration '{text}' must be {size}.", hint=_FORMS)
    return float(total)


def _total(text: str) -> Decimal:
    total, position = Decimal(0), 0
    while found := _PART.match(text, position):
        unit = _ENCODINGS.get(found[2].lower())
        if unit is None:
            raise DeclarationError(f"'{found[2]}' in '{text}' is not a unit of time.", hint=_FORMS)
        total += Decimal(found[1]) * unit
        position = found.end()
    if position == 0 or position != len(text):
        raise DeclarationError(f"The duration '{text}' is invalid.", hint=_FORMS)
    return total


def format_duration(seconds: float) -> str:
    """Format a duration in its largest units; `parse_duration` accepts the result.

    Args:
        seconds: At least 0; rounded to milliseconds.

    Returns:
        ``1 h 30 min``, ``2 d``, ``0.25 s``.
    """
    rest = round(Decimal(repr(seconds)), 3)
    parts = []
    for _, size, label in _UNITS[:-1]:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count:f} {label}")
    if rest or not parts:
        parts.append(f"{rest.normalize():f} s")
    return " ".join(parts)


def rounded_duration(seconds: float) -> str:
    """Return a measured length of time: ``0.42 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"
