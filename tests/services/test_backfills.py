"""Backfills against a ledger; the runners are played by the test."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.store_values import finish, start
from fakes.clock import FakeClock
from fakes.notebooks import write_notebook
from jupyter_etl.errors import Conflict, DeclarationError, NotFound
from jupyter_etl.model import AttemptReport, Cause, Grain, Outcome, RunState
from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.services.backfills import Backfill, Backfills, failed
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import host_name

RANGE = "2026-01-01..2026-01-04"
BAD = AttemptReport(outcome=Outcome.FAILED, error="KeyError: 'day'")
NOW = datetime(2026, 2, 1, tzinfo=UTC)


class BusyClock(FakeClock):
    """A clock that calls a function on every wait."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(NOW)
        self._meanwhile = meanwhile

    def wait(self, seconds: float) -> None:
        """Let it happen."""
        super().wait(seconds)
        self._meanwhile()


@pytest.fixture
def sales(etl: Etl, here: Path) -> str:
    path = write_notebook(here / "sales.ipynb", "%etl param day date = yesterday", "print(day)")
    etl.pipelines.schedule(path, "@daily", timezone="UTC")
    return "sales"


def begin(etl: Etl, span: str = RANGE, **more: object) -> Backfill:
    return etl.backfills.begin(etl.backfills.plan("sales", span, **more))


def make_next(
    etl: Etl,
    *,
    took_s: float = 10,
    report: AttemptReport | None = None,
    state: RunState = RunState.SUCCEEDED,
) -> None:
    """Do what a scheduler and a runner would with the next run."""
    now = etl.clock.now()
    (claim,) = etl.store.claim("test", now=now, limit=1)
    start(etl.store, claim, now=now)
    finish(etl.store, claim, report, state=state, now=now + timedelta(seconds=took_s))


def test_a_plan_writes_nothing(etl: Etl, sales: str) -> None:
    plan = etl.backfills.plan(sales, RANGE)
    assert (plan.planned, plan.done, plan.in_progress, plan.runs) == (4, 0, 0, ())
    assert plan.title == "sales: 4 of 4 partitions to run."
    assert plan.notes == (
        "From 2026-01-01 to 2026-01-04 in UTC.",
        "No run of sales has succeeded yet, so there is no estimate.",
    )
    assert etl.runs.count() == 0


def test_begin_queues_the_oldest_first_and_once(etl: Etl, sales: str) -> None:
    before = etl.pipelines.get(sales)
    begun = begin(etl, parameters={"day": "2026-01-01"}, parallel=2)
    assert [run.id for run in begun.runs] == [1, 2, 3, 4]
    new = begun.runs[0].new
    assert (new.cause, new.version, new.policy.parallel) == (Cause.BACKFILL, 1, 2)
    assert new.parameters == {"day": "2026-01-01"}
    assert new.logical_key == "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z"
    assert etl.pipelines.get(sales).next_due == before.next_due
    again = begin(etl)
    assert (again.planned, again.in_progress, again.runs) == (0, 4, ())
    assert again.title == "sales: 0 of 4 partitions to run, 4 active and left alone."
    assert again.notes == ()
    assert etl.runs.count() == 4


def test_two_that_planned_the_same_queue_it_once(etl: Etl, sales: str) -> None:
    one, other = (etl.backfills.plan(sales, RANGE) for _ in range(2))
    assert len(etl.backfills.begin(one).runs) == 4
    assert etl.backfills.begin(other).runs == ()
    assert etl.runs.count() == 4


def test_again_after_a_failure(etl: Etl, sales: str) -> None:
    begin(etl)
    make_next(etl)
    make_next(etl, report=BAD, state=RunState.FAILED)
    etl.runs.cancel(3)
    plan = etl.backfills.plan(sales, RANGE)
    assert (plan.planned, plan.done, plan.in_progress) == (2, 1, 1)
    assert plan.title.startswith("sales: 2 of 4 partitions to run, 1 done, 1 active")
    assert [run.id for run in etl.backfills.begin(plan).runs] == [2, 3]
    assert etl.runs.get(2).state is RunState.QUEUED
    assert etl.runs.count() == 4


def test_what_was_deployed_meanwhile_is_a_new_run(etl: Etl, sales: str, here: Path) -> None:
    begin(etl, "2026-01-01")
    make_next(etl, report=BAD, state=RunState.FAILED)
    plan = etl.backfills.plan(sales, "2026-01-01")
    path = write_notebook(here / "sales.ipynb", "print('mended')")
    etl.pipelines.schedule(path, "@daily", timezone="UTC")
    (run,) = begin(etl, "2026-01-01").runs
    assert (run.id, run.new.version) == (2, 2)
    assert run.new.logical_key.endswith("#2")
    # What was planned with the version before is not begun.
    stale = replace(plan, plans=etl.backfills.plan(sales, "2026-01-02").plans)
    with pytest.raises(Conflict, match="changed while its backfill") as caught:
        etl.backfills.begin(stale)
    assert "Repeat the command" in caught.value.hint


def test_the_estimate_is_by_runs_and_workers(etl: Etl, sales: str) -> None:
    info = SchedulerInfo(
        id="s", host=host_name(), pid=os.getpid(), workers=2, seen_at=etl.clock.now()
    )
    etl.store.save_scheduler(info)
    begin(etl)
    for seconds in (10, 30, 20):
        make_next(etl, took_s=seconds)
    plan = etl.backfills.plan(sales, "2026-01-04..2026-01-08", parallel=8)
    assert (plan.planned, plan.in_progress, plan.parallel, plan.median_s) == (4, 1, 2, 20)
    assert plan.estimate_s == 40
    assert plan.notes[1] == "Estimate: 40 s, at 20 s per run and 2 at once."
    assert etl.backfills.plan(sales, RANGE, include_done=True).planned == 3


def test_the_zone_of_the_schedule_and_the_length_of_a_partition(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "sales.ipynb", "1")
    etl.pipelines.schedule(path, "daily at 06:00", timezone="Europe/Berlin")
    own, days = (etl.backfills.plan("sales", "2026-01-01", by=by) for by in (None, Grain.DAY))
    assert own.plans[0].partition.start == datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert days.plans[0].partition.start == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert days.notes[0] == "That is 2026-01-01 in Europe/Berlin."


def test_refused(etl: Etl, sales: str, here: Path) -> None:
    plan = etl.backfills.plan
    with pytest.raises(NotFound):
        plan("absent", RANGE)
    with pytest.raises(DeclarationError, match="parallel is 0"):
        plan(sales, RANGE, parallel=0)
    with pytest.raises(DeclarationError, match="no parameter 'n'"):
        plan(sales, RANGE, parameters={"n": 1})
    with pytest.raises(DeclarationError, match="not ended yet"):
        plan(sales, "2026-01-01..2027-12-31")
    assert etl.runs.count() == 0


def test_waiting_for_all_of_them(etl: Etl, sales: str) -> None:
    begin(etl, "2026-01-01")
    begun = begin(etl, "2026-01-01..2026-01-03")
    left = [BAD, None, None]

    def meanwhile() -> None:
        report = left.pop(0)
        make_next(etl, report=report, state=RunState.FAILED if report else RunState.SUCCEEDED)

    said: list[tuple[int, int]] = []
    waiting = Backfills(etl.store, BusyClock(meanwhile), etl.settings, etl.schedulers)
    ended = waiting.wait(begun, on_progress=lambda done, of: said.append((done, of)))
    assert said == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [run.id for run in ended] == [1, 2, 3]
    assert [run.id for run in failed(ended)] == [1]


def test_many(etl: Etl, sales: str) -> None:
    begun = begin(etl, "2024-07-01..2025-12-31")
    assert len(begun.runs) == 549
    assert len({run.new.logical_key for run in begun.runs}) == 549
    assert begin(etl, "2024-07-01..2025-12-31").runs == ()
