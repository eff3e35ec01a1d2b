"""What preflight has to say about one place of a notebook."""

from __future__ import annotations

from dataclasses import dataclass

ORDER = ("error", "warning", "info")
"""Severities, the worst first: fails in a run, may surprise in a run, worth knowing."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that would go wrong, or may.

    Args:
        severity: ``error``, ``warning`` or ``info``.
        cell: Index of the cell, 0-based over all cells; None for the whole.
        message: One sentence; cells are counted from 1 there.
        hint: The next step.
    """

    severity: str
    cell: int | None
    message: str
    hint: str = ""
