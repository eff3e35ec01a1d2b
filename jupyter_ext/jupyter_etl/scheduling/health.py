"""The health of pipelines; every surface and every alert uses these functions.

The newest result counts: a run of the deployed version that published live and succeeded, failed or
was held. These runs are ignored:

* runs that were cancelled or skipped, drafts, and runs of a notebook file;
* backfills, which concern the past: their success does not end a failure, and their failure is a
  state of its own until the partition succeeds or the pipeline is changed;
* runs of an earlier pipeline with the same name.

A failed run that a user has queued again counts as failed until it succeeds. A run that is retried
automatically counts only after its last attempt.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_etl.errors import first_line
from jupyter_etl.model import (
    ACTIVE,
    BAD,
    IN_PROGRESS,
    STARTS_TO_ALERT,
    TERMINAL,
    Cause,
    Freshness,
    FreshnessState,
    HealthState,
    Outcome,
    PausedBy,
    Pipeline,
    PipelineHealth,
    Run,
    RunState,
    RunSummary,
)
from jupyter_etl.ports import RunStore
from jupyter_etl.scheduling.retries import is_retried

GRACE = timedelta(seconds=60)
"""A live scheduler starts due runs well within this time."""

_PLANNED = (Cause.SCHEDULE, Cause.UPSTREAM)
_CURRENT = (*_PLANNED, Cause.MANUAL)
_RESULTS = (RunState.SUCCEEDED, *BAD)
_MISSES = (RunState.CANCELLED, RunState.SKIPPED)
_ENDED_BADLY = {
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.LOST: "was lost",
}
_MISSED = 2
"""Consecutive due times without a result after which a pipeline is late."""
_UNFINISHED = 50
"""Maximum number of unfinished runs to examine per pipeline."""
_RETRIED = 1000
"""Maximum number of unfinished runs, of all pipelines, whose policy is examined."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The ledger's records of a pipeline that its health is derived from.

    All runs except the active ones are live runs of the deployed version.

    Args:
        result: The newest run that succeeded, failed or was held, without backfills.
        success: The newest run that succeeded, without backfills.
        planned: The latest finished runs that the schedule planned, newest first.
        backfill: The newest backfill run that failed or is held.
        active: Unfinished runs of any kind, newest first.
        failed_for_good: Ids of active runs that had failed and were queued again by a user.
    """

    result: RunSummary | None = None
    success: RunSummary | None = None
    planned: Sequence[RunSummary] = ()
    backfill: RunSummary | None = None
    active: Sequence[RunSummary] = ()
    failed_for_good: Set[int] = frozenset()


def load_health(
    store: RunStore, pipelines: Sequence[Pipeline], now: datetime
) -> dict[str, PipelineHealth]:
    """Return the health of pipelines, by name.

    Args:
        store: The ledger. The number of queries does not depend on the number of pipelines.
        pipelines: Deployed pipelines.
    """
    found = _load_evidence(store, [pipeline.name for pipeline in pipelines])
    return {pipeline.name: health_of(pipeline, found[pipeline.name], now) for pipeline in pipelines}


def health_of(pipeline: Pipeline, evidence: Evidence, now: datetime) -> PipelineHealth:
    """Return the health of a pipeline."""
    created_at = pipeline.created_at
    result = evidence.result
    if result is not None and created_at is not None and result.created_at < created_at:
        result = None
    success = evidence.success
    if success is not None and created_at is not None and success.created_at < created_at:
        success = None
    state, why, run_id = _judge(pipeline, evidence, result, now)
    paused_by = None
    if pipeline.paused:
        paused_by = PausedBy.PLATFORM if pipeline.pause_note else PausedBy.PERSON
    return PipelineHealth(
        state=state,
        why=why,
        paused_by=paused_by,
        running=_is_running(evidence.active),
        run_id=run_id,
        last_success_at=success.finished_at if success else None,
    )


def _judge(
    pipeline: Pipeline, evidence: Evidence, result: RunSummary | None, now: datetime
) -> tuple[HealthState, str, int | None]:
    """Return the state, the reason, and the id of the run that explains it."""
    failed = _failed_run(evidence, result)
    if pipeline.paused and pipeline.pause_note:
        return HealthState.AUTO_PAUSED, pipeline.pause_note, failed.id if failed else None
    unstarted = None if pipeline.paused else _unstarted_run(evidence, now)
    if unstarted is not None and unstarted.unstarted >= STARTS_TO_ALERT:
        return HealthState.FAILING, why_unstarted(unstarted), unstarted.id
    if failed is not None:
        return HealthState.FAILING, _why_failing(failed), failed.id
    if result is not None and result.state is RunState.HELD:
        return HealthState.HELD, f"Run {result.id} is pending approval.", result.id
    backfill = evidence.backfill
    if backfill is not None and not _was_changed_since(pipeline, backfill):
        if backfill.state is RunState.HELD:
            why = f"Run {backfill.id} of a backfill is pending approval."
            return HealthState.HELD, why, backfill.id
        why = f"Of a backfill: {_why_failing(backfill)}"
        return HealthState.BACKFILL_FAILED, why, backfill.id
    late = _why_late(pipeline, evidence, result, now)
    if late:
        return HealthState.LATE, late, None
    if _is_running(evidence.active):
        return HealthState.RUNNING, "", None
    if pipeline.paused:
        return HealthState.PAUSED, "", None
    return (HealthState.NEVER if result is None else HealthState.OK), "", None


def is_late(due: datetime | None, now: datetime) -> bool:
    """Return whether a live scheduler would have started this by now; False if nothing is due."""
    return due is not None and due < now - GRACE


def seconds_of(run: Run | RunSummary, now: datetime) -> float | None:
    """Return the execution time of a run in seconds; None if it has not started.

    The time of all attempts counts. Waiting for a retry, a free worker or an approval does not.
    """
    if run.state in IN_PROGRESS:
        since = run.attempt_started_at
        if since is None and run.attempts <= 1:
            since = run.started_at
        so_far = (now - since).total_seconds() if since else None
        if so_far is None and run.worked_s is None:
            return None
        return max(0.0, so_far or 0.0) + (run.worked_s or 0.0)
    if run.state not in TERMINAL:
        return None
    if run.worked_s is not None:
        return run.worked_s
    if run.started_at is None or run.finished_at is None:
        return None
    return max(0.0, (run.finished_at - run.started_at).total_seconds())


def working_since(run: Run | RunSummary, now: datetime) -> datetime | None:
    """Return when an active run would have started if it had never waited; None for other runs."""
    if run.state not in IN_PROGRESS:
        return None
    took_s = seconds_of(run, now)
    return None if took_s is None else now - timedelta(seconds=took_s)


def freshness_of(freshness: Freshness | None, age_s: float | None) -> FreshnessState:
    """Compare the age of a publication with its freshness promise.

    Args:
        freshness: The promise; None if there is none.
        age_s: Seconds since the live version was published; None if there is no version.
    """
    if freshness is None or age_s is None:
        return FreshnessState.NONE
    if freshness.error_s is not None and age_s >= freshness.error_s:
        return FreshnessState.ERROR
    if freshness.warn_s is not None and age_s >= freshness.warn_s:
        return FreshnessState.WARN
    return FreshnessState.OK


def _failed_run(evidence: Evidence, result: RunSummary | None) -> RunSummary | None:
    """Return the newest result if it is a failure, including one that is being retried."""
    newest = result
    for run in evidence.active:
        if run.id in evidence.failed_for_good and (newest is None or run.id > newest.id):
            newest = run
    if newest is None or newest.state in (RunState.SUCCEEDED, RunState.HELD):
        return None
    return newest


def _why_failing(run: RunSummary) -> str:
    how = _ENDED_BADLY.get(run.outcome or Outcome.FAILED, "failed")
    first = first_line(run.error)
    again = "" if run.state in TERMINAL else " It is being retried."
    return f"Run {run.id} {how}{f': {first}' if first else '.'}{again}"


def _was_changed_since(pipeline: Pipeline, run: RunSummary) -> bool:
    return pipeline.updated_at is not None and run.created_at < pipeline.updated_at


def _why_late(
    pipeline: Pipeline, evidence: Evidence, result: RunSummary | None, now: datetime
) -> str:
    """Return what is due but has not run; "" if nothing is."""
    if pipeline.paused:
        return ""
    if is_late(pipeline.next_due, now):
        return "It is due, but no scheduler has planned it."
    unstarted = _unstarted_run(evidence, now)
    if unstarted is not None:
        return why_unstarted(unstarted)
    in_progress = {run.cause for run in evidence.active if run.state in IN_PROGRESS}
    for run in evidence.active:
        waits = run.state is RunState.QUEUED and is_late(run.not_before, now)
        if waits and run.cause not in in_progress:
            return f"Run {run.id} is due, but no scheduler has started it."
    if not in_progress.intersection(_PLANNED) and _were_missed(evidence.planned, result):
        return f"Its last {_MISSED} due times were skipped or cancelled."
    return ""


def _unstarted_run(evidence: Evidence, now: datetime) -> RunSummary | None:
    for run in evidence.active:
        due_at = max(run.due_at, run.created_at)
        if run.state is not RunState.RUNNING and run.unstarted and is_late(due_at, now):
            return run
    return None


def why_unstarted(run: Run | RunSummary) -> str:
    """Return why a run could not be started and when the next try is."""
    why = run.error.strip().rstrip(".")
    return (
        f"Run {run.id} could not be started, {run.unstarted:,} times so far: {why}. "
        f"The next try is at {run.not_before:%H:%M:%S} UTC."
    )


def _were_missed(planned: Sequence[RunSummary], result: RunSummary | None) -> bool:
    """Return whether the last due times after the latest result were all missed."""
    last = planned[:_MISSED]
    reached = result.finished_at if result else None
    return len(last) == _MISSED and all(
        run.state not in _RESULTS
        and (reached is None or run.finished_at is None or run.finished_at > reached)
        for run in last
    )


def _is_running(active: Sequence[RunSummary]) -> bool:
    return any(run.state in IN_PROGRESS for run in active)


def _load_last(
    store: RunStore,
    names: Sequence[str],
    count: int,
    states: Sequence[RunState],
    causes: Sequence[Cause],
) -> dict[str, list[RunSummary]]:
    if not names:
        return {}
    return store.load_last_runs(names, count=count, states=states, causes=causes, live=True)


def _succeeded(newest: Sequence[RunSummary]) -> bool:
    return bool(newest) and newest[0].state is RunState.SUCCEEDED


def _load_evidence(store: RunStore, names: Sequence[str]) -> dict[str, Evidence]:
    result = _load_last(store, names, 1, _RESULTS, _CURRENT)
    others = [name for name in names if not _succeeded(result[name])]
    success = result | _load_last(store, others, 1, (RunState.SUCCEEDED,), _CURRENT)
    missed = _load_last(store, names, 1, _MISSES, _PLANNED)
    suspects = [name for name in names if missed.get(name)]
    planned = _load_last(store, suspects, _MISSED, tuple(TERMINAL), _PLANNED)
    backfill = _load_last(store, names, 1, BAD, (Cause.BACKFILL,))
    active = store.load_last_runs(names, count=_UNFINISHED, states=ACTIVE)
    again = {run.id for runs in active.values() for run in runs if _had_failed(run)}
    for_good = again & _not_retried_by_itself(store, again)
    return {
        name: Evidence(
            result=next(iter(result[name]), None),
            success=next(iter(success[name]), None),
            planned=planned.get(name, ()),
            backfill=next(iter(backfill[name]), None),
            active=active[name],
            failed_for_good=for_good,
        )
        for name in names
    }


def _had_failed(run: RunSummary) -> bool:
    deployed = run.version is not None and not run.draft
    return deployed and run.cause in _CURRENT and run.outcome in _ENDED_BADLY


def _not_retried_by_itself(store: RunStore, ids: Set[int]) -> Set[int]:
    """Return those of these unfinished runs that the platform had given up."""
    if not ids:
        return ids
    runs = store.load_runs(states=ACTIVE, limit=_RETRIED)
    return ids - {run.id for run in runs if run.id in ids and _is_retried(run)}


def _is_retried(run: Run) -> bool:
    ended = run.attempts - (run.state in IN_PROGRESS)
    return run.outcome is not None and is_retried(run, run.outcome, run.verdict, attempts=ended)
