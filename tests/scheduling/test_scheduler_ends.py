"""What schedulers do at the end of attempts, including notifications."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from fakes.executor import FakeExecutor
from jupyter_etl.errors import EtlError
from jupyter_etl.model import (
    STARTS_TO_ALERT,
    AttemptReport,
    HealthState,
    OnLost,
    Outcome,
    RunState,
    VerdictKind,
)
from jupyter_etl.scheduling.health import load_health
from scheduling.examples import cron
from scheduling.scheduling import FAILED, pass_time, states


def test_a_lost_attempt_is_tried_again_and_then_succeeds(
    store, clock, scheduler_of, deploy
) -> None:
    deploy(schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    pass_time(scheduler, clock, 31)
    (first,) = executor.started
    for _ in range(5):
        executor.heartbeat(first)
        pass_time(scheduler, clock, 20)
    assert len(executor.started) == 1, "it sends heartbeats"
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


def test_another_scheduler_continues_with_what_a_dead_one_left(
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


def test_a_jump_of_the_clock_ends_and_doubles_nothing(store, clock, scheduler_of, deploy) -> None:
    deploy(schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    pass_time(scheduler, clock, 31)
    for jump in (timedelta(hours=1), timedelta(hours=-2), timedelta(hours=1)):
        clock.set(clock.now() + jump)
        executor.heartbeat(executor.started[0])
        pass_time(scheduler, clock, 10)
    assert len(executor.started) == 1
    assert states(store) == [RunState.RUNNING]


def test_starts_that_fail_use_up_no_retries_and_are_seen(
    store, clock, executor, scheduler_of, deploy, notifier
) -> None:
    deploy(schedule=cron("0 12 * * *"), retries=0)
    executor.failing_starts = 20
    scheduler = scheduler_of()
    pass_time(scheduler, clock, 120)
    (run,) = store.load_runs()
    assert run.state is RunState.QUEUED
    assert run.verdict is not None
    assert run.verdict.kind is VerdictKind.PLATFORM
    assert 3 < run.unstarted == run.attempts < 20
    health = load_health(store, store.load_pipelines(), clock.now())["sales"]
    assert health.state is HealthState.LATE
    assert f"{run.unstarted} times so far" in health.why
    assert "no process could be made" in health.why
    assert notifier.said == []
    # With a wait of up to a minute before each.
    while run.unstarted < STARTS_TO_ALERT:
        pass_time(scheduler, clock, 1)
        (run,) = store.load_runs()
    pass_time(scheduler, clock, 1)
    health = load_health(store, store.load_pipelines(), clock.now())["sales"]
    assert (health.state, health.run_id) == (HealthState.FAILING, run.id)
    assert f"{run.unstarted} times so far: " in health.why
    assert "no process could be made" in health.why
    assert notifier.said == [("error", "sales cannot be started")]
    assert health.why in notifier.bodies[0]
    pass_time(scheduler, clock, 20 * 30)
    (run,) = store.load_runs()
    assert (run.state, run.attempts, run.unstarted) == (RunState.SUCCEEDED, 21, 20)
    assert notifier.said[1:] == [("info", "sales works again")]


@pytest.mark.parametrize("on_lost", OnLost)
def test_runners_that_end_before_they_begin_use_up_no_retries(
    store, clock, scheduler_of, deploy, on_lost
) -> None:
    deploy(schedule=cron("0 12 * * *"), retries=0, on_lost=on_lost)
    executor = FakeExecutor(None, clock)
    scheduler = scheduler_of(by=executor)
    for count in range(1, 6):
        while len(executor.started) < count:
            pass_time(scheduler, clock, 1)
        executor.die(executor.started[-1], 1)
        pass_time(scheduler, clock, 1)
    (run,) = store.load_runs()
    assert (run.state, run.outcome, run.unstarted) == (RunState.QUEUED, Outcome.LOST, 5)
    assert "Its cells may have run" not in run.error


def test_faults_before_the_start_leave_all_retries_to_the_notebook(
    store, clock, scheduler_of, deploy
) -> None:
    deploy(schedule=cron("0 12 * * *"), retries=2)
    executor = FakeExecutor(store, clock)
    executor.failing_starts = 4
    scheduler = scheduler_of(by=executor)
    for count in range(1, 4):
        while len(executor.started) < count:
            pass_time(scheduler, clock, 1)
        executor.die(executor.started[-1])
        pass_time(scheduler, clock, 1)
    (run,) = store.load_runs()
    assert (run.state, run.attempts, run.unstarted) == (RunState.FAILED, 7, 4)


def test_a_run_that_cannot_start_can_be_cancelled(
    store, clock, executor, scheduler_of, deploy
) -> None:
    deploy(schedule=cron("0 12 * * *"))
    executor.failing_starts = 99
    scheduler = scheduler_of()
    pass_time(scheduler, clock, 60)
    store.request_cancel(store.load_runs()[0].id, now=clock.now())
    pass_time(scheduler, clock, 60)
    assert states(store) == [RunState.CANCELLED]


def test_a_failure_and_the_recovery_are_notified(
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
            scheduler.poll()
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
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor)
    with caplog.at_level(logging.WARNING):
        pass_time(scheduler, clock, 40)
        executor.end(executor.started[0], FAILED, RunState.FAILED)
        pass_time(scheduler, clock, 60)
        executor.succeed(executor.started[1])
        pass_time(scheduler, clock, 1)
    assert states(store) == [RunState.FAILED, RunState.SUCCEEDED]
    assert "the mail server does not answer" in caplog.text
