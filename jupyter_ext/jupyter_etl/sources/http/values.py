"""Paging values of responses, in the notations of different servers."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(>?)\s*([0-9]{1,18})")


def alone(value: object) -> object:
    """Unpack a value from a list of one, as R writes it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def is_none(value: object) -> bool:
    """Return whether a link or cursor is empty."""
    return value in (None, "", 0, "0", False, [], {}, -1, "null", "nil", "None")


def is_url(text: str) -> bool:
    """Return whether a text is an absolute or relative URL."""
    return text.startswith(("/", "?")) or "://" in text or ("?" in text and "=" in text)


def read_number(value: object) -> int | None:
    """Parse an integer; None for anything else."""
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value.strip())):
        # A total of ">100" is at least 101.
        return int(found[2]) + len(found[1])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_truth(value: object) -> bool | None:
    """Parse a flag; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
