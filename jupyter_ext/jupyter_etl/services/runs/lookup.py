"""Lookup of runs, and descriptions of their failures."""

from __future__ import annotations

import contextlib

from jupyter_etl.errors import NotFound
from jupyter_etl.language.names import nearest
from jupyter_etl.language.numbers import parse_id
from jupyter_etl.model import Run
from jupyter_etl.ports import Store

_RECENT = 1_000
"""Number of recent runs whose pipelines are suggested; pipelines of files were never deployed."""


def find_run(target: str | int, store: Store) -> Run:
    """Return a run by its id, or the latest run of a pipeline by its name.

    Args:
        target: ``42`` or ``daily-sales``.

    Raises:
        NotFound: There is none; the message suggests a similar name.
    """
    text = str(target).strip()
    number = parse_id(text)
    if number is not None:
        with contextlib.suppress(NotFound):
            return store.load_run(number)
    found = store.load_runs(pipeline=text, limit=1)
    if found:
        return found[0]
    deployed = {pipeline.name for pipeline in store.load_pipelines()}
    if text in deployed:
        raise NotFound(f"{text} has no runs yet.", hint=f"Start one: jupyter etl trigger {text}")
    recent = store.load_runs(limit=_RECENT)
    newest = f" The newest is run {recent[0].id}." if recent else " There are no runs yet."
    suggestion = nearest(text, deployed | {run.new.pipeline for run in recent})
    raise NotFound(
        f"There is no run or pipeline '{text}'.{suggestion or newest}",
        hint="List the runs: jupyter etl runs",
    )


def failure_lines(run: Run) -> list[str]:
    """Return the error with its cell and verdict; empty for a run without an error."""
    lines = []
    if run.error:
        cell = "" if run.failed_cell is None else f"Cell {run.failed_cell + 1}: "
        lines.append(f"{cell}{run.error}")
    if run.verdict is not None:
        # The evidence would repeat the error, which is the line above.
        cause = f"{run.verdict.cause}." if run.verdict.cause else run.verdict.evidence
        lines.append(f"{run.verdict.kind}: {cause}")
    return lines
