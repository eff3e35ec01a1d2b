"""Tests of every ledger: runs and attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.store_values import (
    HOUR,
    NOW,
    a_run,
    an_output,
    claim_one,
    finish,
    start,
    started,
    succeeded,
)
from jupyter_etl.errors import Conflict, DeclarationError, NotFound, StoreError
from jupyter_etl.model import (
    TERMINAL,
    AttemptReport,
    CheckResult,
    CheckRule,
    CheckStatus,
    Heartbeat,
    Outcome,
    Policy,
    Read,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Claim, Store

LOST = AttemptReport(
    outcome=Outcome.LOST,
    error="the runner is gone",
    verdict=Verdict(kind=VerdictKind.PLATFORM, evidence="no heartbeat", retryable=True),
)


class RunsContract:
    """Runs and attempts."""

    def test_adding_a_run_twice_returns_the_first(self, store: Store) -> None:
        first = store.add_run(a_run("k"), now=NOW)
        assert store.add_run(a_run("k", priority=9), now=NOW + HOUR) == first
        assert store.add_run(a_run("k", pipeline="other"), now=NOW).id != first.id

    def test_a_skipped_time_is_recorded_and_never_claimed(self, store: Store) -> None:
        run = store.add_run(a_run(state=RunState.SKIPPED, note="scheduler was down"), now=NOW)
        assert (run.state, run.finished_at, run.new.note) == (
            RunState.SKIPPED,
            NOW,
            "scheduler was down",
        )
        assert store.claim("s", now=NOW, limit=9) == []

    def test_runs_are_filtered_by_their_tags(self, store: Store) -> None:
        for key, tags in (
            ("1", {"team": "ops", "a.b": 'say "hi"'}),
            ("2", {"team": "ops"}),
            ("3", {"team": "data"}),
            ("4", {}),
        ):
            store.add_run(a_run(key, policy=Policy(tags=tags)), now=NOW)
        for tags, keys in (
            ({"team": "ops"}, ["2", "1"]),
            ({"team": "ops", "a.b": 'say "hi"'}, ["1"]),
            ({"team": "Ops"}, []),
            ({"retries": "3"}, []),
            ({}, ["4", "3", "2", "1"]),
        ):
            found = store.load_runs(tags=tags)
            assert [run.new.logical_key for run in found] == keys
            assert store.count_runs(tags=tags) == len(keys)

    def test_a_claim_dispatches_a_run_with_a_new_attempt(self, store: Store) -> None:
        run = store.add_run(a_run(), now=NOW)
        claim = claim_one(store)
        assert claim.run == replace(run, state=RunState.DISPATCHED, attempts=1)
        assert store.load_run(run.id) == claim.run
        assert (claim.attempt.run_id, claim.attempt.number) == (run.id, 1)
        assert (claim.attempt.claimed_by, claim.attempt.claimed_at) == ("scheduler-1", NOW)
        assert len(bytes.fromhex(claim.attempt.token)) == 16
        assert store.load_attempts(run.id) == [claim.attempt]
        assert store.load_live_attempts() == [claim]
        assert store.claim("s", now=NOW, limit=9) == []

    def test_an_attempt_starts_once(self, store: Store) -> None:
        run = store.add_run(a_run(), now=NOW)
        claim = claim_one(store)
        start(store, claim, now=NOW + HOUR, cells=7)
        running = store.load_run(run.id)
        assert (running.state, running.started_at) == (RunState.RUNNING, NOW + HOUR)
        assert (running.cell, running.cells) == (0, 7)
        (attempt,) = store.load_attempts(run.id)
        assert (attempt.host, attempt.pid, attempt.started_at) == ("h", 11, NOW + HOUR)
        with pytest.raises(Conflict):
            start(store, claim)

    def test_a_stale_token_is_refused_everywhere(self, store: Store) -> None:
        claim = claim_one_of(store)
        thief = Claim(run=claim.run, attempt=replace(claim.attempt, token="0" * 32))
        with pytest.raises(Conflict):
            start(store, thief)
        start(store, claim)
        assert heartbeat(store, thief) == Heartbeat(valid=False, cancel=False)
        with pytest.raises(Conflict):
            finish(store, thief, succeeded(an_output()))
        assert store.load_publications() == []
        assert store.load_live_attempts()[0].attempt.heartbeat == 0
        assert store.load_run(claim.run.id).state is RunState.RUNNING

    def test_heartbeats_count_and_carry_progress(self, store: Store) -> None:
        claim = started(store)
        assert heartbeat(store, claim) == Heartbeat(valid=True, cancel=False)
        assert heartbeat(store, claim, cell=3) == Heartbeat(valid=True, cancel=False)
        assert heartbeat(store, claim) == Heartbeat(valid=True, cancel=False)
        assert store.load_live_attempts()[0].attempt.heartbeat == 3
        assert store.load_run(claim.run.id).cell == 3

    def test_a_heartbeat_reports_a_cancellation(self, store: Store) -> None:
        claim = started(store)
        asked = store.request_cancel(claim.run.id, now=NOW)
        assert (asked.state, asked.cancel_requested) == (RunState.RUNNING, True)
        assert heartbeat(store, claim) == Heartbeat(valid=True, cancel=True)

    def test_the_end_of_an_attempt_is_the_end_of_its_run(self, store: Store) -> None:
        claim = started(store)
        rule = CheckRule(text="day is unique", kind="unique", column="day")
        report = AttemptReport(
            outcome=Outcome.HELD,
            error="1 check failed\0 \ud800",
            failed_cell=4,
            verdict=Verdict(kind=VerdictKind.DATA, evidence="2 rows \udfff"),
            output="/runs/1/out.ipynb",
            peak_rss_bytes=3 * 2**31,
            checks=(
                CheckResult(
                    rule=rule,
                    status=CheckStatus.ERROR,
                    dataset="d",
                    failed_rows=2,
                    total_rows=9,
                    message="2 rows",
                    sample=({"day": "1"},),
                ),
            ),
            reads=(Read(source="wh", table="orders", version="7", rows=9),),
        )
        finish(store, claim, report, state=RunState.HELD, now=NOW + HOUR)
        run = store.load_run(claim.run.id)
        assert (run.state, run.outcome) == (RunState.HELD, Outcome.HELD)
        assert run.finished_at == NOW + HOUR
        assert run.error == "1 check failed\ufffd ?"
        assert run.verdict == Verdict(kind=VerdictKind.DATA, evidence="2 rows ?")
        assert (run.failed_cell, run.output) == (4, "/runs/1/out.ipynb")
        assert (run.checks, run.reads) == (report.checks, report.reads)
        (attempt,) = store.load_attempts(run.id)
        assert (attempt.outcome, attempt.finished_at) == (Outcome.HELD, NOW + HOUR)
        assert (attempt.peak_rss_bytes, attempt.timeout_s) == (3 * 2**31, 60.0)
        assert attempt.error == run.error
        assert store.load_live_attempts() == []

    def test_an_attempt_ends_once(self, store: Store) -> None:
        claim = started(store)
        finish(store, claim)
        with pytest.raises(Conflict):
            finish(store, claim, LOST, state=RunState.FAILED)
        assert heartbeat(store, claim) == Heartbeat(valid=False, cancel=False)
        assert store.load_run(claim.run.id).state is RunState.SUCCEEDED

    def test_a_lost_attempt_is_retried_by_a_new_one(self, store: Store) -> None:
        first = started(store)
        finish(store, first, LOST, state=RunState.QUEUED, not_before=NOW + HOUR)
        waiting = store.load_run(first.run.id)
        assert (waiting.state, waiting.outcome) == (RunState.QUEUED, Outcome.LOST)
        assert (waiting.not_before, waiting.finished_at) == (NOW + HOUR, None)
        assert waiting.verdict == LOST.verdict
        assert store.load_outlook(NOW).next_at == NOW + HOUR
        assert store.claim("s", now=NOW, limit=1) == []
        second = claim_one(store, now=NOW + HOUR)
        assert (second.attempt.number, second.run.attempts) == (2, 2)
        assert second.attempt.token != first.attempt.token
        with pytest.raises(Conflict):
            finish(store, first, succeeded(an_output()))
        start(store, second, now=NOW + 2 * HOUR)
        finish(store, second, succeeded(an_output()), now=NOW + 3 * HOUR)
        done = store.load_run(first.run.id)
        assert (done.state, done.error, done.verdict) == (RunState.SUCCEEDED, "", None)
        assert (done.started_at, done.finished_at) == (NOW, NOW + 3 * HOUR)
        assert [attempt.outcome for attempt in store.load_attempts(done.id)] == [
            Outcome.LOST,
            Outcome.SUCCEEDED,
        ]

    def test_an_attempt_that_never_started_can_end(self, store: Store) -> None:
        claim = claim_one_of(store)
        finish(store, claim, LOST, state=RunState.FAILED)
        assert store.load_run(claim.run.id).state is RunState.FAILED

    def test_a_cancelled_run_is_not_retried(self, store: Store) -> None:
        claim = started(store)
        store.request_cancel(claim.run.id, now=NOW)
        finish(store, claim, LOST, state=RunState.QUEUED, not_before=NOW)
        assert store.load_run(claim.run.id).state is RunState.CANCELLED
        assert store.claim("s", now=NOW, limit=1) == []

    @pytest.mark.parametrize("state", [RunState.DISPATCHED, RunState.RUNNING])
    def test_an_attempt_does_not_end_in_the_middle(self, store: Store, state: RunState) -> None:
        claim = started(store)
        with pytest.raises(StoreError) as caught:
            finish(store, claim, LOST, state=state)
        assert not caught.value.retryable
        assert heartbeat(store, claim).valid

    def test_cancelling_a_queued_run_ends_it(self, store: Store) -> None:
        run = store.add_run(a_run(), now=NOW)
        cancelled = store.request_cancel(run.id, now=NOW + HOUR)
        assert (cancelled.state, cancelled.finished_at) == (RunState.CANCELLED, NOW + HOUR)
        assert store.claim("s", now=NOW, limit=1) == []
        assert store.request_cancel(run.id, now=NOW + 2 * HOUR) == cancelled

    def test_a_finished_run_can_be_queued_again(self, store: Store) -> None:
        claim = started(store)
        with pytest.raises(Conflict, match="running"):
            store.requeue(claim.run.id, now=NOW)
        store.request_cancel(claim.run.id, now=NOW)
        finish(store, claim, LOST, state=RunState.CANCELLED)
        again = store.requeue(claim.run.id, now=NOW + HOUR)
        assert (again.state, again.not_before) == (RunState.QUEUED, NOW + HOUR)
        assert (again.cancel_requested, again.finished_at) == (False, None)
        assert again.new == claim.run.new
        second = claim_one(store, now=NOW + HOUR)
        assert second.attempt.number == 2
        start(store, second)
        assert heartbeat(store, second) == Heartbeat(valid=True, cancel=False)

    def test_a_finished_run_can_go_on_with_another_snapshot(self, store: Store) -> None:
        claim = started(store)
        finish(store, claim, LOST, state=RunState.FAILED)
        repaired = store.requeue(
            claim.run.id, now=NOW, resume_from=1, content_hash="c" * 64, version=2
        )
        assert (repaired.new.content_hash, repaired.new.version) == ("c" * 64, 2)
        assert repaired.resume_from == 1
        second = claim_one(store)
        assert second.run.resume_from == 1
        start(store, second)
        finish(store, second, LOST, state=RunState.FAILED)
        plain = store.requeue(claim.run.id, now=NOW)
        assert (plain.new, plain.resume_from) == (repaired.new, None)

    @pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
    def test_a_number_beyond_64_bits_is_an_error_of_ours(self, store: Store, number: int) -> None:
        for call in (store.load_run, store_cancel(store), store_requeue(store)):
            with pytest.raises((NotFound, DeclarationError)):
                call(number)

    def test_unknown_runs_are_reported(self, store: Store) -> None:
        for call in (store.load_run, store_cancel(store), store_requeue(store)):
            with pytest.raises(NotFound, match="42"):
                call(42)
        assert store.load_attempts(42) == []

    def test_runs_are_listed_newest_first(self, store: Store) -> None:
        ids = [
            store.add_run(a_run(str(i), pipeline="even" if i % 2 == 0 else "odd"), now=NOW).id
            for i in range(6)
        ]
        store.request_cancel(ids[0], now=NOW)
        assert [run.id for run in store.load_runs()] == ids[::-1]
        assert [run.id for run in store.load_runs(limit=2, offset=1)] == [ids[4], ids[3]]
        assert [run.id for run in store.load_runs(pipeline="even")] == [ids[4], ids[2], ids[0]]
        ended = tuple(TERMINAL)
        assert [run.id for run in store.load_runs(pipeline="even", states=ended)] == [ids[0]]
        assert store.count_runs() == 6
        assert store.count_runs(pipeline="odd") == 3
        assert store.count_runs(states=(RunState.QUEUED,)) == 5
        assert store.count_runs(pipeline="none") == 0


def claim_one_of(store: Store) -> Claim:
    run = store.add_run(a_run(), now=NOW)
    return claim_one(store, run_id=run.id)


def heartbeat(store: Store, claim: Claim, *, cell: int | None = None) -> Heartbeat:
    attempt = claim.attempt
    return store.heartbeat(attempt.run_id, attempt.number, attempt.token, cell=cell)


def store_cancel(store: Store):  # type: ignore[no-untyped-def]
    return lambda run_id: store.request_cancel(run_id, now=NOW)


def store_requeue(store: Store):  # type: ignore[no-untyped-def]
    return lambda run_id: store.requeue(run_id, now=NOW)
