"""The scheduler's loop: when it looks again, and when it ends."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from fakes.executor import FakeExecutor
from jupyter_etl.model import Catchup, RunState
from scheduling.examples import after, cron
from scheduling.scheduling import MINUTE, FailingStore, never, publish, states


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


def test_run_continues_after_the_ledger_was_out_of_reach(
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


def test_run_shows_that_it_is_alive_and_wakes_for_the_next_time(
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


def test_a_free_worker_is_used_before_the_next_poll_is_due(
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


def test_a_wake_up_polls_at_once_also_while_a_run_is_watched(
    store, clock, scheduler_of, deploy, monkeypatch
) -> None:
    deploy(schedule=cron("0 12 * * *"))
    clock.advance(30)
    looks, waits = [], []

    class Watched(FailingStore):
        def load_outlook(self, now):
            looks.append(now)
            return store.load_outlook(now)

    # Every wait is ended before any time has passed.
    monkeypatch.setattr(clock, "wait", waits.append)
    executor = FakeExecutor(store, clock, finish_at_once=False)
    watching = scheduler_of(by=executor, on=Watched(store, "", 0))
    watching.run(stop=lambda: len(waits) == 5)
    assert len(executor.started) == 1
    assert len(looks) >= 5
