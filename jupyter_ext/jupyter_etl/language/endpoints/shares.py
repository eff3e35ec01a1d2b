"""Shares of the calls of an endpoint, as text."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.numbers import MOST_ID, read_decimal


def parse_share(text: str) -> float:
    """Parse a percentage: ``10%`` or ``10`` is 0.1.

    Raises:
        DeclarationError: It is not a number from 0 to 100.
    """
    percent = read_decimal(text.strip().removesuffix("%").strip())
    if percent is None or not 0 <= percent <= 100:
        raise DeclarationError(
            f"The share is {text!r}; it must be a percentage from 0% to 100%.", hint="Write 10%."
        )
    return float(percent / 100)


def parse_split(given: Mapping[str, str]) -> dict[int, float]:
    """Parse the shares of versions: ``1=50 2=50``.

    Raises:
        DeclarationError: A version is not a number, or a share is not a percentage.
    """
    shares = {}
    for version, share in given.items():
        if not version.isdecimal() or not 1 <= int(version) <= MOST_ID:
            raise DeclarationError(
                f"{version!r} is not the number of a version.", hint="Write VERSION=PERCENT: 1=50"
            )
        shares[int(version)] = parse_share(share)
    return shares


def format_share(share: float) -> str:
    """Return a share as text: ``10%``."""
    return f"{100 * share:.4g}%"
