"""What runs a pipeline gets: due times, missed times, overlaps, new versions upstream."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import (
    Catchup,
    Cause,
    Overlap,
    Partition,
    Pipeline,
    Policy,
    RunState,
    Schedule,
    ScheduleKind,
)
from jupyter_etl.scheduling.occurrences import occurrences_between
from jupyter_etl.scheduling.planner import BATCH, logical_key_of, plan_due, plan_upstream
from scheduling.examples import NOW, after, cron, pipeline, run, version

HOUR = timedelta(hours=1)
HOURLY = cron("0 * * * *")


def hourly(*, due_h: int = 0, catchup: Catchup = Catchup.LATEST, overlap: Overlap = Overlap.SKIP):
    """An hourly pipeline whose next time is ``due_h`` hours before NOW."""
    policy = Policy(catchup=catchup, overlap=overlap)
    return pipeline(schedule=HOURLY, policy=policy, next_due=NOW - due_h * HOUR)


@contextmanager
def counted_calls() -> Iterator[list[str]]:
    """Collect the names of the Python functions that are called meanwhile."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_a_time_that_has_come_is_one_run() -> None:
    plan = plan_due(hourly(), NOW, active=[])
    (made,) = plan.runs
    assert made.logical_key == "2026-01-05T12:00:00Z"
    assert made.state is RunState.QUEUED
    assert made.cause is Cause.SCHEDULE
    assert made.due_at == made.logical_at == NOW
    assert made.interval == Partition(start=NOW - HOUR, end=NOW)
    assert made.parameters == {"region": "EU"}
    assert made.version == 1
    assert plan.next_due == NOW + HOUR
    assert plan.cancel == ()


@pytest.mark.parametrize(
    "changes",
    [{"paused": True}, {"schedule": None}, {"next_due": None}, {"next_due": NOW + HOUR}],
)
def test_nothing_is_planned_that_is_not_due(changes: dict[str, object]) -> None:
    quiet = replace(hourly(), **changes)
    plan = plan_due(quiet, NOW, active=[])
    assert plan.runs == ()
    assert plan.next_due == quiet.next_due


def test_catch_up_latest_runs_the_last_and_records_the_rest_as_one() -> None:
    plan = plan_due(hourly(due_h=5), NOW + timedelta(minutes=59), active=[])
    skipped, made = plan.runs
    assert skipped.state is RunState.SKIPPED
    assert skipped.logical_key == "2026-01-05T07:00:00Z..2026-01-05T11:00:00Z"
    assert "5 due times" in skipped.note
    assert "from 2026-01-05T07:00:00Z to 2026-01-05T11:00:00Z" in skipped.note
    assert skipped.interval == Partition(start=NOW - 6 * HOUR, end=NOW - HOUR)
    assert made.state is RunState.QUEUED
    assert made.logical_at == NOW
    assert plan.next_due == NOW + HOUR


def test_one_missed_time_is_recorded_under_its_own_key() -> None:
    skipped, made = plan_due(hourly(due_h=1), NOW, active=[]).runs
    assert skipped.logical_key == "2026-01-05T11:00:00Z"
    assert "1 due time was missed, at" in skipped.note
    assert made.logical_at == NOW


def test_catch_up_none_runs_only_what_has_just_come() -> None:
    missed = hourly(due_h=3, catchup=Catchup.NONE)
    seen = plan_due(missed, NOW + timedelta(seconds=5), active=[])
    assert [one.state for one in seen.runs] == [RunState.SKIPPED, RunState.QUEUED]
    late = plan_due(missed, NOW + timedelta(minutes=20), active=[])
    assert [one.state for one in late.runs] == [RunState.SKIPPED]
    assert "4 due times" in late.runs[0].note
    assert late.next_due == NOW + HOUR


def test_catch_up_all_runs_every_time_in_batches_even_while_one_is_active() -> None:
    due, runs = hourly(due_h=250, catchup=Catchup.ALL), []
    rounds = 0
    while due.next_due is not None and due.next_due <= NOW:
        plan = plan_due(due, NOW, active=[run(state=RunState.RUNNING)])
        assert len(plan.runs) <= BATCH
        assert plan.cancel == ()
        runs += plan.runs
        due, rounds = replace(due, next_due=plan.next_due), rounds + 1
    assert rounds == 3
    assert [one.logical_at for one in runs] == [NOW - hours * HOUR for hours in range(250, -1, -1)]
    assert {one.state for one in runs} == {RunState.QUEUED}


def test_a_month_of_missed_minutes_is_not_walked() -> None:
    first = NOW - timedelta(days=30)
    due = pipeline(schedule=cron("* * * * *", "Europe/Berlin"), next_due=first)
    with counted_calls() as calls:
        skipped, made = plan_due(due, NOW, active=[]).runs
    assert f"{30 * 1440} due times" in skipped.note
    assert made.logical_at == NOW
    assert 0 < len(calls) < 1440


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.DISPATCHED, RunState.RUNNING])
def test_overlap_skip_records_the_time_with_the_run_it_met(state: RunState) -> None:
    plan = plan_due(hourly(), NOW, active=[run(7, state=state)])
    (skipped,) = plan.runs
    assert skipped.state is RunState.SKIPPED
    assert skipped.logical_key == logical_key_of(NOW)
    assert "Run 7" in skipped.note
    assert plan.next_due == NOW + HOUR


def test_overlap_queue_and_cancel_previous() -> None:
    active = [run(7, state=RunState.RUNNING), run(8)]
    queue = plan_due(hourly(overlap=Overlap.QUEUE), NOW, active=active)
    assert [one.state for one in queue.runs] == [RunState.QUEUED]
    assert queue.cancel == ()
    cancel = plan_due(hourly(overlap=Overlap.CANCEL_PREVIOUS), NOW, active=active)
    assert [one.state for one in cancel.runs] == [RunState.QUEUED]
    assert cancel.cancel == (7, 8)


@pytest.mark.parametrize("other", [run(7, cause=Cause.BACKFILL), run(7, draft=True)])
def test_backfills_and_drafts_do_not_overlap(other) -> None:
    for overlap in Overlap:
        plan = plan_due(hourly(overlap=overlap), NOW, active=[other])
        assert [one.state for one in plan.runs] == [RunState.QUEUED]
        assert plan.cancel == ()


def test_a_one_shot_is_spent() -> None:
    once = Schedule(kind=ScheduleKind.ONCE, text="", at=NOW)
    plan = plan_due(pipeline(schedule=once, next_due=NOW), NOW + timedelta(days=3), active=[])
    assert [one.logical_at for one in plan.runs] == [NOW]
    assert plan.next_due is None


def test_a_schedule_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(DeclarationError):
        plan_due(pipeline(schedule=cron("99 * * * *"), next_due=NOW), NOW, active=[])


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *", "0 */2 * * *", "0 6 * * 1-5"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe"]),
    st.integers(0, 24 * 60),
    st.sampled_from(list(Catchup)),
)
def test_every_time_is_run_or_recorded_once_and_next_due_is_later(
    text: str, zone: str, minutes: int, catchup: Catchup
) -> None:
    schedule = cron(text, zone)
    start = NOW + timedelta(days=82, minutes=0)
    end = start + timedelta(minutes=minutes)
    times = list(occurrences_between(schedule, start, end))
    if not times:
        return
    due = pipeline(schedule=schedule, policy=Policy(catchup=catchup), next_due=times[0])
    runs = []
    while due.next_due is not None and due.next_due <= end:
        plan = plan_due(due, end, active=[])
        runs += plan.runs
        due = replace(due, next_due=plan.next_due)
    assert len({one.logical_key for one in runs}) == len(runs)
    queued = [one.logical_at for one in runs if one.state is RunState.QUEUED]
    skipped = sum(int(one.note.split()[0]) for one in runs if one.state is RunState.SKIPPED)
    assert len(queued) + skipped == len(times)
    if catchup is Catchup.ALL:
        assert queued == times
    if catchup is Catchup.LATEST:
        assert queued == times[-1:]
    assert due.next_due is not None
    assert due.next_due > end


BRIEF = pipeline("brief", schedule=after("delays", "weather"))
BOTH = replace(BRIEF, schedule=replace(after("delays", "weather"), after_all=True))


def with_seen(of: Pipeline, **seen: int) -> Pipeline:
    return replace(of, seen=seen)


def test_a_new_version_is_one_run() -> None:
    live = {"delays": version("delays", 7), "other": version("other", 3)}
    brief = replace(with_seen(BRIEF, delays=6), sources=("wh",), policy=Policy(priority=4))
    plan = plan_upstream(brief, live, active=[], now=NOW + HOUR)
    (made,) = plan.runs
    assert made.logical_key == "delays@7"
    assert made.upstream == {"delays": 7}
    assert made.cause is Cause.UPSTREAM
    assert made.logical_at == NOW
    assert made.due_at == NOW + HOUR
    assert (made.priority, made.sources) == (4, ("wh",))
    assert made.interval.end - made.interval.start == timedelta(days=1)
    assert made.interval.start <= NOW < made.interval.end


def test_a_version_that_was_seen_starts_nothing() -> None:
    live = {"delays": version("delays", 7)}
    assert plan_upstream(with_seen(BRIEF, delays=7), live, active=[], now=NOW).runs == ()
    assert plan_upstream(BRIEF, {}, active=[], now=NOW).runs == ()
    paused = replace(BRIEF, paused=True)
    assert plan_upstream(paused, live, active=[], now=NOW).runs == ()


def test_versions_of_several_publications_are_one_run_named_by_the_newest() -> None:
    live = {"delays": version("delays", 7), "weather": version("weather", 2, NOW + HOUR)}
    (made,) = plan_upstream(BRIEF, live, active=[], now=NOW + 2 * HOUR).runs
    assert made.logical_key == "weather@2"
    assert made.upstream == {"delays": 7, "weather": 2}


def test_all_waits_until_each_has_a_new_version() -> None:
    live = {"delays": version("delays", 7)}
    assert plan_upstream(BOTH, live, active=[], now=NOW).runs == ()
    live["weather"] = version("weather", 2)
    (made,) = plan_upstream(BOTH, live, active=[], now=NOW).runs
    assert made.upstream == {"delays": 7, "weather": 2}
    ran = with_seen(BOTH, **made.upstream)
    live["delays"] = version("delays", 9, NOW + HOUR)
    assert plan_upstream(ran, live, active=[], now=NOW).runs == ()
    live["weather"] = version("weather", 3)
    (second,) = plan_upstream(ran, live, active=[], now=NOW).runs
    assert (second.logical_key, second.upstream) == ("delays@9", {"delays": 9, "weather": 3})


@given(st.lists(st.tuples(st.sampled_from(["delays", "weather"]), st.booleans())), st.booleans())
def test_no_version_starts_two_runs(steps: list[tuple[str, bool]], every: bool) -> None:
    follower = BOTH if every else BRIEF
    numbers: dict[str, int] = {}
    keys: list[str] = []
    started: list[tuple[str, int]] = []
    for moment, (name, looks) in enumerate(steps):
        numbers[name] = numbers.get(name, 0) + 1
        if not looks:
            continue
        live = {one: version(one, n, NOW + moment * HOUR) for one, n in numbers.items()}
        for made in plan_upstream(follower, live, active=[], now=NOW + moment * HOUR).runs:
            keys.append(made.logical_key)
            started += made.upstream.items()
            if every:
                assert set(made.upstream) == {"delays", "weather"}
            follower = replace(follower, seen={**follower.seen, **made.upstream})
    assert len(set(keys)) == len(keys)
    assert len(set(started)) == len(started)


def test_a_waiting_run_is_replaced_and_a_running_one_is_left() -> None:
    waiting = run(5, cause=Cause.UPSTREAM, upstream={"weather": 2, "delays": 6})
    running = run(4, cause=Cause.UPSTREAM, state=RunState.RUNNING, upstream={"delays": 5})
    manual = run(6, cause=Cause.MANUAL)
    live = {"delays": version("delays", 7), "weather": version("weather", 2)}
    active = [manual, waiting, running]
    brief = with_seen(BRIEF, delays=6, weather=2)
    plan = plan_upstream(brief, live, active=active, now=NOW)
    assert plan.cancel == (5,)
    assert plan.runs[0].upstream == {"weather": 2, "delays": 7}
    hasty = replace(brief, policy=Policy(overlap=Overlap.CANCEL_PREVIOUS))
    assert plan_upstream(hasty, live, active=active, now=NOW).cancel == (5, 4)
