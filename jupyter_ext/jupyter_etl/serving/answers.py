"""Comparison of the answers of two versions to the same request."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from jupyter_etl.serving.workers.protocol import Answer

_UNCOMPARED = frozenset({"version", "next"})
"""Fields of a query's answer that differ between versions in any case."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How two answers differ.

    Args:
        differs: Whether they differ at all.
        gap: The largest difference between two numbers at the same place; 0.0 without one.
    """

    differs: bool
    gap: float = 0.0


def compare_answers(one: Answer, other: Answer) -> Compared:
    """Compare two answers: their status, and their bodies as JSON where they are."""
    if one.status != other.status or one.content_type != other.content_type:
        return Compared(differs=True)
    if one.body == other.body:
        return Compared(differs=False)
    try:
        first, second = (_content(answer.body) for answer in (one, other))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Compared(differs=True)
    return Compared(differs=first != second, gap=_gap(first, second))


def _content(body: bytes) -> object:
    found = msgspec.json.decode(body)
    if isinstance(found, dict) and "rows" in found:
        return {name: value for name, value in found.items() if name not in _UNCOMPARED}
    return found


def _gap(one: object, other: object) -> float:
    match one, other:
        case bool(), _:
            return 0.0
        case ((int() | float()), (int() | float())):
            return abs(float(one) - float(other))
        case dict(), dict():
            return max((_gap(one[key], other[key]) for key in one if key in other), default=0.0)
        case list(), list():
            return max((_gap(*pair) for pair in zip(one, other, strict=False)), default=0.0)
        case _:
            return 0.0
