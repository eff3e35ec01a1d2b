"""Which run a person means."""

from __future__ import annotations

import contextlib

from jupyter_etl.errors import NotFound
from jupyter_etl.model import Run
from jupyter_etl.ports import Store
from jupyter_etl.spec.names import nearest
from jupyter_etl.spec.numbers import parse_id

_RECENT = 1_000
"""Runs whose pipelines are suggested; those of files were never deployed."""


def find_run(target: str | int, store: Store) -> Run:
    """Return a run by its number, or the latest run of a pipeline by its name.

    Args:
        target: ``42`` or ``daily-sales``.
        store: The ledger.

    Raises:
        NotFound: There is none; the message suggests another.
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
