"""Schedulers on a real ledger, with a clock and runners that do what a test says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.examples import after, cron, pipeline
from fakes.clock import FakeClock
from fakes.executor import FakeExecutor
from jupyter_etl.engine.scheduler import Scheduler
from jupyter_etl.engine.ticks import next_tick
from jupyter_etl.errors import EtlError, StoreError
from jupyter_etl.model import (
    AttemptReport,
    Catchup,
    Committed,
    Outcome,
    Pipeline,
    Policy,
    PublicationKind,
    Run,
    RunState,
    Schedule,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Store
from jupyter_etl.store import open_store

MINUTE = timedelta(minutes=1)
FAILED = AttemptReport(
    outcome=Outcome.FAILED,
    error="NameError: name 'x' is not defined",
    failed_cell=4,
    verdict=Verdict(kind=VerdictKind.NOTEBOOK, evidence="x is not defined"),
)


class FakeNotifier:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.broken = False

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        if self.broken:
            raise EtlError("the mail server does not answer")
        self.said.append((severity, title))
        self.bodies.append(body)


class FailingStore:
    """A ledger that cannot be reached at some calls of one method."""

    def __init__(self, store: Store, method: str, failures: int) -> None:
        self._store = store
        self._method = method
        self.failures = failures

    def __getattr__(self, name: str) -> object:
        if name == self._method and self.failures > 0:
            self.failures -= 1
            raise StoreError("the ledger cannot be reached")
        return getattr(self._store, name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 1, 5, 11, 59, 30, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def executor(store: Store, clock: FakeClock) -> FakeExecutor:
    return FakeExecutor(store, clock, finish_at_once=True)


@pytest.fixture
def notifier() -> FakeNotifier:
    return FakeNotifier()


@pytest.fixture
def scheduler_of(store, clock, executor, notifier) -> Callable[..., Scheduler]:
    def make(id: str = "one", *, workers: int = 2, on=store, by=executor) -> Scheduler:
        return Scheduler(
            store=on, executor=by, clock=clock, notifier=notifier, id=id, host="here", pid=1,
            workers=workers, lease_s=30.0, tick_s=1.0, draw=lambda: 0.5,
        )  # fmt: skip

    return make


@pytest.fixture
def deploy(store: Store, clock: FakeClock) -> Callable[..., Pipeline]:
    content_hash = store.save_snapshot("{}")

    def make(name: str = "sales", schedule: Schedule | None = None, **policy: object) -> Pipeline:
        schedule = schedule or cron("* * * * *")
        now = clock.now()
        declared = pipeline(
            name,
            schedule=schedule,
            policy=Policy(**policy),
            next_due=next_tick(schedule, now),
            content_hash=content_hash,
        )
        return store.deploy(declared, now=now)

    return make


def states(store: Store) -> list[RunState]:
    return [run.state for run in reversed(store.load_runs())]


def pass_time(scheduler: Scheduler, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
        scheduler.tick()


def never() -> bool:
    return False


def test_a_time_that_comes_is_run_once(store, clock, executor, scheduler_of, deploy) -> None:
    deploy()
    scheduler = scheduler_of()
    pass_time(scheduler, clock, 29)
    assert store.count_runs() == 0
    pass_time(scheduler, clock, 1)
    (run,) = store.load_runs()
    assert run.state is RunState.SUCCEEDED
    assert run.new.logical_key == "2026-01-05T12:00:00Z"
    pass_time(scheduler, clock, 59)
    assert store.count_runs() == 1
    pass_time(scheduler, clock, 1)
    assert store.count_runs() == 2
    assert len(executor.started) == 2


def test_two_schedulers_make_one_run(store, clock, executor, scheduler_of, deploy) -> None:
    deploy()
    both = [scheduler_of("one"), scheduler_of("two")]
    for _ in range(10):
        clock.advance(20)
        for scheduler in both:
            scheduler.tick()
    keys = [run.new.logical_key for run in store.load_runs()]
    assert len(keys) == len(set(keys)) == 3
    assert len(executor.started) == 3


def test_a_plan_that_somebody_else_made_first_is_left_to_them(
    store, clock, executor, scheduler_of, deploy
) -> None:
    deploy()
    fast = scheduler_of("fast")
    clock.advance(60)

    class Overtaken(FailingStore):
        def load_due(self, now, *, limit):
            due = store.load_due(now, limit=limit)
            fast.tick()
            return due

    slow = scheduler_of("slow", on=Overtaken(store, "", 0))
    slow.tick()
    assert store.count_runs() == 1
    assert len(executor.started) == 1


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        (Catchup.LATEST, [RunState.SKIPPED, RunState.SUCCEEDED]),
        (Catchup.NONE, [RunState.SKIPPED, RunState.SUCCEEDED]),
        (Catchup.ALL, [RunState.SUCCEEDED] * 5),
    ],
)
def test_after_an_outage_a_new_scheduler_catches_up(
    store, clock, scheduler_of, deploy, catchup: Catchup, expected: list[RunState]
) -> None:
    deploy(catchup=catchup)
    clock.advance(30 + 4 * 60)
    new = scheduler_of("new", workers=9)
    for _ in expected:
        new.tick()
    assert states(store) == expected


def test_a_lost_attempt_is_tried_again_and_then_succeeds(
    store, clock, scheduler_of, deploy
) -> None:
    deploy(schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    pass_time(scheduler, clock, 31)
    (first,) = executor.started
    for _ in range(5):
        executor.beat(first)
        pass_time(scheduler, clock, 20)
    assert len(executor.started) == 1, "it beats"
    pass_time(scheduler, clock, 40)
    first, second = executor.started
    assert second.attempt.number == 2
    with pytest.raises(EtlError):
        executor.succeed(first)
    executor.succeed(second)
    (run,) = store.load_runs()
    assert run.state is RunState.SUCCEEDED
    outcomes = [attempt.outcome for attempt in store.load_attempts(run.id)]
    assert outcomes == [Outcome.LOST, Outcome.SUCCEEDED]


def test_a_runner_that_exits_without_a_word_is_lost_at_once(
    store, clock, scheduler_of, deploy
) -> None:
    deploy(schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    pass_time(scheduler, clock, 31)
    executor.die(executor.started[0])
    pass_time(scheduler, clock, 3)
    assert [one.attempt.number for one in executor.started] == [1, 2]
    (attempt, _) = store.load_attempts(executor.started[0].run.id)
    assert attempt.outcome is Outcome.LOST
    assert "SIGKILL" in attempt.error


def test_another_scheduler_goes_on_with_what_a_dead_one_left(
    store, clock, executor, scheduler_of, deploy, notifier
) -> None:
    deploy(schedule=cron("0 12 * * *"))
    silent = FakeExecutor(None, clock)
    pass_time(scheduler_of("dead", by=silent), clock, 31)
    assert len(silent.started) == 1
    survivor = scheduler_of("survivor")
    pass_time(survivor, clock, 70)
    (run,) = store.load_runs()
    assert run.state is RunState.SUCCEEDED
    assert run.attempts == 2


def test_a_jump_of_the_clock_reaps_and_doubles_nothing(store, clock, scheduler_of, deploy) -> None:
    deploy(schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    pass_time(scheduler, clock, 31)
    for jump in (timedelta(hours=1), timedelta(hours=-2), timedelta(hours=1)):
        clock.set(clock.now() + jump)
        executor.beat(executor.started[0])
        pass_time(scheduler, clock, 10)
    assert len(executor.started) == 1
    assert states(store) == [RunState.RUNNING]


def test_a_start_that_fails_is_tried_again_and_then_fails(
    store, clock, executor, scheduler_of, deploy, notifier
) -> None:
    deploy(schedule=cron("0 12 * * *"), retries=1)
    executor.failing_starts = 2
    pass_time(scheduler_of(), clock, 60)
    (run,) = store.load_runs()
    assert run.state is RunState.FAILED
    assert run.verdict is not None
    assert run.verdict.kind is VerdictKind.PLATFORM
    assert "no process could be made" in run.error
    assert notifier.said == [("error", "sales failed")]


def test_no_more_attempts_than_workers(store, clock, scheduler_of, deploy) -> None:
    for number in range(5):
        deploy(f"p{number}", schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=2)
    while store.count_runs(states=[RunState.SUCCEEDED]) < 5:
        clock.advance(16)
        scheduler.tick()
        live = store.load_live_attempts()
        assert len(live) <= 2
        for claim in live:
            executor.succeed(claim)


def test_people_are_told_of_a_failure_and_of_the_recovery(
    store, clock, scheduler_of, deploy, notifier
) -> None:
    deploy()
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    for report, state in [
        (AttemptReport(outcome=Outcome.SUCCEEDED), RunState.SUCCEEDED),
        (FAILED, RunState.FAILED),
        (AttemptReport(outcome=Outcome.SUCCEEDED), RunState.SUCCEEDED),
        (AttemptReport(outcome=Outcome.SUCCEEDED), RunState.SUCCEEDED),
    ]:
        while not store.load_live_attempts():
            clock.advance(10)
            scheduler.tick()
        executor.end(executor.started[-1], report, state)
        pass_time(scheduler, clock, 2)
    assert notifier.said == [("error", "sales failed"), ("info", "sales works again")]
    assert "Cell: 5" in notifier.bodies[0]
    assert "NameError" in notifier.bodies[0]


def test_a_notifier_that_fails_stops_nothing(
    store, clock, executor, scheduler_of, deploy, notifier, caplog
) -> None:
    deploy(retries=0)
    notifier.broken = True
    executor.failing_starts = 1
    with caplog.at_level(logging.WARNING):
        pass_time(scheduler_of(), clock, 100)
    assert states(store) == [RunState.FAILED, RunState.SUCCEEDED]
    assert "the mail server does not answer" in caplog.text


def test_a_pipeline_that_cannot_be_planned_stops_no_other_and_is_logged_once(
    store, clock, scheduler_of, deploy, caplog
) -> None:
    broken = pipeline("broken", schedule=cron("0 0 * * *", "Mars/Olympus"), next_due=clock.now())
    store.deploy(broken, now=clock.now())
    deploy("sound")
    with caplog.at_level(logging.ERROR):
        pass_time(scheduler_of(), clock, 40)
    assert [run.new.pipeline for run in store.load_runs()] == ["sound"]
    assert [record.message.count("'broken'") for record in caplog.records] == [1]


def publish(store: Store, name: str, now: datetime) -> int:
    what = Committed(name=name, kind=PublicationKind.TABLE, location=f"/lake/{name}")
    made = store.publish(what, owner="kim", pipeline="", notebook="", draft=False, now=now)
    return made.number


def test_every_new_version_upstream_starts_one_run(
    store, clock, executor, scheduler_of, deploy
) -> None:
    deploy("brief", schedule=after("delays", "absent"))
    scheduler = scheduler_of()
    pass_time(scheduler, clock, 3)
    assert store.count_runs() == 0
    for _ in range(3):
        publish(store, "delays", clock.now())
        pass_time(scheduler, clock, 5)
    pass_time(scheduler_of("restarted"), clock, 5)
    keys = [run.new.logical_key for run in reversed(store.load_runs())]
    assert keys == ["delays@1", "delays@2", "delays@3"]


def test_versions_that_come_while_one_waits_are_one_run(
    store, clock, executor, scheduler_of, deploy
) -> None:
    deploy("brief", schedule=after("delays"))
    scheduler = scheduler_of(workers=0)
    for _ in range(3):
        publish(store, "delays", clock.now())
        pass_time(scheduler, clock, 5)
    runs = list(reversed(store.load_runs()))
    assert [run.new.logical_key for run in runs] == ["delays@1", "delays@2", "delays@3"]
    assert states(store) == [RunState.SKIPPED, RunState.SKIPPED, RunState.QUEUED]


def test_versions_that_come_while_one_runs_are_one_run_after_it(
    store, clock, scheduler_of, deploy
) -> None:
    deploy("brief", schedule=after("delays"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=9)
    for _ in range(3):
        publish(store, "delays", clock.now())
        pass_time(scheduler, clock, 5)
    assert len(executor.started) == 1
    executor.succeed(executor.started[0])
    pass_time(scheduler, clock, 2)
    assert [one.run.new.logical_key for one in executor.started] == ["delays@1", "delays@3"]


def test_run_until_idle_waits_for_retries_and_downstream(
    store, clock, scheduler_of, deploy
) -> None:
    deploy("daily", schedule=cron("0 12 * * *"))
    deploy("brief", schedule=after("delays"))
    clock.advance(60)

    class Publishing(FakeExecutor):
        def start(self, claim) -> None:
            super().start(claim)
            if claim.run.new.pipeline == "daily" and claim.attempt.number == 2:
                publish(store, "delays", clock.now())

    executor = Publishing(store, clock, finish_at_once=True)
    executor.failing_starts = 1
    scheduler_of(by=executor).run(until_idle=True, stop=never)
    done = {run.new.pipeline: run for run in store.load_runs()}
    assert done["daily"].state is RunState.SUCCEEDED
    assert done["daily"].attempts == 2
    assert done["brief"].state is RunState.SUCCEEDED
    assert store.load_schedulers() == []


def test_run_until_idle_returns_at_once_where_nothing_is_due(scheduler_of, deploy, clock) -> None:
    deploy(schedule=cron("0 0 1 1 *"))
    start = clock.now()
    scheduler_of().run(until_idle=True, stop=never)
    assert clock.now() - start < MINUTE


@pytest.mark.slow
def test_run_until_idle_plans_all_batches(store, clock, executor, scheduler_of, deploy) -> None:
    deploy(catchup=Catchup.ALL)
    clock.advance(105 * 60)
    scheduler_of(workers=60).run(until_idle=True, stop=never)
    keys = {run.new.logical_key for run in store.load_runs(limit=1000)}
    assert len(keys) >= 105
    assert set(states(store)) == {RunState.SUCCEEDED}


def test_run_goes_on_after_the_ledger_was_out_of_reach(
    store, clock, executor, scheduler_of, deploy, caplog
) -> None:
    deploy()
    failing = FailingStore(store, "load_due", 6)
    stops = iter([False] * 200 + [True] * 9)
    with caplog.at_level(logging.WARNING):
        scheduler_of(on=failing).run(stop=lambda: next(stops))
    assert store.count_runs(states=[RunState.SUCCEEDED]) >= 1
    assert failing.failures == 0
    assert caplog.text.count("cannot be used") == 1
    assert caplog.text.count("can be used again after 6 failures") == 1


def test_run_says_that_it_is_alive_and_wakes_for_the_next_time(
    store, clock, executor, scheduler_of, deploy
) -> None:
    deploy()
    clock.advance(29.6)
    seen = []

    def stop() -> bool:
        seen.append([one.id for one in store.load_schedulers()])
        return store.count_runs() > 0

    scheduler_of().run(stop=stop)
    (run,) = store.load_runs()
    assert run.created_at - run.new.due_at < timedelta(seconds=0.1)
    assert seen[-1] == ["one"]
    assert store.load_schedulers() == []


def test_a_free_worker_is_used_before_the_next_look_is_due(
    store, clock, scheduler_of, deploy
) -> None:
    for number in range(4):
        deploy(f"p{number}", schedule=cron("0 12 * * *"))
    clock.advance(30)
    executor = FakeExecutor(store, clock, finish_at_once=True)
    start = clock.now()
    scheduler_of(by=executor, workers=1).run(
        stop=lambda: store.count_runs(states=[RunState.SUCCEEDED]) == 4
    )
    assert clock.now() - start < timedelta(seconds=1)
