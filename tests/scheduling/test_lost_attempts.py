"""Recovery of attempts that do not end on their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.store_values import a_run, claim_one
from fakes.clock import START, FakeClock
from fakes.executor import FakeExecutor
from fakes.ledger import new_ledger
from jupyter_etl.errors import Conflict, ExecutionError
from jupyter_etl.ledger import open_store
from jupyter_etl.model import OnLost, Outcome, Policy, RunState
from jupyter_etl.ports import Claim, Store
from jupyter_etl.scheduling.lost_attempts import LostAttemptRecovery

LEASE_S = 30.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(new_ledger(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def executor(store: Store, clock: FakeClock) -> FakeExecutor:
    return FakeExecutor(store, clock)


@pytest.fixture
def recovery_of(store: Store, executor: FakeExecutor) -> Callable[[FakeClock], LostAttemptRecovery]:
    def make(clock: FakeClock) -> LostAttemptRecovery:
        return LostAttemptRecovery(
            store=store, executor=executor, clock=clock, lease_s=LEASE_S, draw=lambda: 0.5
        )

    return make


def running(store: Store, executor: FakeExecutor, **policy: object) -> Claim:
    """Start an attempt of a run with this policy."""
    run = store.add_run(replace(a_run(), policy=Policy(**policy)), now=START)  # type: ignore[arg-type]
    claim = claim_one(store, run_id=run.id)
    executor.start(claim)
    return claim


def watch(
    recovery: LostAttemptRecovery, clock: FakeClock, seconds: int, heartbeat: Callable[[], None]
) -> int:
    """Look every second, and return how many attempts were ended."""
    reaped = 0
    for _ in range(seconds):
        clock.advance(1)
        heartbeat()
        reaped += recovery.reap()[1]
    return reaped


def test_what_a_lost_attempt_left_is_ended_before_the_next_can_start(
    store: Store, clock: FakeClock, recovery_of
) -> None:
    live_at_cleanup: list[int] = []

    class CleaningUp(FakeExecutor):
        def clean_up(self, claim: Claim) -> None:
            super().clean_up(claim)
            live_at_cleanup.append(len(store.load_live_attempts()))

    executor = CleaningUp(store, clock)
    claim = running(store, executor)
    recovery = LostAttemptRecovery(
        store=store, executor=executor, clock=clock, lease_s=LEASE_S, draw=lambda: 0.5
    )
    executor.die(claim)
    assert recovery.reap() == ([], 1)
    assert [one.attempt for one in executor.cleaned_up] == store_attempts_before_the_end(
        store, claim
    )
    assert live_at_cleanup == [1]


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

    executor = Failing(store, clock)
    claim = running(store, executor)
    recovery = LostAttemptRecovery(
        store=store, executor=executor, clock=clock, lease_s=LEASE_S, draw=lambda: 0.5
    )
    executor.die(claim)
    with caplog.at_level(logging.WARNING):
        assert recovery.reap() == ([], 1)
    assert "no such host" in caplog.text
    assert store.load_run(claim.run.id).state is RunState.QUEUED


def test_a_run_whose_cells_must_not_be_repeated_fails_with_the_way_on(
    store: Store, clock: FakeClock, executor: FakeExecutor, recovery_of
) -> None:
    claim = running(store, executor, on_lost=OnLost.FAIL)
    executor.die(claim)
    assert recovery_of(clock).reap() == ([], 1)
    run = store.load_run(claim.run.id)
    assert (run.state, run.outcome) == (RunState.FAILED, Outcome.LOST)
    assert "SIGKILL" in run.error
    assert "cells may have run" in run.error
    assert f"jupyter etl retry {run.id}" in run.error
    assert store.requeue(run.id, now=clock.now()).state is RunState.QUEUED


def test_a_run_that_may_be_repeated_is_queued_again(
    store: Store, clock: FakeClock, executor: FakeExecutor, recovery_of
) -> None:
    claim = running(store, executor)
    executor.die(claim)
    recovery_of(clock).reap()
    run = store.load_run(claim.run.id)
    assert (run.state, run.outcome) == (RunState.QUEUED, Outcome.LOST)
    assert "cells may have run" not in run.error


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=1)])
def test_a_process_with_a_wrong_clock_ends_no_attempt_with_heartbeats(
    store: Store, clock: FakeClock, executor: FakeExecutor, recovery_of, off: timedelta
) -> None:
    claim = running(store, executor)
    wrong = FakeClock(START + off)
    recovery = recovery_of(wrong)
    assert watch(recovery, wrong, 90, lambda: executor.heartbeat(claim)) == 0
    executor.succeed(claim)
    assert store.load_run(claim.run.id).state is RunState.SUCCEEDED


@pytest.mark.parametrize("off", [timedelta(0), timedelta(hours=1), timedelta(hours=-1)])
def test_it_ends_attempts_without_heartbeats_whatever_its_clock_says(
    store: Store, clock: FakeClock, executor: FakeExecutor, recovery_of, off: timedelta
) -> None:
    claim = running(store, executor)
    wrong = FakeClock(START + off)
    recovery = recovery_of(wrong)
    assert watch(recovery, wrong, int(LEASE_S), lambda: None) == 0
    assert watch(recovery, wrong, 2, lambda: None) == 1
    with pytest.raises(Conflict):
        executor.succeed(claim)


def test_an_observer_that_was_stopped_gives_everybody_time_to_be_seen(
    store: Store, clock: FakeClock, executor: FakeExecutor, recovery_of
) -> None:
    claim = running(store, executor)
    recovery = recovery_of(clock)
    recovery.reap()
    clock.advance(3600)
    assert recovery.reap()[1] == 0
    assert watch(recovery, clock, 60, lambda: executor.heartbeat(claim)) == 0
