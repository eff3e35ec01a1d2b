"""Which runs a pipeline gets now: due times, missed times, new versions of what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from jupyter_etl.engine.ticks import count_ticks, interval_of, next_tick, previous_tick
from jupyter_etl.model import (
    TERMINAL,
    Catchup,
    Cause,
    NewRun,
    Overlap,
    Partition,
    Pipeline,
    PublicationVersion,
    Run,
    RunState,
    Schedule,
)

BATCH = 100
"""Runs that catch-up ``all`` plans for a pipeline at once; the rest follows at the next look."""

GRACE = timedelta(seconds=60)
"""How late a time may be planned and still count as seen, for catch-up ``none``."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to write into the ledger for one pipeline.

    Args:
        runs: To be inserted; those of state ``skipped`` are for the record.
        next_due: The pipeline's next instant, UTC.
        cancel: Ids of runs that these supersede.
    """

    runs: tuple[NewRun, ...]
    next_due: datetime | None
    cancel: tuple[int, ...] = ()


def plan_due(pipeline: Pipeline, now: datetime, *, active: Sequence[Run]) -> Plan:
    """Plan the times of a schedule that have come.

    Catch-up ``latest`` runs the last of them, ``none`` only one that has just come, and either
    records the others as one skipped run; ``all`` runs every one, in batches, and so queues where
    overlap ``skip`` would lose one. Backfills and drafts neither wait for a schedule nor stop it.

    Args:
        pipeline: As loaded.
        now: UTC.
        active: The pipeline's runs that are not finished.

    Raises:
        DeclarationError: The schedule cannot be read.
    """
    schedule, first = pipeline.schedule, pipeline.next_due
    if schedule is None or first is None or pipeline.paused or first > now:
        return Plan(runs=(), next_due=first)
    if pipeline.policy.catchup is Catchup.ALL:
        return _plan_all(pipeline, schedule, first, now, active)
    last = max(first, previous_tick(schedule, now + _MICROSECOND) or first)
    next_due = next_tick(schedule, max(last, now))
    if pipeline.policy.catchup is Catchup.NONE and now - last > GRACE:
        return Plan(runs=(_missed(pipeline, schedule, first, last),), next_due=next_due)
    missed = [] if last == first else [_missed_before(pipeline, schedule, first, last)]
    run, cancel = _admit(_scheduled(pipeline, schedule, last), pipeline, active)
    return Plan(runs=(*missed, run), next_due=next_due, cancel=cancel)


def plan_upstream(
    pipeline: Pipeline,
    live: Mapping[str, PublicationVersion],
    *,
    last: Mapping[str, int],
    active: Sequence[Run],
    now: datetime,
) -> Plan:
    """Plan one run for the versions of publications that this pipeline has not seen.

    It stands for all of them, and for those of a run that still waits in the queue, which it
    replaces: while one runs, one at most waits, for the latest.

    Args:
        pipeline: With an ``after`` schedule.
        live: The live versions of publications by name; others than its own are ignored.
        last: The highest version by name that any run of the pipeline was started by.
        active: The pipeline's runs that are not finished.
        now: UTC.
    """
    after = pipeline.schedule.after if pipeline.schedule is not None else ()
    fresh = [live[name] for name in after if name in live and live[name].number > last.get(name, 0)]
    if not fresh or pipeline.paused:
        return Plan(runs=(), next_due=pipeline.next_due)
    newest = max(fresh, key=lambda version: version.published_at)
    others = [run for run in _overlapping(active) if run.new.cause is Cause.UPSTREAM]
    waiting = [run for run in others if run.state is RunState.QUEUED]
    upstream: dict[str, int] = {}
    for old in waiting:
        for name, number in old.new.upstream.items():
            upstream[name] = max(number, upstream.get(name, 0))
    upstream.update({version.name: version.number for version in fresh})
    run = replace(
        _new_run(pipeline, newest.published_at, interval_of(None, newest.published_at)),
        logical_key=f"{newest.name}@{newest.number}",
        due_at=now,
        cause=Cause.UPSTREAM,
        upstream=upstream,
    )
    stop = others if pipeline.policy.overlap is Overlap.CANCEL_PREVIOUS else waiting
    return Plan(runs=(run,), next_due=pipeline.next_due, cancel=tuple(one.id for one in stop))


def logical_key_of(at: datetime) -> str:
    """Return the logical key of an instant: ``2026-01-01T06:00:00Z``."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _plan_all(
    pipeline: Pipeline, schedule: Schedule, first: datetime, now: datetime, active: Sequence[Run]
) -> Plan:
    runs: list[NewRun] = []
    tick: datetime | None = first
    while tick is not None and tick <= now and len(runs) < BATCH:
        runs.append(_scheduled(pipeline, schedule, tick))
        tick = next_tick(schedule, tick)
    cancel: tuple[int, ...] = ()
    if pipeline.policy.overlap is Overlap.CANCEL_PREVIOUS and len(runs) == 1:
        cancel = tuple(run.id for run in _overlapping(active))
    return Plan(runs=tuple(runs), next_due=tick, cancel=cancel)


def _admit(
    run: NewRun, pipeline: Pipeline, active: Sequence[Run]
) -> tuple[NewRun, tuple[int, ...]]:
    """Return the run as overlap has it, and the ids of those that it stops."""
    others = _overlapping(active)
    if not others or pipeline.policy.overlap is Overlap.QUEUE:
        return run, ()
    if pipeline.policy.overlap is Overlap.CANCEL_PREVIOUS:
        return run, tuple(other.id for other in others)
    note = f"Run {others[0].id} was not finished (overlap skip)."
    return replace(run, state=RunState.SKIPPED, note=note), ()


def _overlapping(active: Sequence[Run]) -> list[Run]:
    return [
        run
        for run in active
        if run.state not in TERMINAL and not run.new.draft and run.new.cause is not Cause.BACKFILL
    ]


def _missed_before(
    pipeline: Pipeline, schedule: Schedule, first: datetime, last: datetime
) -> NewRun:
    return _missed(pipeline, schedule, first, previous_tick(schedule, last) or first)


def _missed(pipeline: Pipeline, schedule: Schedule, first: datetime, last: datetime) -> NewRun:
    """Return the record of the times in ``[first, last]``, which nobody runs."""
    count = 1 + count_ticks(schedule, first, last)
    run = _scheduled(pipeline, schedule, last)
    note = f"{count} time passed" if count == 1 else f"{count} times passed"
    span = f"at {logical_key_of(first)}"
    if count > 1:
        span = f"from {logical_key_of(first)} to {logical_key_of(last)}"
        key = f"{logical_key_of(first)}..{logical_key_of(last)}"
        interval = Partition(start=interval_of(schedule, first).start, end=run.interval.end)
        run = replace(run, logical_key=key, interval=interval, due_at=first)
    note = f"{note} unseen, {span} (catch-up {pipeline.policy.catchup})."
    return replace(run, state=RunState.SKIPPED, note=note)


def _scheduled(pipeline: Pipeline, schedule: Schedule, tick: datetime) -> NewRun:
    return _new_run(pipeline, tick, interval_of(schedule, tick))


def _new_run(pipeline: Pipeline, at: datetime, interval: Partition) -> NewRun:
    return NewRun(
        pipeline=pipeline.name,
        version=pipeline.version,
        content_hash=pipeline.content_hash,
        notebook=pipeline.notebook,
        logical_key=logical_key_of(at),
        logical_at=at,
        interval=interval,
        due_at=at,
        owner=pipeline.owner,
        cause=Cause.SCHEDULE,
        parameters=pipeline.parameters,
        policy=pipeline.policy,
        timezone=pipeline.schedule.timezone if pipeline.schedule else "UTC",
    )
