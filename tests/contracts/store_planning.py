"""Tests of every ledger: due pipelines and the planning of their runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.store_values import (
    EARLY,
    HOUR,
    NOW,
    a_pipeline,
    a_plan,
    a_run,
    an_output,
    claim_one,
    finish,
    start,
    started,
    succeeded,
)
from fakes.model_values import summary_of
from jupyter_etl.model import (
    AttemptReport,
    Cause,
    Outcome,
    RunState,
    Schedule,
    ScheduleKind,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Outlook, Store

AFTER = Schedule(kind=ScheduleKind.AFTER, text="", after=("sales.daily",))
NO_ANSWER = AttemptReport(
    outcome=Outcome.FAILED,
    failed_source="wh",
    verdict=Verdict(kind=VerdictKind.SOURCE, evidence="refused", retryable=True),
)


NOTHING = Outlook(
    due=False, subscribers=False, live=False, unnotified=False, ready=False, next_at=None
)


class PlanningContract:
    """Due pipelines, plans, and conflicts with existing runs."""

    def test_a_planned_run_is_what_was_asked_for(self, store: Store) -> None:
        pipeline = store.deploy(a_pipeline(next_due=NOW), now=NOW)
        new = a_run(sources=("wh", "sälés"), priority=3)
        assert store.plan([a_plan(pipeline, new, next_due=NOW + HOUR)], now=NOW) == [True]
        (run,) = store.load_runs()
        assert run.new == new
        assert (run.state, run.outcome, run.attempts) == (RunState.QUEUED, None, 0)
        assert (run.not_before, run.created_at, run.finished_at) == (NOW, NOW, None)
        after = store.load_pipeline("orders")
        assert after.next_due == NOW + HOUR
        assert after.revision > pipeline.revision

    def test_the_outlook_of_an_empty_ledger(self, store: Store) -> None:
        assert store.load_outlook(NOW) == NOTHING

    def test_the_outlook_shows_what_there_is_to_do(self, store: Store) -> None:
        pipeline = store.deploy(a_pipeline(next_due=NOW + HOUR), now=NOW)
        assert store.load_outlook(NOW) == replace(NOTHING, next_at=NOW + HOUR)
        assert store.load_outlook(NOW + HOUR) == replace(NOTHING, due=True)
        store.deploy(a_pipeline("brief", schedule=AFTER, next_due=None), now=NOW)
        assert store.load_outlook(NOW).subscribers
        for name in ("brief", pipeline.name):
            store.change_pipeline(name, now=NOW, paused=True)
        assert store.load_outlook(NOW + HOUR) == NOTHING

    def test_the_outlook_of_a_run_from_queue_to_end(self, store: Store) -> None:
        store.add_run(a_run(due_at=NOW + HOUR), now=NOW)
        assert store.load_outlook(NOW) == replace(NOTHING, next_at=NOW + HOUR)
        assert store.load_outlook(NOW + HOUR) == replace(NOTHING, ready=True)
        claim = store.claim("s", now=NOW + HOUR, limit=1)[0]
        assert store.load_outlook(NOW + HOUR) == replace(NOTHING, live=True)
        finish(store, claim, NO_ANSWER, state=RunState.FAILED)
        outlook = store.load_outlook(NOW + HOUR)
        assert (outlook.live, outlook.ready, outlook.unnotified) == (False, False, True)
        store.save_notified([claim.run.id])
        assert store.load_outlook(NOW + HOUR).unnotified is False

    def test_a_run_that_is_made_late_could_not_start_before(self, store: Store) -> None:
        run = store.add_run(a_run(due_at=NOW - 9 * HOUR), now=NOW)
        assert (run.new.due_at, run.not_before) == (NOW - 9 * HOUR, NOW)

    def test_of_many_plans_those_of_changed_pipelines_are_left_out(self, store: Store) -> None:
        pipelines = [store.deploy(a_pipeline(f"p{i}", next_due=NOW), now=NOW) for i in range(5)]
        store.change_pipeline("p1", now=NOW, paused=True)
        store.remove_pipeline("p3")
        waiting = store.add_run(a_run("waits", pipeline="p1"), now=NOW)
        plans = [
            a_plan(p, a_run(pipeline=p.name), next_due=NOW + HOUR, cancel=(waiting.id,))
            for p in reversed(pipelines)
        ]
        assert store.plan(plans, now=NOW) == [True, False, True, False, True]
        planned = [run.new.pipeline for run in store.load_runs() if run.id != waiting.id]
        assert sorted(planned) == ["p0", "p2", "p4"]
        assert store.load_due(NOW) == []
        assert store.load_pipeline("p1").next_due is None
        assert store.load_run(waiting.id) == waiting
        assert store.plan([], now=NOW) == []

    def test_only_one_planner_wins_a_revision(self, store: Store) -> None:
        pipeline = store.deploy(a_pipeline(next_due=NOW), now=NOW)
        one = a_plan(pipeline, a_run("one"), next_due=NOW + HOUR)
        two = a_plan(pipeline, a_run("two"), next_due=NOW + 9 * HOUR)
        assert store.plan([one, two], now=NOW) == [True, False]
        assert store.plan([two], now=NOW) == [False]
        assert store.count_runs() == 1
        assert store.load_pipeline("orders").next_due == NOW + HOUR

    def test_an_edited_schedule_wins_over_a_round_that_read_the_old_one(self, store: Store) -> None:
        old = store.deploy(a_pipeline(next_due=NOW), now=NOW)
        daily = replace(AFTER, kind=ScheduleKind.CRON, after=(), cron="0 9 * * *")
        store.deploy(a_pipeline(schedule=daily, next_due=NOW + 3 * HOUR), now=NOW)
        assert store.plan([a_plan(old, a_run(), next_due=NOW + HOUR)], now=NOW) == [False]
        assert store.load_pipeline("orders").next_due == NOW + 3 * HOUR
        assert store.count_runs() == 0

    def test_a_logical_key_that_exists_is_left_as_it_is(self, store: Store) -> None:
        first = store.add_run(a_run("k"), now=NOW)
        pipeline = store.deploy(a_pipeline(), now=NOW)
        plan = a_plan(pipeline, replace(a_run("k"), note="other"), a_run("new"))
        assert store.plan([plan], now=NOW) == [True]
        assert [run.new.logical_key for run in store.load_runs()] == ["new", "k"]
        assert store.load_run(first.id) == first

    def test_superseded_runs_are_skipped_or_asked_to_stop(self, store: Store) -> None:
        pipeline = store.deploy(a_pipeline(), now=NOW)
        running = started(store, a_run("running")).run
        queued, done = (store.add_run(a_run(key), now=NOW) for key in ("queued", "done"))
        store.request_cancel(done.id, now=NOW)
        foreign = store.add_run(a_run("x", pipeline="other"), now=NOW)
        ids = (running.id, queued.id, done.id, foreign.id)
        store.plan([a_plan(pipeline, a_run("new"), cancel=ids)], now=NOW + HOUR)
        superseded = store.load_run(queued.id)
        assert (superseded.state, superseded.finished_at) == (RunState.SKIPPED, NOW + HOUR)
        assert "new" in superseded.new.note
        asked = store.load_run(running.id)
        assert (asked.state, asked.cancel_requested) == (RunState.RUNNING, True)
        assert store.load_run(done.id).state is RunState.CANCELLED
        assert store.load_run(foreign.id) == foreign

    def test_what_has_started_a_run_is_remembered(self, store: Store) -> None:
        pipeline = store.deploy(a_pipeline(schedule=AFTER, next_due=None), now=NOW)
        assert pipeline.seen == {}
        both = a_run("a", upstream={"sales.daily": 7, "weather": 2})
        store.plan([a_plan(pipeline, both)], now=NOW)
        pipeline = store.load_pipeline("orders")
        assert pipeline.seen == {"sales.daily": 7, "weather": 2}
        store.plan([a_plan(pipeline, a_run("b", upstream={"weather": 3}))], now=NOW)
        assert store.load_pipeline("orders").seen == {"sales.daily": 7, "weather": 3}
        store.deploy(a_pipeline(schedule=AFTER, next_due=None, content_hash="b" * 64), now=NOW)
        assert store.load_pipeline("orders").seen == {"sales.daily": 7, "weather": 3}

    def test_sources_of_a_pipeline_change_without_a_new_version(self, store: Store) -> None:
        first = store.deploy(a_pipeline(sources=("wh",)), now=NOW)
        assert first.sources == ("wh",)
        second = store.deploy(a_pipeline(sources=("crm", "wh")), now=NOW + HOUR)
        assert (second.sources, second.version) == (("crm", "wh"), 1)
        assert second.revision > first.revision

    def test_live_versions_are_those_that_are_not_drafts(self, store: Store) -> None:
        for name, draft in (("a", False), ("a", False), ("a", True), ("b", True), ("c", False)):
            store.publish(
                an_output(name), owner="ada", pipeline="", notebook="", draft=draft, now=NOW
            )
        found = store.load_live_versions(["a", "b", "none"])
        assert {name: version.number for name, version in found.items()} == {"a": 2}
        assert found["a"] == store.load_publication("a").live
        assert store.load_live_versions([]) == {}

    def test_new_runs_overlap_those_that_are_not_finished(self, store: Store) -> None:
        first = started(store, a_run("running", cause=Cause.SCHEDULE)).run
        second = store.add_run(a_run("queued", cause=Cause.UPSTREAM), now=NOW)
        store.add_run(a_run("draft", draft=True), now=NOW)
        store.add_run(a_run("backfill", cause=Cause.BACKFILL), now=NOW)
        finish(store, started(store, a_run("done", cause=Cause.MANUAL)), succeeded())
        store.add_run(a_run("x", pipeline="other", cause=Cause.MANUAL), now=NOW)
        found = store.load_overlapping(["orders", "none"])
        assert [run.id for run in found["orders"]] == [second.id, first.id]
        assert found["orders"][0] == second
        assert found["none"] == []

    def test_the_last_runs_of_many_pipelines(self, store: Store) -> None:
        for name in ("even", "odd", "quiet"):
            store.deploy(a_pipeline(name), now=NOW)
        ids = [
            store.add_run(a_run(str(i), pipeline=("even", "odd")[i % 2]), now=NOW).id
            for i in range(7)
        ]
        store.request_cancel(ids[2], now=NOW)
        out = started(store, a_run("out", pipeline="odd"))
        finish(store, out, succeeded(an_output()))
        last = store.load_last_runs(["odd", "quiet", "even", "unknown"], count=2)
        assert [run.id for run in last["even"]] == [ids[6], ids[4]]
        assert [run.id for run in last["odd"]] == [out.run.id, ids[5]]
        assert last["odd"][0] == summary_of(store.load_run(out.run.id))
        assert (last["quiet"], last["unknown"]) == ([], [])
        gone = store.load_last_runs(["even", "odd"], count=3, states=(RunState.CANCELLED,))
        assert [[run.id for run in gone[name]] for name in ("even", "odd")] == [[ids[2]], []]

    def test_the_last_runs_of_a_cause_that_publish_live(self, store: Store) -> None:
        store.deploy(a_pipeline("even"), now=NOW)
        given = {
            "scheduled": {"cause": Cause.SCHEDULE},
            "draft": {"cause": Cause.SCHEDULE, "draft": True},
            "file": {"version": None, "cause": Cause.MANUAL},
            "manual": {"cause": Cause.MANUAL},
            "backfill": {"cause": Cause.BACKFILL},
        }
        ids = {
            key: store.add_run(
                replace(a_run(key, pipeline="even"), **{"version": 1, **fields}), now=NOW
            ).id
            for key, fields in given.items()
        }
        for causes, live, expected in (
            ((), True, ["backfill", "manual", "scheduled"]),
            ((Cause.MANUAL,), False, ["manual", "file"]),
            ((Cause.MANUAL, Cause.SCHEDULE), True, ["manual", "scheduled"]),
            ((Cause.UPSTREAM,), False, []),
        ):
            found = store.load_last_runs(["even"], count=9, causes=causes, live=live)["even"]
            assert [run.id for run in found] == [ids[key] for key in expected]

    def test_durations_are_those_of_the_last_runs_that_succeeded_at_once(
        self, store: Store
    ) -> None:
        for name in ("p", "quiet"):
            store.deploy(a_pipeline(name), now=NOW)

        def run(key: str, took_s: int, *, again: bool = False, **fields: object) -> None:
            given = {"version": 1, "cause": Cause.SCHEDULE, **fields}
            new = replace(a_run(key, pipeline="p"), **given)  # type: ignore[arg-type]
            claim = started(store, new)
            if again:
                finish(store, claim, NO_ANSWER, state=RunState.FAILED)
                store.requeue(claim.run.id, now=NOW)
                claim = claim_one(store, run_id=claim.run.id)
                start(store, claim, now=NOW)
            finish(store, claim, now=NOW + timedelta(seconds=took_s))

        for number, took_s in enumerate((1, 2, 3)):
            run(f"run{number}", took_s)
        run("retried", 4, again=True)
        run("draft", 5, draft=True)
        run("manual", 6, cause=Cause.MANUAL)
        for count, expected in ((9, [3.0, 2.0, 1.0]), (3, [3.0, 2.0]), (1, [])):
            found = store.load_durations(["p", "quiet"], count=count, causes=[Cause.SCHEDULE])
            assert found == {"p": expected, "quiet": []}

    def test_the_time_at_work_is_that_of_all_attempts(self, store: Store) -> None:
        run = store.add_run(a_run("again"), now=NOW)
        (first,) = store.claim("s", now=NOW, limit=1)
        start(store, first, now=NOW)
        at_work = store.load_run(run.id)
        assert (at_work.worked_s, at_work.attempt_started_at) == (None, NOW)
        finish(store, first, NO_ANSWER, state=RunState.FAILED, now=NOW + timedelta(seconds=5))
        store.requeue(run.id, now=NOW + HOUR)
        (second,) = store.claim("s", now=NOW + HOUR, limit=1)
        start(store, second, now=NOW + HOUR)
        again = store.load_run(run.id)
        assert (again.worked_s, again.attempt_started_at) == (5.0, NOW + HOUR)
        finish(store, second, succeeded(), now=NOW + HOUR + timedelta(seconds=7))
        assert store.load_runs()[0].worked_s == 12.0
        assert store.load_run(run.id).attempt_started_at is None

    def test_due_are_those_whose_time_has_come(self, store: Store) -> None:
        for name, at in (("later", NOW + HOUR), ("now", NOW), ("old", EARLY), ("never", None)):
            store.deploy(a_pipeline(name, next_due=at), now=NOW)
        store.deploy(a_pipeline("paused", next_due=NOW), now=NOW)
        store.change_pipeline("paused", now=NOW, paused=True)
        assert [p.name for p in store.load_due(NOW)] == ["old", "now"]
        assert store.load_due(NOW)[0].next_due == EARLY
        assert [p.name for p in store.load_due(NOW, limit=1)] == ["old"]

    def test_the_next_thing_due_is_an_occurrence_a_queued_run_or_a_probe(
        self, store: Store
    ) -> None:
        assert store.load_outlook(NOW).next_at is None
        store.deploy(a_pipeline("tick", next_due=NOW + 3 * HOUR), now=NOW)
        store.add_run(a_run("waits for something else"), now=NOW)
        assert store.load_outlook(NOW).next_at == NOW + 3 * HOUR
        store.add_run(a_run("skipped", due_at=NOW + HOUR, state=RunState.SKIPPED), now=NOW)
        run = store.add_run(a_run("queued", due_at=NOW + HOUR), now=NOW)
        assert store.load_outlook(NOW).next_at == NOW + HOUR
        assert store.load_outlook(NOW + HOUR).next_at == NOW + 3 * HOUR
        store.request_cancel(run.id, now=NOW)
        for number in range(3):
            failing = started(store, a_run(f"fails {number}", sources=("wh",)))
            finish(store, failing, NO_ANSWER, state=RunState.FAILED)
        (breaker,) = store.load_breakers()
        assert breaker.retry_at is not None
        assert store.load_outlook(NOW).next_at == breaker.retry_at
        store.change_pipeline("tick", now=NOW, paused=True)
        assert store.load_outlook(breaker.retry_at).next_at is None
