"""Attempts whose heartbeats stop, and how attempts end that do not end themselves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.store_values import a_run, claim_one
from fakes.clock import START, FakeClock
from fakes.executor import FakeExecutor
from jupyter_etl.errors import Conflict, ExecutionError
from jupyter_etl.model import OnLost, Outcome, Policy, RunState
from jupyter_etl.ports import Claim, Store
from jupyter_etl.scheduling.lost_attempts import START_LEASES, LostAttemptRecovery, Observer
from scheduling.examples import claim

LEASE_S = 30.0


@pytest.fixture
def idle_executor(store: Store, clock: FakeClock) -> FakeExecutor:
    return FakeExecutor(store, clock)


@pytest.fixture
def recovery_of(
    store: Store, idle_executor: FakeExecutor
) -> Callable[[FakeClock], LostAttemptRecovery]:
    def make(clock: FakeClock) -> LostAttemptRecovery:
        return LostAttemptRecovery(
            store=store, executor=idle_executor, clock=clock, lease_s=LEASE_S, draw=lambda: 0.5
        )

    return make


def running(store: Store, idle_executor: FakeExecutor, **policy: object) -> Claim:
    """Start an attempt of a run with this policy."""
    run = store.add_run(replace(a_run(), policy=Policy(**policy)), now=START)  # type: ignore[arg-type]
    claim = claim_one(store, run_id=run.id)
    idle_executor.start(claim)
    return claim


def watch(
    recovery: LostAttemptRecovery, clock: FakeClock, seconds: int, heartbeat: Callable[[], None]
) -> int:
    """Poll every second, and return how many attempts were ended."""
    reaped = 0
    for _ in range(seconds):
        clock.advance(1)
        heartbeat()
        reaped += recovery.recover()[1]
    return reaped


def test_what_a_lost_attempt_left_is_ended_before_the_next_can_start(
    store: Store, clock: FakeClock, recovery_of
) -> None:
    live_when_cleaned_up: list[int] = []

    class CleaningUp(FakeExecutor):
        def clean_up(self, claim: Claim) -> None:
            super().clean_up(claim)
            live_when_cleaned_up.append(len(store.load_live_attempts()))

    idle_executor = CleaningUp(store, clock)
    claim = running(store, idle_executor)
    recovery = LostAttemptRecovery(
        store=store, executor=idle_executor, clock=clock, lease_s=LEASE_S, draw=lambda: 0.5
    )
    idle_executor.die(claim)
    assert recovery.recover() == ([], 1)
    assert [one.attempt for one in idle_executor.cleaned_up] == store_attempts_before_the_end(
        store, claim
    )
    assert live_when_cleaned_up == [1]


def store_attempts_before_the_end(store: Store, claim: Claim):  # type: ignore[no-untyped-def]
    return [
        replace(one, outcome=None, finished_at=None, error="", verdict=None)
        for one in store.load_attempts(claim.run.id)
    ]


def test_a_failed_cleanup_does_not_stop_the_recovery(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(FakeExecutor):
        def clean_up(self, claim: Claim) -> None:
            raise ExecutionError("no such host")

    idle_executor = Failing(store, clock)
    claim = running(store, idle_executor)
    recovery = LostAttemptRecovery(
        store=store, executor=idle_executor, clock=clock, lease_s=LEASE_S, draw=lambda: 0.5
    )
    idle_executor.die(claim)
    with caplog.at_level(logging.WARNING):
        assert recovery.recover() == ([], 1)
    assert "no such host" in caplog.text
    assert store.load_run(claim.run.id).state is RunState.QUEUED


def test_a_run_whose_cells_must_not_be_repeated_fails_with_the_way_on(
    store: Store, clock: FakeClock, idle_executor: FakeExecutor, recovery_of
) -> None:
    claim = running(store, idle_executor, on_lost=OnLost.FAIL)
    idle_executor.die(claim)
    assert recovery_of(clock).recover() == ([], 1)
    run = store.load_run(claim.run.id)
    assert (run.state, run.outcome) == (RunState.FAILED, Outcome.LOST)
    assert "SIGKILL" in run.error
    assert "cells may have run" in run.error
    assert f"jupyter etl retry {run.id}" in run.error
    assert store.requeue(run.id, now=clock.now()).state is RunState.QUEUED


def test_a_run_that_may_be_repeated_is_queued_again(
    store: Store, clock: FakeClock, idle_executor: FakeExecutor, recovery_of
) -> None:
    claim = running(store, idle_executor)
    idle_executor.die(claim)
    recovery_of(clock).recover()
    run = store.load_run(claim.run.id)
    assert (run.state, run.outcome) == (RunState.QUEUED, Outcome.LOST)
    assert "cells may have run" not in run.error


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=1)])
def test_a_process_with_a_wrong_clock_ends_no_attempt_with_heartbeats(
    store: Store, clock: FakeClock, idle_executor: FakeExecutor, recovery_of, off: timedelta
) -> None:
    claim = running(store, idle_executor)
    wrong = FakeClock(START + off)
    recovery = recovery_of(wrong)
    assert watch(recovery, wrong, 90, lambda: idle_executor.heartbeat(claim)) == 0
    idle_executor.succeed(claim)
    assert store.load_run(claim.run.id).state is RunState.SUCCEEDED


@pytest.mark.parametrize("off", [timedelta(0), timedelta(hours=1), timedelta(hours=-1)])
def test_it_ends_attempts_without_heartbeats_whatever_its_clock_says(
    store: Store, clock: FakeClock, idle_executor: FakeExecutor, recovery_of, off: timedelta
) -> None:
    claim = running(store, idle_executor)
    wrong = FakeClock(START + off)
    recovery = recovery_of(wrong)
    assert watch(recovery, wrong, int(LEASE_S), lambda: None) == 0
    assert watch(recovery, wrong, 2, lambda: None) == 1
    with pytest.raises(Conflict):
        idle_executor.succeed(claim)


def test_an_observer_that_was_stopped_gives_everybody_time_to_be_seen(
    store: Store, clock: FakeClock, idle_executor: FakeExecutor, recovery_of
) -> None:
    claim = running(store, idle_executor)
    recovery = recovery_of(clock)
    recovery.recover()
    clock.advance(3600)
    assert recovery.recover()[1] == 0
    assert watch(recovery, clock, 60, lambda: idle_executor.heartbeat(claim)) == 0


def poll(observer: Observer, clock: FakeClock, seconds: int, *claims) -> list[int]:
    """Poll once a second for so long; return the runs that were lost at the last poll."""
    lost = []
    for _ in range(seconds):
        clock.advance(1)
        lost = [one.run.id for one in observer.lost(claims)]
    return lost


def test_an_attempt_that_beats_is_never_lost() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    for heartbeat in range(20):
        assert poll(observer, clock, 20, claim(heartbeat=heartbeat)) == []


def test_a_silent_attempt_is_lost_after_its_lease() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim(1), claim(2)])
    assert poll(observer, clock, 30, claim(1, heartbeat=1), claim(2)) == []
    assert poll(observer, clock, 1, claim(1, heartbeat=2), claim(2)) == [2]


def test_a_dispatched_attempt_has_longer_to_begin() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    waiting = claim(started=False)
    observer.lost([waiting])
    assert poll(observer, clock, int(START_LEASES * LEASE_S), waiting) == []
    assert poll(observer, clock, 1, waiting) == [1]
    assert poll(observer, clock, 1, claim(started=True)) == [], "its start counts as a heartbeat"


def test_a_jump_of_the_wall_clock_ends_no_attempt() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim()])
    for jump in (timedelta(days=1), timedelta(days=-2)):
        clock.set(clock.now() + jump)
        assert poll(observer, clock, 5, claim()) == []


def test_an_observer_that_was_stopped_gives_time_to_be_seen_again() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim()])
    clock.advance(3600)
    assert observer.lost([claim()]) == []
    assert poll(observer, clock, 20, claim()) == []
    assert poll(observer, clock, 20, claim()) == [1]


def test_the_next_attempt_of_a_run_starts_afresh() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim()])
    assert poll(observer, clock, 31, claim()) == [1]
    assert poll(observer, clock, 1, claim(number=2)) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=60))
def test_lost_means_silent_for_longer_than_the_lease(steps: list[tuple[int, bool]]) -> None:
    clock, heartbeat, silent_s = FakeClock(), 0, 0
    observer = Observer(clock, LEASE_S)
    observer.lost([claim(heartbeat=0)])
    for seconds, heartbeats in steps:
        clock.advance(seconds)
        heartbeat += heartbeats
        silent_s = 0 if heartbeats else silent_s + seconds
        assert bool(observer.lost([claim(heartbeat=heartbeat)])) == (silent_s > LEASE_S)
