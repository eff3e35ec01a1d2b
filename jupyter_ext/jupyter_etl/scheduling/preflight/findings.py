"""Findings of preflight, each about one place of a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

ORDER = ("error", "warning", "info")
"""Severities, the worst first: fails in a run, may behave unexpectedly, informational."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A problem, a possible problem or a note.

    Args:
        severity: ``error``, ``warning`` or ``info``.
        cell: Index of the cell, 0-based over all cells; None for the notebook as a whole.
        message: One sentence; it counts cells from 1.
        hint: The next step.
        kind: The topic: ``kernel``, ``syntax``, ``name``, ``import``, ``file``, ``source``,
            ``table``, ``check``, ``publish``, ``schedule``, ``command``, ``secret``,
            ``undeclared``, ``unchecked``; "" for anything else.
        unchecked: Indices of the cells that could not be checked, or only in part.
    """

    severity: str
    cell: int | None
    message: str
    hint: str = ""
    kind: str = field(default="", compare=False)
    unchecked: tuple[int, ...] = field(default=(), compare=False)


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that prevent a deployment."""
    return [one for one in findings if one.severity == "error"]


def summarize(findings: Iterable[Finding]) -> str:
    """Summarize findings in one line, with the number of cells that could not be checked."""
    every = list(findings)
    counts = [
        _counted(sum(one.severity == severity for one in every), noun)
        for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "note"))
    ]
    unchecked = {cell for one in every for cell in one.unchecked}
    if not every:
        return "No problems found."
    listing = ", ".join(filter(None, counts))
    rest = f"; {_counted(len(unchecked), 'cell')} could not be checked" if unchecked else ""
    return f"{listing}{rest}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
