"""The reason why a run is waiting."""

from __future__ import annotations

from datetime import datetime, tzinfo

from jupyter_etl.errors import NotFound
from jupyter_etl.model import IN_PROGRESS, Cause, Run, RunState
from jupyter_etl.ports import Store
from jupyter_etl.services.run_log.line import format_instant
from jupyter_etl.services.schedulers import alive_among

_MOST_ACTIVE = 1_000


def wait_reason(run: Run, store: Store, now: datetime, zone: tzinfo) -> str:
    """Return in one sentence why a run is waiting; "" if it is not.

    Args:
        run: The current state of the run.
    """
    if run.state is not RunState.QUEUED:
        return ""
    again = " before it is tried again" if run.attempts else ""
    if run.not_before > now:
        return f"waits until {format_instant(run.not_before, zone)}{again}"
    alive = alive_among(store.load_schedulers(), now)
    if not alive:
        return "waits for a scheduler, and none is alive; start one: jupyter etl up"
    if not any(info.runs_for(run.new.owner) for info in alive):
        return (
            f"waits for a scheduler that runs the pipelines of {run.new.owner}, and none is alive; "
            f"start one: jupyter etl up --for {run.new.owner}"
        )
    for breaker in store.load_breakers():
        if breaker.source in run.new.sources and not breaker.admits(now):
            at = (
                f"; tried again at {format_instant(breaker.retry_at, zone)}"
                if breaker.retry_at
                else ""
            )
            return f"waits for the source {breaker.source}, which does not answer{at}"
    return _wait_for_others(run, store) or "waits for a free worker of a scheduler"


def _wait_for_others(run: Run, store: Store) -> str:
    active = store.load_runs(states=IN_PROGRESS, limit=_MOST_ACTIVE)
    same = [one for one in active if one.new.pipeline == run.new.pipeline]
    planned = (Cause.SCHEDULE, Cause.UPSTREAM)
    before = [one for one in same if one.new.cause in planned and not one.new.draft]
    if run.new.cause in planned and not run.new.draft and before:
        return f"waits for the end of run {before[0].id} of the same pipeline"
    backfills = [one for one in same if one.new.cause is Cause.BACKFILL]
    if run.new.cause is Cause.BACKFILL and len(backfills) >= max(1, run.new.policy.parallel):
        return f"waits for the end of other runs of the backfill, such as run {backfills[0].id}"
    for name in run.new.sources:
        try:
            limit = store.load_source(name).runs_at_once
        except NotFound:
            continue
        readers = [one for one in active if name in one.new.sources]
        if limit is not None and len(readers) >= limit:
            return (
                f"waits for the source {name}, which run {readers[0].id} reads (limit: "
                f"{limit} at once)"
            )
    return ""
