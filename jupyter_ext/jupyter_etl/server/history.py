"""The last runs of many pipelines in a few calls of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_etl.model import Pipeline, Run, RunState
from jupyter_etl.server.views import AT_WORK, STRIP, is_late

if TYPE_CHECKING:
    from jupyter_etl.app import Etl

_WINDOW = 500
"""Runs looked at over all pipelines before one is asked for by itself."""

_BAD = (RunState.FAILED, RunState.HELD)
_GOOD = (RunState.SUCCEEDED,)


def last_runs(
    etl: Etl, names: Sequence[str], *, window: int = _WINDOW
) -> dict[str, tuple[Run, ...]]:
    """Return the last runs of each pipeline, oldest first.

    One list over all pipelines answers most; only a pipeline whose runs lie further back than the
    newest ``window`` is asked for by itself.

    Args:
        etl: The facade.
        names: Of pipelines, a page at a time.
        window: How many of the newest runs to look at.
    """
    if len(names) <= 1:
        return {name: _of_one(etl, name) for name in names}
    recent = etl.runs.list(limit=window)
    grouped: dict[str, list[Run]] = {name: [] for name in names}
    for run in recent:
        if run.new.pipeline in grouped:
            grouped[run.new.pipeline].append(run)
    everything_seen = len(recent) < window
    return {
        name: tuple(reversed(found[:STRIP]))
        if everything_seen or len(found) >= STRIP
        else _of_one(etl, name)
        for name, found in grouped.items()
    }


def failing_names(
    etl: Etl, pipelines: Sequence[Pipeline], *, window: int = _WINDOW
) -> frozenset[str]:
    """Return the names of the pipelines whose last run with a result failed or was held.

    Two lists answer for all pipelines but those whose last results lie further back than
    ``window`` runs. A paused pipeline counts as none: somebody has taken it in hand.

    Args:
        etl: The facade.
        pipelines: All that are asked about.
        window: How many of the newest runs of each kind to look at.
    """
    bad_runs = etl.runs.list(states=_BAD, limit=window)
    good_runs = etl.runs.list(states=_GOOD, limit=window)
    bad, good = _newest(bad_runs), _newest(good_runs)
    bad_floor = bad_runs[-1].id if len(bad_runs) >= window else 0
    good_floor = good_runs[-1].id if len(good_runs) >= window else 0
    failing = set()
    for pipeline in pipelines:
        name = pipeline.name
        if pipeline.paused:
            continue
        worst, best = bad.get(name, 0), good.get(name, 0)
        if worst > best and (best or worst >= good_floor):
            failing.add(name)
        elif worst <= best and (worst or best >= bad_floor):
            continue
        elif _failed_last(etl, name):
            failing.add(name)
    return frozenset(failing)


def late_names(etl: Etl, pipelines: Sequence[Pipeline], now: datetime) -> frozenset[str]:
    """Return the names of the pipelines of which something is due and nobody starts it.

    Args:
        etl: The facade.
        pipelines: All that are asked about.
        now: Aware.
    """
    waiting = etl.runs.list(states=(RunState.QUEUED,), limit=_WINDOW)
    busy = {run.new.pipeline for run in etl.runs.list(states=AT_WORK, limit=_WINDOW)}
    late = {run.new.pipeline for run in waiting if is_late(run.not_before, now)}
    return frozenset(
        pipeline.name
        for pipeline in pipelines
        if not pipeline.paused
        and pipeline.name not in busy
        and (pipeline.name in late or is_late(pipeline.next_due, now))
    )


def _of_one(etl: Etl, name: str) -> tuple[Run, ...]:
    return tuple(reversed(etl.runs.list(pipeline=name, limit=STRIP)))


def _newest(runs: Sequence[Run]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for run in runs:
        newest[run.new.pipeline] = max(run.id, newest.get(run.new.pipeline, 0))
    return newest


def _failed_last(etl: Etl, name: str) -> bool:
    last = etl.runs.list(pipeline=name, states=_BAD + _GOOD, limit=1)
    return bool(last) and last[0].state in _BAD
