"""Planning of due runs: for one pipeline, and for all pipelines in one round."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jupyter_etl.errors import EtlError, StoreError, user_code_boundary
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
from jupyter_etl.ports import Outlook, Planned, PlanStore
from jupyter_etl.scheduling.occurrences import (
    count_occurrences,
    interval_of,
    next_occurrence,
    previous_occurrence,
)

BATCH = 100
"""Maximum number of runs that catch-up ``all`` plans at once; the rest follows at the next poll."""

GRACE = timedelta(seconds=60)
"""Maximum delay after which a due time still counts as current, for catch-up ``none``."""

_MICROSECOND = timedelta(microseconds=1)


def plan_due(pipeline: Pipeline, now: datetime, *, active: Sequence[Run]) -> Planned:
    """Plan the occurrences of a schedule that have come due.

    Catch-up ``latest`` runs only the last of them, and ``none`` only one that has just come due;
    both record the others as one skipped run. ``all`` runs every one, in batches, and queues runs
    that overlap ``skip`` would drop. Backfills and drafts do not affect the schedule.

    Args:
        active: The pipeline's unfinished runs.

    Raises:
        DeclarationError: The schedule is not valid.
    """
    schedule, first = pipeline.schedule, pipeline.next_due
    if schedule is None or first is None or pipeline.paused or first > now:
        return Planned(pipeline=pipeline, runs=(), next_due=first)
    if pipeline.policy.catchup is Catchup.ALL:
        return _plan_all(pipeline, schedule, first, now, active)
    last, next_due = _last_and_next(schedule, first, now)
    if pipeline.policy.catchup is Catchup.NONE and now - last > GRACE:
        return Planned(
            pipeline=pipeline, runs=(_missed(pipeline, schedule, first, last),), next_due=next_due
        )
    missed = [] if last == first else [_missed_before(pipeline, schedule, first, last)]
    run, cancel = _admit(_scheduled(pipeline, schedule, last), pipeline, active)
    return Planned(pipeline=pipeline, runs=(*missed, run), next_due=next_due, cancel=cancel)


def plan_upstream(
    pipeline: Pipeline,
    live: Mapping[str, PublicationVersion],
    *,
    active: Sequence[Run],
    now: datetime,
) -> Planned:
    """Plan one run for the new versions of the publications that a pipeline follows.

    The schedule decides whether one new version is enough or every publication needs one. The run
    covers all new versions and those of a queued run, which it replaces. At most one run waits
    while another is running.

    Args:
        pipeline: A pipeline with an ``after`` schedule.
        live: The live versions of publications by name; other publications are ignored.
        active: The pipeline's unfinished runs.
    """
    fresh = fresh_versions(pipeline, live)
    if not fresh or pipeline.paused:
        return Planned(pipeline=pipeline, runs=(), next_due=pipeline.next_due)
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
    cancel = tuple(one.id for one in stop)
    return Planned(pipeline=pipeline, runs=(run,), next_due=pipeline.next_due, cancel=cancel)


def fresh_versions(
    pipeline: Pipeline, live: Mapping[str, PublicationVersion]
) -> list[PublicationVersion]:
    """Return the live versions that start a run of this pipeline; empty if it has to wait."""
    schedule = pipeline.schedule
    after = schedule.after if schedule is not None else ()
    names = [name for name in after if name in live]
    fresh = [live[name] for name in names if live[name].number > pipeline.seen.get(name, 0)]
    if schedule is not None and schedule.after_all and len(fresh) < len(after):
        return []
    return fresh


def logical_key_of(at: datetime) -> str:
    """Return the logical key of an instant: ``2026-01-01T06:00:00Z``."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _last_and_next(
    schedule: Schedule, first: datetime, now: datetime
) -> tuple[datetime, datetime | None]:
    """Return the latest occurrence up to now, at least ``first``, and the next one."""
    following = next_occurrence(schedule, first)
    if following is None or following > now:
        return first, following
    last = max(following, previous_occurrence(schedule, now + _MICROSECOND) or following)
    return last, next_occurrence(schedule, last)


def _plan_all(
    pipeline: Pipeline, schedule: Schedule, first: datetime, now: datetime, active: Sequence[Run]
) -> Planned:
    runs: list[NewRun] = []
    occurrence: datetime | None = first
    while occurrence is not None and occurrence <= now and len(runs) < BATCH:
        runs.append(_scheduled(pipeline, schedule, occurrence))
        occurrence = next_occurrence(schedule, occurrence)
    cancel: tuple[int, ...] = ()
    if pipeline.policy.overlap is Overlap.CANCEL_PREVIOUS and len(runs) == 1:
        cancel = tuple(run.id for run in _overlapping(active))
    return Planned(pipeline=pipeline, runs=tuple(runs), next_due=occurrence, cancel=cancel)


def _admit(
    run: NewRun, pipeline: Pipeline, active: Sequence[Run]
) -> tuple[NewRun, tuple[int, ...]]:
    """Return the run after applying the overlap policy, and the ids of the runs that it cancels."""
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
    return _missed(pipeline, schedule, first, previous_occurrence(schedule, last) or first)


def _missed(pipeline: Pipeline, schedule: Schedule, first: datetime, last: datetime) -> NewRun:
    """Return the record of the occurrences in ``[first, last]``, which are not run."""
    count = 1 + count_occurrences(schedule, first, last)
    run = _scheduled(pipeline, schedule, last)
    note = "1 due time was missed" if count == 1 else f"{count} due times were missed"
    span = f"at {logical_key_of(first)}"
    if count > 1:
        span = f"from {logical_key_of(first)} to {logical_key_of(last)}"
        key = f"{logical_key_of(first)}..{logical_key_of(last)}"
        interval = Partition(start=interval_of(schedule, first).start, end=run.interval.end)
        run = replace(run, logical_key=key, interval=interval, due_at=first)
    note = f"{note}, {span} (catch-up {pipeline.policy.catchup})."
    return replace(run, state=RunState.SKIPPED, note=note)


def _scheduled(pipeline: Pipeline, schedule: Schedule, occurrence: datetime) -> NewRun:
    return _new_run(pipeline, occurrence, interval_of(schedule, occurrence, is_occurrence=True))


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
        priority=pipeline.policy.priority,
        sources=pipeline.sources,
        timezone=pipeline.schedule.timezone if pipeline.schedule else "UTC",
    )


_LOG = logging.getLogger(__name__)
_BATCH = 1000

_Decide = Callable[[Pipeline, Sequence[Run]], Planned]


class PlanningRound:
    """Plans due schedules and new versions of publications.

    If a pipeline cannot be planned, the error is logged once and the other pipelines are not
    affected. A pipeline that another scheduler has planned in the meantime is skipped.

    Args:
        now: Returns the time to plan by, UTC.
    """

    def __init__(self, store: PlanStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._broken: dict[str, int] = {}
        self.more = False
        """Whether the last `plan` left due runs unplanned."""

    def plan(self, outlook: Outlook) -> int:
        """Plan one round; return the number of pipelines with new runs.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        self.more = False
        planned = self._plan_due() if outlook.due else 0
        return planned + (self._plan_upstream() if outlook.subscribers else 0)

    def anything_due(self) -> bool:
        """Return whether any pipeline that can be planned is due.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        return bool(self._sound(self._store.load_due(self._now(), limit=_BATCH)))

    def _plan_due(self) -> int:
        now = self._now()
        due = self._store.load_due(now, limit=_BATCH)

        def decide(pipeline: Pipeline, active: Sequence[Run]) -> Planned:
            return plan_due(pipeline, now, active=active)

        planned = self._plan(due, decide)
        self.more = self.more or (len(due) == _BATCH and planned > 0)
        return planned

    def _plan_upstream(self) -> int:
        subscribers = self._store.load_subscribers()
        schedules = [one.schedule for one in subscribers if one.schedule is not None]
        names = {name for schedule in schedules for name in schedule.after}
        live = self._store.load_live_versions(sorted(names)) if names else {}

        def decide(pipeline: Pipeline, active: Sequence[Run]) -> Planned:
            return plan_upstream(pipeline, live, active=active, now=self._now())

        return self._plan([one for one in subscribers if fresh_versions(one, live)], decide)

    def _plan(self, pipelines: Sequence[Pipeline], decide: _Decide) -> int:
        """Plan some pipelines in one transaction; return the number with new runs."""
        sound = self._sound(pipelines)
        if not sound:
            return 0
        active = self._store.load_overlapping([pipeline.name for pipeline in sound])
        decided = (self._guarded(pipeline, active[pipeline.name], decide) for pipeline in sound)
        plans = [plan for plan in decided if plan is not None and _has_news(plan)]
        now = self._now()
        # If a plan was not written, another scheduler or the owner was faster; the next poll finds
        # what remains.
        written = self._store.plan(plans, now=now) if plans else []
        self.more = self.more or any(
            plan.next_due is not None and plan.next_due <= now
            for plan, was_written in zip(plans, written, strict=True)
            if was_written
        )
        return sum(written)

    def _guarded(
        self, pipeline: Pipeline, active: Sequence[Run], decide: _Decide
    ) -> Planned | None:
        """Plan one pipeline; return None if that fails."""
        try:
            with user_code_boundary(f"Planning pipeline {pipeline.name!r}"):
                return decide(pipeline, active)
        except StoreError:
            raise
        except EtlError:
            self._broken[pipeline.name] = pipeline.revision
            _LOG.exception("Pipeline %r is not planned until it is changed", pipeline.name)
            return None

    def _sound(self, pipelines: Sequence[Pipeline]) -> list[Pipeline]:
        return [one for one in pipelines if self._broken.get(one.name) != one.revision]


def _has_news(plan: Planned) -> bool:
    return bool(plan.runs) or plan.next_due != plan.pipeline.next_due
