"""Which partitions of a backfill get a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.schedules.date_ranges import parse_span
from jupyter_etl.model import Cause, NewRun, Partition, Policy, Run, RunState
from jupyter_etl.scheduling.backfill import BELOW_SCHEDULED, PartitionPlan, Step, plan_backfill
from jupyter_etl.scheduling.partitions import partitions_of
from scheduling.examples import HASH, NOW, pipeline

DAYS = partitions_of(parse_span("2026-01-01..2026-01-04"), schedule=None, by=None, timezone="UTC")
SALES = pipeline(policy=Policy(parallel=2, priority=7))


def plan(
    *runs: Run, partitions: tuple[Partition, ...] = DAYS, include_done: bool = False, **more: object
) -> tuple[PartitionPlan, ...]:
    given = {"now": NOW, "timezone": "UTC", "parameters": {}, **more}
    return plan_backfill(SALES, partitions, runs, include_done=include_done, **given)


def steps(plans: tuple[PartitionPlan, ...]) -> list[Step]:
    return [one.step for one in plans]


def made(new: NewRun, state: RunState, id: int = 1) -> Run:
    """Return a run on record."""
    return Run(
        id=id,
        new=new,
        state=state,
        outcome=None,
        attempts=1,
        not_before=NOW,
        cancel_requested=False,
        created_at=NOW,
    )


def backfilled(state: RunState, day: int = 0, **changes: object) -> Run:
    """Return what an earlier backfill left of a day."""
    new = plan()[day].run
    assert new is not None
    return made(replace(new, **changes), state, id=day + 1)


def scheduled(state: RunState, day: int = 0, **changes: object) -> Run:
    return backfilled(
        state, day, cause=Cause.SCHEDULE, logical_key=f"tick-{day}", policy=Policy(), **changes
    )


def test_what_was_never_run_gets_runs() -> None:
    plans = plan(parameters={"day": "yesterday"}, timezone="Europe/Berlin", parallel=3)
    assert steps(plans) == [Step.RUN] * 4
    assert [one.partition for one in plans] == list(DAYS)
    assert plans[1].run == NewRun(
        pipeline="sales",
        version=1,
        content_hash=HASH,
        notebook="/home/sam/sales.ipynb",
        logical_key="2026-01-02T00:00:00Z..2026-01-03T00:00:00Z",
        logical_at=datetime(2026, 1, 3, tzinfo=UTC),
        interval=DAYS[1],
        due_at=NOW,
        owner="sam",
        cause=Cause.BACKFILL,
        parameters={"region": "EU", "day": "yesterday"},
        policy=Policy(parallel=3, priority=7),
        priority=7 - BELOW_SCHEDULED,
        timezone="Europe/Berlin",
    )
    assert all(one.run is not None and one.run.priority < -100 for one in plans)


@pytest.mark.parametrize("make", [backfilled, scheduled])
def test_what_has_succeeded_is_done_whatever_its_cause(make) -> None:
    good = make(RunState.SUCCEEDED, 1)
    plans = plan(good)
    assert steps(plans) == [Step.RUN, Step.DONE, Step.RUN, Step.RUN]
    assert (plans[1].found, plans[1].run) == (good, None)


def test_only_exactly_this_interval_counts() -> None:
    longer = Partition(start=DAYS[0].start, end=DAYS[0].end + timedelta(seconds=1))
    assert steps(plan(scheduled(RunState.SUCCEEDED, interval=longer))) == [Step.RUN] * 4


def test_a_draft_is_not_done() -> None:
    assert steps(plan(scheduled(RunState.SUCCEEDED, draft=True)))[0] is Step.RUN
    assert steps(plan(scheduled(RunState.RUNNING, draft=True)))[0] is Step.RUN


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.DISPATCHED, RunState.RUNNING])
@pytest.mark.parametrize("include_done", [True, False])
def test_active_runs_are_left_alone(state: RunState, include_done: bool) -> None:
    plans = plan(scheduled(state, 2), include_done=include_done)
    assert steps(plans) == [Step.RUN, Step.RUN, Step.IN_PROGRESS, Step.RUN]


@pytest.mark.parametrize(
    "state", [RunState.FAILED, RunState.CANCELLED, RunState.HELD, RunState.SKIPPED]
)
def test_what_was_not_made_is_made(state: RunState) -> None:
    (first, *_) = plan(scheduled(state))
    assert first.step is Step.RUN
    assert first.run is not None
    assert first.run.logical_key == "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z"


def test_a_failed_run_of_a_backfill_is_queued_again_as_it_was() -> None:
    bad = backfilled(RunState.FAILED, 1)
    plans = plan(bad)
    assert (plans[1].step, plans[1].found, plans[1].run) == (Step.REQUEUE, bad, None)


@pytest.mark.parametrize(
    "change",
    [
        {"content_hash": "f" * 64},
        {"notebook": "/elsewhere/sales.ipynb"},
        {"parameters": {"region": "US"}},
        {"policy": Policy(timeout_s=1)},
        {"timezone": "Europe/Berlin"},
    ],
)
def test_where_anything_differs_it_is_a_new_run_with_the_next_key(change) -> None:
    bad = backfilled(RunState.FAILED, **change)
    (first, *_) = plan(bad)
    assert (first.step, first.found) == (Step.RUN, bad)
    assert first.run is not None
    assert first.run.logical_key.endswith("T00:00:00Z#2")
    second = made(first.run, RunState.FAILED, id=9)
    assert plan(bad, second)[0].found == second
    assert plan(bad, second)[0].step is Step.REQUEUE
    third = plan(bad, made(replace(first.run, **change), RunState.FAILED, id=9))[0].run
    assert third is not None
    assert third.logical_key.endswith("#3")


def test_all_makes_new_runs_of_what_is_done() -> None:
    plans = plan(backfilled(RunState.SUCCEEDED), backfilled(RunState.FAILED, 1), include_done=True)
    assert steps(plans) == [Step.RUN] * 4
    keys = [one.run.logical_key for one in plans if one.run is not None]
    assert [key.endswith("#2") for key in keys] == [True, True, False, False]
    assert len(set(keys)) == 4


def test_planned_again_it_finds_nothing_to_do() -> None:
    queued = [made(one.run, RunState.QUEUED, id=n) for n, one in enumerate(plan()) if one.run]
    assert steps(plan(*queued)) == [Step.IN_PROGRESS] * 4
    ended = [replace(run, state=RunState.SUCCEEDED) for run in queued]
    assert steps(plan(*ended)) == [Step.DONE] * 4
    assert steps(plan(*ended[:2], *queued[2:3])) == [
        Step.DONE,
        Step.DONE,
        Step.IN_PROGRESS,
        Step.RUN,
    ]


def test_a_key_that_another_run_has_is_not_taken() -> None:
    # Missed times are one skipped run, whose key may look the same.
    key = "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z"
    longer = Partition(start=DAYS[0].start - timedelta(days=1), end=DAYS[0].end)
    missed = scheduled(RunState.SKIPPED, interval=longer)
    missed = replace(missed, new=replace(missed.new, logical_key=key))
    (first, *_) = plan(missed)
    assert first.run is not None
    assert first.run.logical_key == f"{key}#2"


def test_what_is_not_over_is_refused_with_what_is_possible() -> None:
    days = partitions_of(
        parse_span("2026-01-03..2026-01-06"), schedule=None, by=None, timezone="UTC"
    )
    with pytest.raises(DeclarationError, match=r"2026-01-05 has not ended") as caught:
        plan(partitions=days)
    assert caught.value.hint.endswith("2026-01-03..2026-01-04")
    with pytest.raises(DeclarationError) as caught:
        plan(partitions=days[2:])
    assert caught.value.hint == "None of them is over yet."
    assert steps(plan(now=days[-1].end, partitions=days)) == [Step.RUN] * 4
