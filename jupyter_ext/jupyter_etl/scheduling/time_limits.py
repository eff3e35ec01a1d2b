"""Time limits and schedule checks from the durations of past runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import quantiles

from jupyter_etl.language.durations import format_duration
from jupyter_etl.model import (
    DEFAULT_TIMEOUT_S,
    Cause,
    NewRun,
    Overlap,
    Policy,
    Schedule,
    TimeLimit,
)
from jupyter_etl.ports import RunStore
from jupyter_etl.scheduling.occurrences import next_occurrences
from jupyter_etl.scheduling.preflight.findings import Finding

LEAST_RUNS = 10
"""Number of successful runs from which a time limit is derived."""

LEAST_TIMEOUT_S = 300.0
"""Minimum derived limit in seconds, so that a slow start or a busy machine does not end short runs.
"""

TIMES = 3
"""Factor between the 95th percentile and the time limit."""

_LAST = 20
_OCCURRENCES = 50
_CAUSES = (Cause.SCHEDULE, Cause.UPSTREAM, Cause.MANUAL)


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Durations of the last successful runs of a pipeline.

    Args:
        runs: Number of runs.
        p50_s, p95_s: Median and 95th percentile, seconds.
    """

    runs: int
    p50_s: float
    p95_s: float


def load_durations(store: RunStore, names: Collection[str]) -> dict[str, Durations]:
    """Return what the last runs of these deployed pipelines took; without any there is no entry.

    Live runs that succeeded at the first attempt count. Backfills do not, because their partitions
    may have a different size.

    Args:
        store: The ledger, queried once.
    """
    found = store.load_durations(names, count=_LAST, causes=_CAUSES)
    known = ((name, durations_of(seconds)) for name, seconds in found.items())
    return {name: durations for name, durations in known if durations is not None}


def durations_of(seconds: Sequence[float]) -> Durations | None:
    """Summarize what runs took, seconds; None without any."""
    if not seconds:
        return None
    if len(seconds) == 1:
        return Durations(runs=1, p50_s=seconds[0], p95_s=seconds[0])
    cuts = quantiles(seconds, n=20, method="inclusive")
    return Durations(runs=len(seconds), p50_s=cuts[9], p95_s=cuts[18])


def time_limit(policy: Policy, durations: Durations | None) -> TimeLimit:
    """Return the time limit of an attempt.

    A limit that the user set takes precedence. Otherwise, after `LEAST_RUNS` successful runs, it is
    `TIMES` their 95th percentile, from `LEAST_TIMEOUT_S` to `DEFAULT_TIMEOUT_S`.

    Args:
        durations: Durations of the pipeline; None if they are unknown or do not apply.
    """
    if policy.timeout_s is not None:
        return TimeLimit(seconds=policy.timeout_s)
    if durations is None or durations.runs < LEAST_RUNS:
        return TimeLimit(seconds=DEFAULT_TIMEOUT_S, why="the default")
    derived = round(max(LEAST_TIMEOUT_S, TIMES * durations.p95_s))
    if derived >= DEFAULT_TIMEOUT_S:
        return TimeLimit(
            seconds=DEFAULT_TIMEOUT_S, why="the default, and the most without --timeout"
        )
    why = f"{TIMES} times the 95th percentile of the last {durations.runs} successful runs"
    if derived == LEAST_TIMEOUT_S:
        why = f"{why}, and at least {format_duration(LEAST_TIMEOUT_S)}"
    return TimeLimit(seconds=float(derived), why=why)


def limit_of_run(store: RunStore, new: NewRun) -> TimeLimit:
    """Decide how long an attempt of a run may take, as `time_limit`.

    The usual durations of the pipeline do not apply to runs of a notebook file, drafts and
    backfills.
    """
    usual = new.version is not None and not new.draft and new.cause in _CAUSES
    if new.policy.timeout_s is not None or not usual:
        return time_limit(new.policy, None)
    return time_limit(new.policy, load_durations(store, [new.pipeline]).get(new.pipeline))


def tight_schedule(
    name: str, schedule: Schedule, durations: Durations | None, overlap: Overlap, now: datetime
) -> list[Finding]:
    """Warn if a schedule fires again before the runs of its pipeline usually end.

    Args:
        durations: Durations of past runs; None if there are none.
        overlap: What happens to a run that comes due while another is active.
    """
    if durations is None:
        return []
    occurrences = next_occurrences(schedule, now, _OCCURRENCES)
    gap = min((later - at for at, later in pairwise(occurrences)), default=None)
    if gap is None or gap >= timedelta(seconds=durations.p95_s):
        return []
    counted = f"{durations.runs} run{'' if durations.runs == 1 else 's'}"
    often = "half" if gap < timedelta(seconds=durations.p50_s) else "5 %"
    took = durations.p50_s if often == "half" else durations.p95_s
    return [
        Finding(
            severity="warning",
            cell=None,
            message=f"The schedule fires {format_duration(gap.total_seconds())} apart, and {often} of "
            f"the runs of '{name}' take {_rounded(took)} or more (of the last {counted}): "
            f"{_OVERLAPPING[overlap]}",
            hint=f"Schedule runs at least {_rounded(durations.p95_s)} apart, or make them shorter.",
            kind="schedule",
        )
    ]


_OVERLAPPING = {
    Overlap.SKIP: "a run that is due meanwhile is skipped.",
    Overlap.QUEUE: "runs will wait for one another, and the queue grows.",
    Overlap.CANCEL_PREVIOUS: "each run is cancelled by the next one.",
}


def _rounded(seconds: float) -> str:
    return format_duration(round(seconds) if seconds >= 10 else round(seconds, 1))
