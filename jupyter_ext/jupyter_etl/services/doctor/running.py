"""Checks of schedulers, runs and queues, and of pipelines and sources that fail."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import psutil

from jupyter_etl.errors import NotFound
from jupyter_etl.language.durations import format_duration
from jupyter_etl.model import (
    DEFAULT_TIMEOUT_S,
    IN_PROGRESS,
    HealthState,
    PipelineHealth,
    Run,
    RunState,
)
from jupyter_etl.ports import Claim, Store
from jupyter_etl.scheduling.health import load_health
from jupyter_etl.scheduling.lost_attempts import START_LEASES, LostAttemptRecovery, clean_up
from jupyter_etl.scheduling.retries import lost_report
from jupyter_etl.services.disk import local_folders, shortage
from jupyter_etl.services.doctor.diagnosis import Diagnosis, Setup, listed, warn, well, wrong
from jupyter_etl.services.pipelines.cold_starts import ColdStarts
from jupyter_etl.services.runs.executors import executors_for
from jupyter_etl.services.settings import host_name

_MANY = 1000
_LONG = timedelta(minutes=2)


def scheduler(setup: Setup) -> Diagnosis:
    """Check that a scheduler is alive if pipelines need one."""
    if setup.alive and (without := _without_scheduler(setup)):
        owners = list(dict.fromkeys(without.values()))
        return wrong(
            "scheduler",
            f"none that is alive runs the pipelines of {listed(owners)}: {listed(without)}",
            f"Run: jupyter etl up {' '.join(f'--for {owner}' for owner in owners)}",
        )
    if setup.alive:
        names = listed(f"{info.host}:{info.pid}" for info in setup.alive)
        waiting = [info for info in setup.alive if info.note]
        if waiting:
            notes = listed(f"{info.host}:{info.pid} ({info.note})" for info in waiting)
            return wrong(
                "scheduler",
                f"{len(waiting)} of {len(setup.alive)} start no runs: {notes}",
                "Fix these problems; the schedulers resume automatically.",
            )
        return well("scheduler", f"{len(setup.alive)} alive ({names})")
    hint = "Run: jupyter etl up"
    store = setup.store
    if store is None or not any(not pipeline.paused for pipeline in store.load_pipelines()):
        return warn("scheduler", "none is alive, and no pipeline needs one", hint)
    return wrong("scheduler", "none is alive", hint)


def _without_scheduler(setup: Setup) -> dict[str, str]:
    """Return the pipelines that no live scheduler may run, with their owners."""
    if setup.store is None:
        return {}
    return {
        pipeline.name: pipeline.owner
        for pipeline in setup.store.load_pipelines()
        if not pipeline.paused and not any(info.runs_for(pipeline.owner) for info in setup.alive)
    }


def attempts(setup: Setup) -> Diagnosis | None:
    """Check that every unfinished attempt has a live process."""
    if setup.store is None:
        return None
    live = setup.store.load_live_attempts()
    gone = [claim for claim in live if _is_gone(claim, setup)]
    if not gone:
        return well("attempts", f"{len(live):,} active")
    message = f"the runners of these runs have died: {listed(claim.run.id for claim in gone)}"
    if not setup.repair:
        return wrong(
            "attempts",
            message,
            "A scheduler ends these runs; to end them now: jupyter etl doctor --repair",
        )
    ended = [claim.run.id for claim in gone if _end(claim, setup, setup.store)]
    return well("attempts", message, repaired=f"ended as lost: {listed(ended) or 'none'}")


def in_progress(setup: Setup) -> Diagnosis | None:
    """Check that every active run has an attempt and is within its time limit."""
    if setup.store is None:
        return None
    now = setup.clock.now()
    live = setup.store.load_live_attempts()
    ids = {claim.run.id for claim in live}
    without = [
        run.id
        for run in setup.store.load_runs(states=IN_PROGRESS, limit=_MANY)
        if run.id not in ids and _has_no_attempt(run, setup.store)
    ]
    if without:
        return wrong(
            "runs",
            f"these runs are active but have no attempt: {listed(without)}",
            "The ledger was edited. Restore its last backup: jupyter etl restore FILE",
        )
    late = [claim for claim in live if _is_late(claim, now, setup.settings.lease_s)]
    if late:
        text = listed(
            f"{claim.run.id} (limit {format_duration(_limit_s(claim))})" for claim in late
        )
        first = late[0].run.id
        return wrong(
            "runs",
            f"these runs exceed their time limit: {text}",
            f"jupyter etl cancel {first}; then see jupyter etl logs {first}",
        )
    return well("runs", "none is stuck")


def queue(setup: Setup) -> Diagnosis | None:
    """Check that no run is queued that could be running."""
    if setup.store is None:
        return None
    now = setup.clock.now()
    live = setup.store.load_live_attempts()
    waiting = _waiting(setup.store, now, {claim.run.new.pipeline for claim in live})
    free = sum(info.workers for info in setup.alive) - len(live)
    low = shortage(local_folders(setup.settings), setup.settings.disk_reserve)
    if not waiting or free < 1 or low:
        return well("queue", f"{setup.store.count_runs(states=(RunState.QUEUED,)):,} runs wait")
    longest = max(now - max(run.not_before, run.new.due_at) for run in waiting)
    return warn(
        "queue",
        f"{len(waiting):,} runs wait for up to {format_duration(int(longest.total_seconds()))} "
        f"while {free} workers are free: {listed(run.id for run in waiting)}",
        "They may wait for a limit or for a source that does not answer: jupyter etl sources. "
        "Otherwise restart the scheduler.",
    )


def removed(setup: Setup) -> Diagnosis | None:
    """Check that no queued run belongs to a removed pipeline."""
    if setup.store is None:
        return None
    known = {pipeline.name for pipeline in setup.store.load_pipelines()}
    left = [
        run.id
        for run in setup.store.load_runs(states=(RunState.QUEUED,), limit=_MANY)
        if run.new.version is not None and run.new.pipeline not in known
    ]
    if not left:
        return None
    return warn(
        "unscheduled",
        f"these runs wait although their pipeline was unscheduled: {listed(left)}",
        f"They will run. To prevent that: jupyter etl cancel {left[0]}",
    )


def _is_gone(claim: Claim, setup: Setup) -> bool:
    attempt = claim.attempt
    if attempt.claimed_by in {info.id for info in setup.alive}:
        return False
    if attempt.started_at is None:
        patience = timedelta(seconds=START_LEASES * setup.settings.lease_s)
        return attempt.claimed_at < setup.clock.now() - patience
    # Attempts on another machine cannot be examined from here; a scheduler ends them when their
    # heartbeats stop.
    return attempt.host == host_name() and not _is_runner(attempt.pid)


def _is_runner(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        return any("jupyter_etl" in word for word in psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _end(claim: Claim, setup: Setup, store: Store) -> bool:
    executor = executors_for(setup.settings).executor()
    recovery = LostAttemptRecovery(
        store=store,
        executor=executor,
        clock=setup.clock,
        lease_s=setup.settings.lease_s,
        draw=random.random,
    )
    try:
        clean_up(executor, claim)
        return recovery.end(claim, lost_report(claim, "its runner had died, found by the doctor"))
    finally:
        executor.close()


def _has_no_attempt(run: Run, store: Store) -> bool:
    # Query again: the attempt may have started or ended between the two queries.
    try:
        state = store.load_run(run.id).state
    except NotFound:
        return False
    return state in IN_PROGRESS and all(a.outcome for a in store.load_attempts(run.id))


def _is_late(claim: Claim, now: datetime, lease_s: float) -> bool:
    started_at = claim.attempt.started_at
    if started_at is None:
        return False
    limit = timedelta(seconds=_limit_s(claim) + lease_s)
    return now - started_at > limit + _LONG


def _limit_s(claim: Claim) -> float:
    return claim.attempt.timeout_s or claim.run.new.policy.timeout_s or DEFAULT_TIMEOUT_S


def _waiting(store: Store, now: datetime, busy: set[str]) -> Sequence[Run]:
    return [
        run
        for run in store.load_runs(states=(RunState.QUEUED,), limit=_MANY)
        if max(run.not_before, run.new.due_at) < now - _LONG and run.new.pipeline not in busy
    ]


def folders(setup: Setup) -> Diagnosis | None:
    """Check that every run folder belongs to a recorded run."""
    if setup.store is None:
        return None
    found = sorted(_run_folders(setup.settings.home), reverse=True)[:_MANY]
    without = [number for number in found if not _is_known(number, setup.store)]
    if not without:
        return None
    return warn(
        "folders",
        f"these folders belong to no run of this ledger: {listed(f'{n:08d}' for n in without)}",
        "Check that this is the right ledger. If so, inspect and delete the folders in "
        f"{setup.settings.home}/runs",
    )


def _run_folders(home: Path) -> list[int]:
    runs = home / "runs"
    return [int(f.name) for f in runs.iterdir() if f.name.isdecimal()] if runs.is_dir() else []


def _is_known(run_id: int, store: Store) -> bool:
    try:
        store.load_run(run_id)
    except NotFound:
        return False
    return True


def warm_starts(setup: Setup) -> Diagnosis | None:
    """Check that all kernels that could start warm do so."""
    if setup.store is None:
        return None
    if not setup.settings.warm:
        return well("warm starts", "switched off with JUPYTER_ETL_WARM=0")
    reasons = ColdStarts(setup.store, setup.settings)
    wanted = [one for one in setup.store.load_pipelines() if one.policy.warm]
    cold = {name: reason for name, reason in reasons.of_all(wanted).items() if reason}
    if not cold:
        return well("warm starts", f"{len(wanted):,} pipelines can start warm")
    text = listed(f"{name} ({reason.why})" for name, reason in cold.items())
    remedy = next(iter(cold.values())).remedy
    return warn("warm starts", f"these start cold: {text}", f"{remedy[0].upper()}{remedy[1:]}.")


def paused(setup: Setup) -> Diagnosis | None:
    """Check that no pipeline has been paused after failures."""
    if setup.store is None:
        return None
    found = _in_state(setup, setup.store, HealthState.AUTO_PAUSED)
    if not found:
        return None
    notes = listed(f"{name} ({health.why})" for name, health in found.items())
    return warn(
        "paused",
        f"the platform paused: {notes}",
        f"Fix the failure, then: jupyter etl resume {next(iter(found))}",
    )


def failing(setup: Setup) -> Diagnosis | None:
    """Check that no pipeline is failing."""
    if setup.store is None:
        return None
    found = _in_state(setup, setup.store, HealthState.FAILING, HealthState.BACKFILL_FAILED)
    if not found:
        return None
    notes = listed(f"{name} ({health.why})" for name, health in found.items())
    return warn("failing", notes, f"jupyter etl runs --pipeline {next(iter(found))}")


def silent(setup: Setup) -> Diagnosis | None:
    """Check that every source responds."""
    if setup.store is None:
        return None
    found = [b for b in setup.store.load_breakers() if b.retry_at is not None]
    if not found:
        return None
    text = listed(f"{b.source} ({b.failures} failures in a row)" for b in found)
    return warn(
        "silent sources",
        f"these sources did not answer, and runs wait for them: {text}",
        "One run tries again every 30 s. Check that they run and can be reached.",
    )


def _in_state(setup: Setup, store: Store, *states: HealthState) -> dict[str, PipelineHealth]:
    found = load_health(store, store.load_pipelines(), setup.clock.now())
    return {name: health for name, health in found.items() if health.state in states}


CHECKS = (
    scheduler, attempts, in_progress, queue, removed, folders, warm_starts, paused, failing, silent
)  # fmt: skip
