"""The last runs of many pipelines in a few calls of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_etl.model import BAD, IN_HAND, Pipeline, Run, RunState, RunSummary
from jupyter_etl.server.views import STRIP, is_late

if TYPE_CHECKING:
    from jupyter_etl.app import Etl

_WINDOW = 500
"""Unfinished runs looked at."""

_RESULTS = (RunState.SUCCEEDED, *BAD)


def last_runs(etl: Etl, names: Sequence[str]) -> dict[str, tuple[RunSummary, ...]]:
    """Return the last runs of each pipeline, oldest first.

    Args:
        etl: The facade.
        names: Of pipelines, a page at a time.
    """
    found = etl.runs.last(names, count=STRIP)
    return {name: tuple(reversed(found[name])) for name in names}


def waiting_runs(etl: Etl, runs: Iterable[Run | RunSummary]) -> frozenset[int]:
    """Return the numbers of those runs that are held until a person decides.

    Args:
        etl: The facade; it is asked only where one of the runs is held.
        runs: All that are asked about.
    """
    held = {run.id for run in runs if run.state is RunState.HELD}
    return frozenset(held & {hold.run_id for hold in etl.holds.list()}) if held else frozenset()


def last_bad(etl: Etl, pipelines: Sequence[Pipeline]) -> dict[str, RunSummary]:
    """Return, by pipeline, the last runs with a result, where that failed or was held.

    A paused pipeline counts as none: somebody has taken it in hand.

    Args:
        etl: The facade.
        pipelines: All that are asked about.
    """
    names = [pipeline.name for pipeline in pipelines if not pipeline.paused]
    last = etl.runs.last(names, count=1, states=_RESULTS, only=BAD)
    return {name: runs[0] for name, runs in last.items() if runs}


def failing_names(etl: Etl, pipelines: Sequence[Pipeline]) -> frozenset[str]:
    """Return the names of the pipelines of `last_bad` but those that wait for a person.

    Args:
        etl: The facade.
        pipelines: All that are asked about.
    """
    bad = last_bad(etl, pipelines)
    waiting = waiting_runs(etl, bad.values())
    return frozenset(name for name, run in bad.items() if run.id not in waiting)


def late_names(etl: Etl, pipelines: Sequence[Pipeline], now: datetime) -> frozenset[str]:
    """Return the names of the pipelines of which something is due and nobody starts it.

    Args:
        etl: The facade.
        pipelines: All that are asked about.
        now: Aware.
    """
    waiting = etl.runs.list(states=(RunState.QUEUED,), limit=_WINDOW)
    busy = {run.new.pipeline for run in etl.runs.list(states=IN_HAND, limit=_WINDOW)}
    late = {run.new.pipeline for run in waiting if is_late(run.not_before, now)}
    return frozenset(
        pipeline.name
        for pipeline in pipelines
        if not pipeline.paused
        and pipeline.name not in busy
        and (pipeline.name in late or is_late(pipeline.next_due, now))
    )
