"""Why a run failed, in the lines that the command line and the magic show."""

from __future__ import annotations

from jupyter_etl.model import Run


def failure_lines(run: Run) -> list[str]:
    """Return the error with its cell, and whose fault it is; none for a run without an error."""
    lines = []
    if run.error:
        cell = "" if run.failed_cell is None else f"Cell {run.failed_cell + 1}: "
        lines.append(f"{cell}{run.error}")
    if run.verdict is not None:
        evidence = run.verdict.evidence
        first = " ".join((run.error.strip().splitlines() or [""])[0].split())
        if first and first in evidence:
            # The evidence ends with the error, which is the line above.
            evidence = f"{evidence.partition(': ')[0]}."
        lines.append(f"{run.verdict.kind}: {evidence}")
    return lines
