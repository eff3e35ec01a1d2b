"""Tests of every ledger: due times that a wrong clock has set."""

from __future__ import annotations

from datetime import timedelta

from contracts.store_values import HOUR, NOW, a_pipeline, a_plan, a_run, claim_one, finish
from jupyter_etl.model import AttemptReport, Cause, Outcome, RunState, Schedule, ScheduleKind
from jupyter_etl.ports import Store

MINUTE = timedelta(minutes=1)
DAY = 24 * HOUR
UNTIL, WAITS_UNTIL = NOW + MINUTE, NOW + HOUR


class DueTimesContract:
    """Loading of due times, and their correction."""

    def test_what_is_scheduled_later(self, store: Store) -> None:
        once = Schedule(kind=ScheduleKind.ONCE, text="", at=NOW)
        after = Schedule(kind=ScheduleKind.AFTER, text="", after=("x",))
        for name, due in (("b", NOW + HOUR), ("a", NOW + DAY), ("due", NOW)):
            store.deploy(a_pipeline(name, next_due=due), now=NOW)
        store.deploy(a_pipeline("spent", schedule=once, next_due=None), now=NOW)
        store.deploy(a_pipeline("after", schedule=after, next_due=None), now=NOW)
        for name in ("paused", "removed"):
            store.deploy(a_pipeline(name, next_due=NOW + DAY), now=NOW)
        store.change_pipeline("paused", now=NOW, paused=True)
        store.remove_pipeline("removed")
        assert [one.name for one in store.load_scheduled(NOW)] == ["a", "b", "spent"]

    def test_the_last_time_that_the_schedule_made_a_run_for(self, store: Store) -> None:
        for name, key, at, cause in (
            ("a", "1", NOW - HOUR, Cause.SCHEDULE),
            ("a", "2", NOW, Cause.SCHEDULE),
            ("a", "3", NOW + DAY, Cause.SCHEDULE),
            ("b", "1", NOW, Cause.MANUAL),
            ("c", "1", NOW - DAY, Cause.SCHEDULE),
        ):
            store.add_run(a_run(key, pipeline=name, due_at=at, cause=cause), now=NOW)
        store.add_run(a_run("late", pipeline="c", due_at=NOW, cause=Cause.SCHEDULE), now=NOW + DAY)
        last = store.load_last_scheduled(["a", "b", "c", "d"], until=UNTIL)
        assert last == {"a": NOW, "c": NOW - DAY}
        assert store.load_last_scheduled([], until=UNTIL) == {}

    def test_times_that_were_recorded_as_missed_too_early(self, store: Store) -> None:
        for name, cause, state, made_at in (
            ("early", Cause.SCHEDULE, RunState.SKIPPED, NOW + DAY),
            ("right", Cause.SCHEDULE, RunState.SKIPPED, NOW),
            ("queued", Cause.SCHEDULE, RunState.QUEUED, NOW + DAY),
            ("upstream", Cause.UPSTREAM, RunState.SKIPPED, NOW + DAY),
        ):
            store.add_run(a_run("k", pipeline=name, cause=cause, state=state), now=made_at)
        assert store.load_missed_early(UNTIL) == {"early"}

    def test_what_was_planned_too_early_is_taken_back(self, store: Store) -> None:
        deployed = store.deploy(a_pipeline(next_due=NOW + DAY), now=NOW)
        store.deploy(a_pipeline("other", next_due=NOW + DAY), now=NOW)
        kept = {
            "past": a_run("past", due_at=NOW - HOUR, cause=Cause.SCHEDULE),
            "missed": a_run("missed", cause=Cause.SCHEDULE, state=RunState.SKIPPED),
            "backfill": a_run("backfill", due_at=NOW + DAY, cause=Cause.BACKFILL),
            "other": a_run("k", pipeline="other", due_at=NOW + DAY, cause=Cause.SCHEDULE),
        }
        for new in kept.values():
            store.add_run(new, now=NOW)
        begun = store.add_run(a_run("begun", cause=Cause.SCHEDULE), now=NOW + DAY)
        finish(store, claim_one(store, now=NOW + DAY, run_id=begun.id))
        for key, at, made_at, state in (
            ("queued", NOW + DAY, NOW, RunState.QUEUED),
            ("skipped", NOW + DAY, NOW + DAY, RunState.SKIPPED),
            ("recorded early", NOW, NOW + DAY, RunState.SKIPPED),
            ("made early", NOW, NOW + DAY, RunState.QUEUED),
        ):
            new = a_run(key, due_at=at, cause=Cause.SCHEDULE, state=state)
            store.add_run(new, now=made_at)
        plan = a_plan(deployed, next_due=NOW + HOUR)
        correct = {"until": UNTIL, "waits_until": WAITS_UNTIL, "now": NOW}
        assert store.correct_due([plan], **correct) == [True]
        left = {run.new.logical_key for run in store.load_runs()}
        assert left == {new.logical_key for new in kept.values()} | {"begun"}
        assert store.load_pipeline("orders").next_due == NOW + HOUR
        assert store.load_pipeline("orders").revision == deployed.revision + 1
        assert store.load_pipeline("other").next_due == NOW + DAY
        assert store.correct_due([plan], **correct) == [False]

    def test_waits_that_a_wrong_clock_has_set_end(self, store: Store) -> None:
        store.add_run(a_run("due", cause=Cause.BACKFILL), now=NOW + DAY)
        store.add_run(a_run("asked for", due_at=NOW + DAY), now=NOW + DAY)
        for key, until in (("short", NOW + MINUTE * 10), ("long", NOW + DAY)):
            run = store.add_run(a_run(key), now=NOW)
            failed = AttemptReport(outcome=Outcome.FAILED)
            claim = claim_one(store, run_id=run.id)
            finish(store, claim, failed, state=RunState.QUEUED, not_before=until)
        tomorrow = a_run("tomorrow", due_at=NOW + DAY, cause=Cause.SCHEDULE)
        store.add_run(tomorrow, now=NOW)
        assert store.correct_due([], until=UNTIL, waits_until=WAITS_UNTIL, now=NOW) == []
        waits = {run.new.logical_key: run.not_before - NOW for run in store.load_runs()}
        zero = timedelta(0)
        assert waits == {
            "due": zero,
            "asked for": zero,
            "short": MINUTE * 10,
            "long": zero,
            "tomorrow": DAY,
        }
