"""Amounts of memory and disk: ``2GB`` and ``2 GB``."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from jupyter_etl.errors import DeclarationError

MAX_BYTES = 10**18
"""Maximum amount, bytes."""

_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_ENCODINGS = {
    "": 1, "b": 1,
    "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9,
    "t": 10**12, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)
_FORMS = "Write it like 2GB, 512MB or 1.5GiB."


def parse_size(text: str) -> int:
    """Parse an amount of memory or disk.

    Args:
        text: ``2GB``, ``512 MB``, ``1.5GiB``; a number without a unit is bytes.

    Returns:
        Bytes, at least 1.

    Raises:
        DeclarationError: It is not valid, is zero, or is unrealistically large.

    Source:
        IEC 80000-13: k, M, G, T are powers of 1000; Ki, Mi, Gi, Ti powers of 1024.
    """
    found = _SIZE.fullmatch(text.strip())
    unit = None if found is None else _ENCODINGS.get(found[2].lower())
    if found is None or unit is None:
        raise DeclarationError(f"'{text}' is not a size.", hint=_FORMS)
    size = int(Decimal(found[1]) * unit)
    if not 1 <= size <= MAX_BYTES:
        raise DeclarationError(
            f"'{text}' must be at least one byte and at most 1,000,000 TB.", hint=_FORMS
        )
    return size


def rounded_size(size_bytes: int) -> str:
    """Return an amount to three significant digits: ``2.14 GB``, ``61.2 MB``, ``17 B``."""
    if size_bytes <= 0:
        return "0 B"
    places = 2 - math.floor(math.log10(size_bytes))
    return format_size(int(round(size_bytes, min(places, 0))))


def format_size(size_bytes: int) -> str:
    """Format an amount in its largest unit, exactly; `parse_size` accepts the result.

    Args:
        size_bytes: At least 0.

    Returns:
        ``2 GB``, ``1.5 GB``, ``512 MB``, ``17 B``; with as many decimals as necessary.
    """
    for label, unit in _UNITS:
        if size_bytes >= unit:
            return f"{Decimal(size_bytes) / unit:f} {label}"
    return f"{size_bytes} B"
