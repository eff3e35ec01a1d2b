"""Schedulers with a wrong clock: no run is lost or doubled, and the problem is reported."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from fakes.clock import FakeClock
from fakes.executor import FakeExecutor
from jupyter_etl.model import Catchup, Overlap, Run, RunState, Schedule, ScheduleKind
from jupyter_etl.ports import SchedulerInfo, Store
from jupyter_etl.scheduling.clock_skew import ClockGuard
from jupyter_etl.scheduling.due_times import correct_due_times, unexplained_due_times
from jupyter_etl.scheduling.occurrences import next_occurrence, occurrences_between
from jupyter_etl.scheduling.scheduler import Scheduler
from scheduling.examples import cron
from scheduling.scheduling import FakeNotifier

DAY = timedelta(days=1)
SHIFTS = [DAY, -DAY, timedelta(hours=2), timedelta(days=40), timedelta(minutes=2)]


class Shifted:
    """A clock that goes as another does and shows another time.

    Args:
        clock: The right one.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.by = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self.by

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wait(self, seconds: float) -> None:
        self._clock.wait(seconds)


class Machine:
    """A scheduler with a clock of its own, whose runs succeed at once."""

    def __init__(
        self,
        store: Store,
        clock: FakeClock,
        id: str,
        *,
        by: timedelta = timedelta(0),
        ledger_time: Callable[[], datetime | None] = lambda: None,
        running: bool = True,
    ) -> None:
        self.clock = Shifted(clock)
        self.clock.by = by
        self.scheduler = Scheduler(
            store=store, executor=FakeExecutor(store, self.clock, finish_at_once=True),
            clock=self.clock, notifier=FakeNotifier(), id=id, host="here", pid=1, workers=4,
            lease_s=30.0, poll_s=1.0, draw=lambda: 0.5, ledger_time=ledger_time,
            is_running=lambda info: running,
        )  # fmt: skip


def interval(every: timedelta) -> Schedule:
    return Schedule(kind=ScheduleKind.INTERVAL, text="", every_s=every.total_seconds())


SCHEDULES = {
    "minute": cron("* * * * *"),
    "hourly": cron("0 * * * *"),
    "quarters": interval(timedelta(minutes=15)),
    "noon in Berlin": cron("0 13 * * *", "Europe/Berlin"),
}


def go(clock: FakeClock, seconds: int, *machines: Machine, step: int = 1) -> None:
    for _ in range(seconds // step):
        clock.advance(step)
        for machine in machines:
            machine.scheduler.poll()


def made(store: Store) -> list[Run]:
    return [run for run in store.load_runs(limit=10_000) if run.state is not RunState.SKIPPED]


def assert_all_ran(store: Store, schedule: Schedule, since: datetime, now: datetime) -> None:
    """Each time of the schedule has one run, and none has a run before its time."""
    runs = made(store)
    assert {run.state for run in runs} == {RunState.SUCCEEDED}
    times = sorted(run.new.logical_at for run in runs)
    assert times == list(occurrences_between(schedule, since, now + timedelta(microseconds=1)))


@pytest.mark.parametrize("by", SHIFTS)
@pytest.mark.parametrize("name", ["minute", "quarters"])
def test_one_of_three_is_wrong_for_twelve_seconds(
    store, clock, deploy, name: str, by: timedelta
) -> None:
    schedule, since = SCHEDULES[name], clock.now()
    deploy(schedule=schedule, catchup=Catchup.ALL)
    machines = [Machine(store, clock, id) for id in ("one", "two", "three")]
    go(clock, 25, *machines)
    wrong = machines[1]
    wrong.clock.by = by
    go(clock, 12, *machines)
    wrong.clock.by = timedelta(0)
    go(clock, 1200, *machines, step=20)
    assert_all_ran(store, schedule, since, clock.now())


@pytest.mark.parametrize("by", SHIFTS)
def test_the_only_one_is_wrong_for_twelve_seconds(store, clock, deploy, by: timedelta) -> None:
    since = clock.now()
    deploy(catchup=Catchup.ALL)
    machine = Machine(store, clock, "one")
    go(clock, 25, machine)
    machine.clock.by = by
    go(clock, 12, machine)
    machine.clock.by = timedelta(0)
    go(clock, 300, machine, step=5)
    assert_all_ran(store, SCHEDULES["minute"], since, clock.now())


@pytest.mark.parametrize("started_first", [True, False])
def test_one_that_is_wrong_from_its_start_plans_nothing_beside_others(
    store, clock, deploy, started_first: bool, caplog
) -> None:
    since = clock.now()
    deploy(catchup=Catchup.ALL)
    right = [Machine(store, clock, "one"), Machine(store, clock, "two")]
    go(clock, 20, *right)
    wrong = Machine(store, clock, "wrong", by=DAY)
    machines = [wrong, *right] if started_first else [*right, wrong]
    with caplog.at_level(logging.WARNING):
        go(clock, 300, *machines)
    assert_all_ran(store, SCHEDULES["minute"], since, clock.now())
    notes = {info.id: info.note for info in store.load_schedulers()}
    assert notes == {"one": "", "two": "", "wrong": notes["wrong"]}
    assert "ahead of those of other schedulers" in notes["wrong"]
    assert "Nothing is planned or started: " in caplog.text


def test_of_two_that_differ_neither_plans(store, clock, deploy) -> None:
    since = clock.now()
    deploy(catchup=Catchup.ALL)
    right, wrong = Machine(store, clock, "right"), Machine(store, clock, "wrong")
    go(clock, 20, right, wrong)
    wrong.clock.by = DAY
    go(clock, 120, right, wrong)
    assert all("clock" in info.note for info in store.load_schedulers())
    wrong.clock.by = timedelta(0)
    go(clock, 180, right, wrong)
    assert [info.note for info in store.load_schedulers()] == ["", ""]
    assert_all_ran(store, SCHEDULES["minute"], since, clock.now())


def test_one_that_has_died_decides_nothing(store, clock, deploy) -> None:
    deploy()
    go(clock, 20, Machine(store, clock, "dead", by=DAY, running=False))
    survivor = Machine(store, clock, "survivor", running=False)
    go(clock, 61, survivor)
    assert survivor.scheduler._wrong_clock == ""
    assert len(made(store)) >= 1


@pytest.mark.parametrize("by", [timedelta(seconds=61), timedelta(seconds=-61), DAY, -DAY])
def test_the_servers_clock_decides(store, clock, deploy, by: timedelta) -> None:
    since = clock.now()
    deploy(catchup=Catchup.ALL)
    right = Machine(store, clock, "right", ledger_time=clock.now)
    wrong = Machine(store, clock, "wrong", by=by, ledger_time=clock.now)
    go(clock, 120, wrong, right)
    assert_all_ran(store, SCHEDULES["minute"], since, clock.now())
    notes = {info.id: info.note for info in store.load_schedulers()}
    assert notes["right"] == ""
    assert "that of the ledger's server; set it by NTP" in notes["wrong"]
    wrong.clock.by = timedelta(seconds=40)
    go(clock, 60, wrong)
    assert_all_ran(store, SCHEDULES["minute"], since, clock.now())
    assert {info.note for info in store.load_schedulers()} == {""}


@pytest.mark.parametrize(("catchup", "overlap"), list(zip(Catchup, Overlap, strict=True)))
@pytest.mark.parametrize("by", [DAY, timedelta(minutes=2)])
@pytest.mark.parametrize("name", ["minute", "hourly", "noon in Berlin"])
def test_what_a_wrong_clock_has_planned_is_corrected(
    store, clock, deploy, name: str, by: timedelta, catchup: Catchup, overlap: Overlap
) -> None:
    schedule, since = SCHEDULES[name], clock.now()
    deploy(schedule=schedule, catchup=catchup, overlap=overlap)
    # Alone, and wrong from its start: nothing tells it so. It starts nothing.
    wrong = Machine(store, clock, "wrong", by=by, running=False)
    wrong.scheduler._workers = 0
    go(clock, 12, wrong)
    store.remove_scheduler("wrong")
    right = Machine(store, clock, "right", running=False)
    go(clock, 240, right, step=20)
    go(clock, 3600, right, step=60)
    assert unexplained_due_times(store, clock.now()) == []
    assert_all_ran(store, schedule, since, clock.now())


def test_a_run_that_was_made_too_early_is_not_made_again(store, clock, deploy) -> None:
    deploy()
    wrong = Machine(store, clock, "wrong", by=DAY, running=False)
    go(clock, 12, wrong)
    store.remove_scheduler("wrong")
    early = {run.new.logical_key for run in made(store)}
    assert len(early) == 1
    right = Machine(store, clock, "right", running=False)
    clock.advance(DAY.total_seconds() - 60)
    go(clock, 180, right)
    keys = [run.new.logical_key for run in made(store)]
    assert len(keys) == len(set(keys))
    assert early < set(keys)


def test_times_that_passed_unplanned_follow_catch_up(store, clock, deploy) -> None:
    schedule, since = SCHEDULES["minute"], clock.now()
    deploy(schedule=schedule, catchup=Catchup.ALL)
    wrong = Machine(store, clock, "wrong", by=DAY, running=False)
    wrong.scheduler._workers = 0
    go(clock, 12, wrong)
    store.remove_scheduler("wrong")
    clock.advance(1800)
    go(clock, 60, Machine(store, clock, "right", running=False))
    assert_all_ran(store, schedule, since, clock.now())


def test_a_deployment_by_a_wrong_clock_is_due_at_its_next_time(store, clock, deploy) -> None:
    clock.advance(DAY.total_seconds())
    deploy()
    clock.set(clock.now() - DAY)
    # A scheduler cannot tell which of the two clocks is wrong.
    assert correct_due_times(store, clock.now()) == []
    assert correct_due_times(store, clock.now(), deployed_later=True) == ["sales"]
    expected = next_occurrence(SCHEDULES["minute"], clock.now())
    assert store.load_pipeline("sales").next_due == expected
    assert correct_due_times(store, clock.now(), deployed_later=True) == []


@pytest.mark.parametrize("seconds", [0, 1, 29, 30, 31, 59])
def test_a_due_time_that_is_right_is_left(store, clock, deploy, seconds: int) -> None:
    clock.advance(seconds)
    for name, schedule in SCHEDULES.items():
        deploy(name, schedule=schedule)
    deploy("new year", schedule=cron("0 0 1 1 *"))
    deploy("paused")
    store.change_pipeline("paused", now=clock.now(), paused=True)
    at = clock.now() + 9 * DAY
    deploy("once", schedule=Schedule(kind=ScheduleKind.ONCE, text="", at=at))
    # Planned by a clock that is less than a minute ahead.
    go(clock, 1, Machine(store, clock, "ahead", by=timedelta(seconds=55)))
    assert correct_due_times(store, clock.now()) == []


def info(id: str, seen_at: datetime, pid: int = 1) -> SchedulerInfo:
    return SchedulerInfo(id=id, host="h", pid=pid, workers=1, seen_at=seen_at)


@pytest.mark.parametrize(
    ("aparts_s", "refused"),
    [
        ([], False),
        ([0], False),
        ([59, -59], False),
        ([61], True),
        ([-61], True),
        ([61, 0], False),
        ([61, -61], True),
        ([86400, 0, 0], False),
        ([86400, 86400, 0], True),
        ([86400, 86400, 86400], True),
    ],
)
def test_the_majority_of_living_schedulers_decides(aparts_s: list[int], refused: bool) -> None:
    clock = FakeClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    guard = ClockGuard(clock, id="me", ledger_time=lambda: None, is_running=lambda info: True)
    for _ in range(3):
        now = clock.now()
        others = [info(str(i), now + timedelta(seconds=s)) for i, s in enumerate(aparts_s)]
        guard.compare([info("me", now), *others])
        clock.advance(10)
    assert bool(guard.why_not(busy=True)) is refused


def test_a_suspended_machine_continues_after_a_minute() -> None:
    clock = FakeClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    guard = ClockGuard(clock, id="me", ledger_time=lambda: None, is_running=lambda info: False)
    assert guard.why_not(busy=True) == ""
    clock.set(clock.now() + timedelta(hours=9))
    assert "jumped by 9:00:00" in guard.why_not(busy=True)
    clock.advance(59)
    assert guard.why_not(busy=True)
    clock.advance(1)
    assert guard.why_not(busy=True) == ""
