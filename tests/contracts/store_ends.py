"""Tests of every ledger: effects of an attempt's end besides its outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.store_values import (
    HOUR,
    NOW,
    a_pipeline,
    a_plan,
    a_run,
    claim_one,
    finish,
    start,
    started,
)
from jupyter_etl.errors import Conflict
from jupyter_etl.model import (
    FAILURES_TO_PAUSE,
    STARTS_TO_ALERT,
    AttemptReport,
    Breaker,
    Cause,
    Outcome,
    Read,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.model.source import FAILURES, PROBE_S
from jupyter_etl.ports import Store

FAILED = AttemptReport(outcome=Outcome.FAILED, error="NameError: name 'x' is not defined")


def dead(source: str = "wh", *, retryable: bool = True, reads: tuple[Read, ...] = ()):  # type: ignore[no-untyped-def]
    """Return the report of an attempt whose source did not answer."""
    return AttemptReport(
        outcome=Outcome.FAILED,
        error=f"SourceError: {source} did not answer",
        verdict=Verdict(kind=VerdictKind.SOURCE, evidence="it is gone", retryable=retryable),
        failed_source=source,
        reads=reads,
    )


NOT_BEGUN = AttemptReport(outcome=Outcome.FAILED, error="no space", began=False)


class EndsContract:
    """Pausing, breakers, and notifications."""

    def test_attempts_that_did_not_begin_are_counted(self, store: Store) -> None:
        run = store.add_run(a_run(), now=NOW)
        for began, unstarted in ((False, 1), (True, 1), (False, 2)):
            claim = claim_one(store, run_id=run.id)
            if began:
                start(store, claim)
            report = replace(NOT_BEGUN, began=began)
            finish(store, claim, report, state=RunState.QUEUED, not_before=NOW)
            assert store.load_run(run.id).unstarted == unstarted
        assert store.load_run(run.id).attempts == 3

    def test_an_attempt_that_has_begun_is_not_lost_before_its_start(self, store: Store) -> None:
        claim = started(store, a_run())
        lost = replace(NOT_BEGUN, outcome=Outcome.LOST)
        with pytest.raises(Conflict):
            finish(store, claim, lost, state=RunState.QUEUED)
        assert store.load_run(claim.run.id).state is RunState.RUNNING
        finish(store, claim, NOT_BEGUN, state=RunState.QUEUED)
        assert store.load_run(claim.run.id).unstarted == 1

    def test_a_pipeline_that_fails_again_and_again_is_paused(self, store: Store) -> None:
        deployed = store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE - 1)
        assert store.load_pipeline("orders") == deployed
        last = fail(store, 1)
        paused = store.load_pipeline("orders")
        assert (paused.paused, paused.next_due) == (True, None)
        assert paused.pause_note == (
            f"Paused by the platform after {FAILURES_TO_PAUSE} failures in a row; "
            f"the last: run {last}, {FAILED.error}"
        )
        assert store.load_due(NOW + 99 * HOUR) == []
        assert store.plan([a_plan(deployed, a_run("more"))], now=NOW) == [False]
        fail(store, 1)
        assert store.load_pipeline("orders") == paused

    @pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.HELD, RunState.CANCELLED])
    def test_another_end_ends_the_row_of_failures(self, store: Store, state: RunState) -> None:
        store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE - 1)
        claim = started(store, a_run("well", cause=Cause.UPSTREAM))
        finish(store, claim, AttemptReport(outcome=Outcome(state)), state=state)
        fail(store, FAILURES_TO_PAUSE - 1)
        assert not store.load_pipeline("orders").paused
        fail(store, 1)
        assert store.load_pipeline("orders").paused

    def test_skipped_times_and_retries_do_not_count(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        for _ in range(FAILURES_TO_PAUSE - 1):
            fail(store, 1)
            store.add_run(a_run(f"skip {store.count_runs()}", state=RunState.SKIPPED), now=NOW)
        claim = started(store, a_run("retried", cause=Cause.SCHEDULE))
        finish(store, claim, FAILED, state=RunState.QUEUED, not_before=NOW + HOUR)
        assert not store.load_pipeline("orders").paused
        store.request_cancel(claim.run.id, now=NOW)
        fail(store, 1)
        assert not store.load_pipeline("orders").paused, "the cancelled one ended the row"

    def test_only_planned_live_runs_of_the_same_pipeline_count(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE - 1)
        for key, cause, draft, name in (
            ("manual", Cause.MANUAL, False, "orders"),
            ("backfill", Cause.BACKFILL, False, "orders"),
            ("draft", Cause.SCHEDULE, True, "orders"),
            ("other", Cause.SCHEDULE, False, "other"),
        ):
            run = a_run(key, cause=cause, draft=draft, pipeline=name)
            finish(store, started(store, run), FAILED, state=RunState.FAILED)
        assert not store.load_pipeline("orders").paused

    def test_who_resumes_starts_the_count_anew(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE)
        given = store.change_pipeline("orders", now=NOW + HOUR, owner="kim")
        assert given.pause_note, "another owner still has to know"
        resumed = store.change_pipeline(
            "orders", now=NOW + HOUR, paused=False, next_due=NOW + 2 * HOUR
        )
        assert (resumed.paused, resumed.pause_note) == (False, "")
        fail(store, FAILURES_TO_PAUSE - 1, hours=2)
        assert not store.load_pipeline("orders").paused
        fail(store, 1, hours=2)
        assert store.load_pipeline("orders").paused

    def test_a_new_version_starts_the_count_anew(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE - 1)
        store.deploy(a_pipeline(content_hash="b" * 64), now=NOW + HOUR)
        fail(store, 1, hours=2)
        assert not store.load_pipeline("orders").paused

    def test_a_person_pauses_without_a_note(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE)
        assert store.change_pipeline("orders", now=NOW, paused=True).pause_note == ""

    def test_a_pipeline_that_was_taken_off_is_not_paused(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        store.remove_pipeline("orders")
        fail(store, FAILURES_TO_PAUSE)
        again = store.deploy(a_pipeline(), now=NOW + HOUR)
        assert (again.paused, again.pause_note) == (False, "")

    def test_a_source_that_does_not_answer_is_left_alone_for_a_while(self, store: Store) -> None:
        for failures in range(1, FAILURES + 2):
            assert store.load_breakers() == ([breaker(failures - 1)] if failures > 1 else [])
            end(store, dead())
        assert store.load_breakers() == [breaker(FAILURES + 1)]

    def test_a_source_that_answers_is_forgotten(self, store: Store) -> None:
        for source in ("wh", "api", "wh"):
            end(store, dead(source))
        assert store.load_breakers() == [Breaker(source="api", failures=1), breaker(2)]
        end(store, AttemptReport(outcome=Outcome.SUCCEEDED, reads=(Read(source="wh", table="t"),)))
        assert store.load_breakers() == [Breaker(source="api", failures=1)]
        end(store, dead("wh", reads=(Read(source="wh"), Read(source="api"))))
        assert store.load_breakers() == [breaker(1)], "it failed after it had answered"

    def test_a_permanent_error_does_not_count_against_the_source(self, store: Store) -> None:
        end(store, dead(retryable=False))
        end(store, FAILED)
        assert store.load_breakers() == []

    def test_a_stale_report_teaches_nothing(self, store: Store) -> None:
        claim = started(store)
        finish(store, claim)
        with pytest.raises(Conflict):
            finish(store, claim, dead(), state=RunState.FAILED)
        assert store.load_breakers() == []

    @pytest.mark.parametrize(
        ("state", "reported"),
        [
            (RunState.FAILED, True),
            (RunState.HELD, True),
            (RunState.SUCCEEDED, False),
            (RunState.CANCELLED, False),
            (RunState.QUEUED, False),
        ],
    )
    def test_people_hear_of_bad_ends(self, store: Store, state: RunState, reported: bool) -> None:
        claim = started(store)
        assert store.load_unnotified() == []
        outcome = Outcome.LOST if state is RunState.QUEUED else Outcome(state)
        finish(store, claim, AttemptReport(outcome=outcome), state=state, not_before=NOW)
        (attempt,) = store.load_attempts(claim.run.id)
        found = [(one.run, one.attempt) for one in store.load_unnotified()]
        assert found == ([(store.load_run(claim.run.id), attempt)] if reported else [])

    def test_people_hear_once_that_it_works_again(self, store: Store) -> None:
        states = (RunState.SUCCEEDED, RunState.FAILED, RunState.SUCCEEDED, RunState.SUCCEEDED)
        ids = [end(store, AttemptReport(outcome=Outcome(state)), state) for state in states]
        assert [claim.run.id for claim in store.load_unnotified()] == ids[1:3]
        assert [claim.run.id for claim in store.load_unnotified(limit=1)] == ids[1:2]
        store.save_notified(ids[1:2])
        assert [claim.run.id for claim in store.load_unnotified()] == ids[2:3]
        store.save_notified(ids)
        assert store.load_unnotified() == []

    def test_people_hear_once_of_a_run_that_cannot_be_started_and_of_its_success(
        self, store: Store
    ) -> None:
        run = store.add_run(a_run(), now=NOW)
        heard = []
        for number in range(1, STARTS_TO_ALERT + 3):
            finish(store, claim_one(store, run_id=run.id), NOT_BEGUN, state=RunState.QUEUED)
            unnotified = store.load_unnotified()
            heard += [(number, one.run.state, one.attempt.number) for one in unnotified]
            store.save_notified([one.run.id for one in unnotified])
        assert heard == [(STARTS_TO_ALERT, RunState.QUEUED, STARTS_TO_ALERT)]
        claim = claim_one(store, run_id=run.id)
        start(store, claim)
        finish(store, claim, AttemptReport(outcome=Outcome.SUCCEEDED), state=RunState.SUCCEEDED)
        assert [one.run.state for one in store.load_unnotified()] == [RunState.SUCCEEDED]

    def test_drafts_are_not_notified(self, store: Store) -> None:
        finish(store, started(store, a_run(draft=True)), FAILED, state=RunState.FAILED)
        assert store.load_unnotified() == []

    def test_for_a_retried_run_the_last_attempt_is_notified(self, store: Store) -> None:
        run_id = end(store, FAILED)
        store.requeue(run_id, now=NOW)
        (claim,) = store.claim("second", now=NOW, limit=1, run_id=run_id)
        finish(store, claim, FAILED, state=RunState.FAILED)
        assert [one.attempt.number for one in store.load_unnotified()] == [2]


def fail(store: Store, times: int, *, hours: int = 0) -> int:
    """Make this many planned runs fail, and return the id of the last."""
    run_id = 0
    for _ in range(times):
        run = a_run(f"tick {store.count_runs()}", cause=Cause.SCHEDULE)
        run_id = end(store, FAILED, run=run, hours=hours)
    return run_id


def end(  # type: ignore[no-untyped-def]
    store: Store, report: AttemptReport, state: RunState | None = None, *, run=None, hours: int = 0
) -> int:
    """Create a run that ends with this report, and return its id."""
    now = NOW + timedelta(hours=hours)
    claim = started(store, run or a_run(f"end {store.count_runs()}"), now=now)
    ends = RunState.SUCCEEDED if report.outcome is Outcome.SUCCEEDED else RunState.FAILED
    finish(store, claim, report, state=state or ends, now=now)
    return claim.run.id


def breaker(failures: int) -> Breaker:
    """Return the breaker of ``wh``."""
    retry_at = NOW + timedelta(seconds=PROBE_S) if failures >= FAILURES else None
    return Breaker(source="wh", failures=failures, retry_at=retry_at)
