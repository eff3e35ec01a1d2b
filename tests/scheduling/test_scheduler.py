"""What schedulers plan and start."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.executor import FakeExecutor
from jupyter_etl.model import Catchup, RunState
from scheduling.examples import after, cron, pipeline
from scheduling.scheduling import MINUTE, FailingStore, never, pass_time, publish, states


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
            scheduler.poll()
    keys = [run.new.logical_key for run in store.load_runs()]
    assert len(keys) == len(set(keys)) == 3
    assert len(executor.started) == 3


def test_a_plan_that_another_scheduler_made_first_is_left_to_it(
    store, clock, executor, scheduler_of, deploy
) -> None:
    deploy()
    fast = scheduler_of("fast")
    clock.advance(60)

    class Overtaken(FailingStore):
        def load_due(self, now, *, limit):
            due = store.load_due(now, limit=limit)
            fast.poll()
            return due

    slow = scheduler_of("slow", on=Overtaken(store, "", 0))
    slow.poll()
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
        new.poll()
    assert states(store) == expected


def test_no_more_attempts_than_workers(store, clock, scheduler_of, deploy) -> None:
    for number in range(5):
        deploy(f"p{number}", schedule=cron("0 12 * * *"))
    executor = FakeExecutor(store, clock)
    scheduler = scheduler_of(by=executor, workers=2)
    while store.count_runs(states=[RunState.SUCCEEDED]) < 5:
        clock.advance(16)
        scheduler.poll()
        live = store.load_live_attempts()
        assert len(live) <= 2
        for claim in live:
            executor.succeed(claim)


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


def test_it_continues_when_a_deleted_ledger_is_back(
    store, clock, executor, scheduler_of, deploy, tmp_path: Path, caplog
) -> None:
    deploy()
    path, aside = tmp_path / "ledger.sqlite", tmp_path / "aside"
    looks = iter(range(1000))

    def stop() -> bool:
        look = next(looks)
        if look == 2:
            path.rename(aside)
        if look == 30:
            aside.rename(path)
        return look > 30 and store.count_runs(states=[RunState.SUCCEEDED]) >= 1

    with caplog.at_level(logging.WARNING):
        scheduler_of().run(stop=stop)
    assert "is missing" in caplog.text
    assert "can be used again" in caplog.text
