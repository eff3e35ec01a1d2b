"""Which run starts first when there is more to do than workers: limits, order, sources that do not answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from fakes.executor import FakeExecutor
from jupyter_etl.errors import StoreError
from jupyter_etl.model import (
    AttemptReport,
    Cause,
    NewRun,
    Outcome,
    Overlap,
    Partition,
    Policy,
    RunState,
    Source,
    Verdict,
    VerdictKind,
)
from jupyter_etl.model.source import FAILURES, PROBE_S
from scheduling.examples import cron, pipeline

HOUR = timedelta(hours=1)
DEAD = AttemptReport(
    outcome=Outcome.FAILED,
    error="connection refused",
    failed_source="wh",
    verdict=Verdict(kind=VerdictKind.SOURCE, evidence="refused", retryable=True),
)


def add(store, clock, name: str, key: str, *, priority: int = 0, sources: tuple[str, ...] = ()):
    now = clock.now()
    new = NewRun(
        pipeline=name,
        content_hash="0" * 64,
        notebook=f"/{name}.ipynb",
        logical_key=key,
        logical_at=now,
        interval=Partition(start=now - HOUR, end=now),
        due_at=now,
        owner="sam",
        cause=Cause.MANUAL,
        priority=priority,
        sources=sources,
    )
    return store.add_run(new, now=now)


@pytest.mark.slow
def test_an_endless_line_of_high_priority_starves_nobody(store, clock, scheduler_of) -> None:
    """Two workers, runs of a minute, two hours; a saturated pipeline and three patient ones."""
    priority = 30
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=2)
    for i in range(130):
        add(store, clock, "urgent", f"u{i}", priority=priority)
    for n in range(3):
        for i in range(60):
            add(store, clock, f"patient{n}", f"p{i}")
    begun = clock.now()
    first: dict[str, timedelta] = {}
    served: Counter[str] = Counter()
    for _ in range(120):
        scheduler.poll()
        for claim in list(executor.started):
            name = claim.run.new.pipeline
            first.setdefault(name, clock.now() - begun)
            served[name] += 1
            executor.succeed(claim)
        executor.started.clear()
        clock.advance(60)
    bound = timedelta(minutes=priority + len(first))
    assert len(first) == 4
    assert max(first.values()) <= bound
    assert first["urgent"] == timedelta(0)
    assert served["urgent"] > served["patient0"]
    patient = [count for name, count in served.items() if name != "urgent"]
    assert max(patient) - min(patient) <= 1


def test_who_is_waited_for_comes_before_a_day_of_others(store, clock, scheduler_of) -> None:
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=1)
    for n in range(50):
        add(store, clock, f"p{n}", "k")
    clock.advance(90 * 60)
    add(store, clock, "mine", "now", priority=100)
    scheduler.poll()
    assert [claim.run.new.pipeline for claim in executor.started] == ["mine"]


def test_five_hundred_runs_on_a_dead_source_are_one_try_in_half_a_minute(
    store, clock, scheduler_of
) -> None:
    store.save_source(Source(name="wh", kind="sql", location="postgresql://h/d"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=8)
    for i in range(500):
        add(store, clock, f"p{i % 50}", str(i), sources=("wh",))
    tries: list[float] = []
    for _ in range(100):
        scheduler.poll()
        for claim in executor.started:
            tries.append(clock.monotonic())
            executor.end(claim, DEAD, RunState.FAILED)
        executor.started.clear()
        clock.advance(3)
    opened = tries[FAILURES - 1]
    # Those that had started before it opened were four at most: the limit of a database.
    probes = [at for at in tries if at > opened]
    assert len(tries) - len(probes) <= 4
    assert len(probes) == 9
    assert min(b - a for a, b in zip([opened, *probes], probes, strict=False)) >= PROBE_S


def test_a_run_that_waits_for_a_source_does_not_keep_the_scheduler_busy(
    store, clock, scheduler_of
) -> None:
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=8)
    for i in range(FAILURES):
        add(store, clock, f"p{i}", "k", sources=("wh",))
    scheduler.poll()
    for claim in executor.started:
        executor.end(claim, DEAD, RunState.FAILED)
    executor.exits.clear()
    add(store, clock, "waits", "k", sources=("wh",))
    clock.waits.clear()
    stop_at = clock.now() + timedelta(seconds=29)
    scheduler.run(stop=lambda: clock.now() >= stop_at)
    assert store.count_runs(states=[RunState.QUEUED]) == 1
    assert len(clock.waits) <= 31


class Watched:
    """A ledger that counts the active runs after each claim."""

    def __init__(self, store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self.most = 0

    def claim(self, *args, **options):
        claims = self._store.claim(*args, **options)
        live = self._store.load_live_attempts()
        self.most = max(self.most, len(live))
        names = Counter(claim.run.new.pipeline for claim in live)
        if len(live) > self._limit or max(names.values(), default=0) > 1:
            raise StoreError(f"too many at once: {names}")
        return claims

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


@pytest.mark.slow
def test_a_month_without_a_scheduler_is_one_run_a_pipeline(store, clock, scheduler_of) -> None:
    """1,000 schedules every minute, 30 days: 43,200,000 times."""
    body = store.save_snapshot("{}")
    for n in range(1000):
        declared = pipeline(
            f"p{n}",
            schedule=cron("* * * * *"),
            next_due=clock.now() + timedelta(seconds=30),
            content_hash=body,
            policy=Policy(overlap=Overlap.SKIP),
        )
        store.deploy(declared, now=clock.now())
    clock.advance(30 * 86_400)
    executor = FakeExecutor(store, clock)
    watched = Watched(store, 50)
    scheduler = scheduler_of(on=watched, by=executor, workers=50)
    for _ in range(25):
        scheduler.poll()
        for claim in executor.started[-50:]:
            if store.load_run(claim.run.id).state is RunState.RUNNING:
                executor.succeed(claim)
    assert watched.most == 50
    assert store.count_runs(states=[RunState.SUCCEEDED]) == 1000
    per_pipeline: dict[str, list[RunState]] = defaultdict(list)
    passed = set()
    for run in store.load_runs(limit=5000):
        per_pipeline[run.new.pipeline].append(run.state)
        if run.state is RunState.SKIPPED:
            passed.add(run.new.note.partition(", ")[0])
    assert set(map(tuple, per_pipeline.values())) == {(RunState.SUCCEEDED, RunState.SKIPPED)}
    assert passed == {"43199 due times were missed"}


def test_what_a_pipeline_is_told_to_be_goes_into_its_runs(
    store, clock, scheduler_of, executor
) -> None:
    declared = pipeline("sales", schedule=cron("* * * * *"), next_due=clock.now())
    declared = replace(declared, sources=("crm", "wh"), policy=Policy(priority=7))
    store.deploy(declared, now=clock.now())
    scheduler_of().poll()
    (run,) = store.load_runs()
    assert (run.new.priority, run.new.sources) == (7, ("crm", "wh"))
