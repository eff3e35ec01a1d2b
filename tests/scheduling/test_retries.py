"""Retries: the state of a run after an attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.model import AttemptReport, OnLost, Outcome, Policy, RunState, Verdict, VerdictKind
from jupyter_etl.scheduling.retries import CAP_S, UNSTARTED_CAP_S, backoff_s, lost_report, plan_next
from scheduling.examples import NOW, claim, run

TRANSIENT = Verdict(kind=VerdictKind.SOURCE, evidence="it did not answer", retryable=True)
FINAL = Verdict(kind=VerdictKind.NOTEBOOK, evidence="a name is missing")


def decide(outcome, verdict=None, *, attempts=1, retries=3, cancel=False, on_lost=OnLost.RETRY):
    policy = Policy(retries=retries, on_lost=on_lost)
    one = run(attempts=attempts, policy=policy, cancel=cancel)
    report = AttemptReport(outcome=outcome, verdict=verdict)
    return plan_next(one, report, NOW, draw=lambda: 0.5)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.SUCCEEDED, RunState.SUCCEEDED),
        (Outcome.HELD, RunState.HELD),
        (Outcome.CANCELLED, RunState.CANCELLED),
        (Outcome.FAILED, RunState.FAILED),
        (Outcome.TIMED_OUT, RunState.FAILED),
    ],
)
def test_a_permanent_failure_ends_the_run(outcome: Outcome, state: RunState) -> None:
    assert decide(outcome) == (state, None)
    assert decide(outcome, FINAL) == (state, None)


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.HELD, Outcome.CANCELLED])
def test_only_failures_are_tried_again(outcome: Outcome) -> None:
    assert decide(outcome, TRANSIENT)[0] is not RunState.QUEUED


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.LOST])
def test_a_transient_failure_is_retried_so_often(outcome: Outcome) -> None:
    states = [decide(outcome, TRANSIENT, attempts=made)[0] for made in range(1, 6)]
    assert states == [RunState.QUEUED] * 3 + [RunState.FAILED] * 2
    assert decide(outcome, TRANSIENT, retries=0) == (RunState.FAILED, None)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.LOST])
@pytest.mark.parametrize("on_lost", OnLost)
def test_an_attempt_that_did_not_begin_uses_up_no_retry(outcome: Outcome, on_lost: OnLost) -> None:
    report = AttemptReport(outcome=outcome, began=False)
    policy = Policy(retries=0, on_lost=on_lost)
    waits = []
    for made in range(1, 99):
        one = replace(run(attempts=made, policy=policy), unstarted=made - 1)
        state, not_before = plan_next(one, report, NOW, draw=lambda: 1.0)
        assert state is RunState.QUEUED
        assert not_before is not None
        waits.append((not_before - NOW).total_seconds())
    assert waits[:3] == [2.0, 4.0, 8.0]
    assert max(waits) == UNSTARTED_CAP_S
    cancelled = run(policy=policy, cancel=True)
    expected = RunState.CANCELLED if outcome is Outcome.LOST else RunState.FAILED
    assert plan_next(cancelled, report, NOW, draw=lambda: 1.0) == (expected, None)


def test_a_lost_attempt_is_tried_again_without_a_verdict() -> None:
    assert decide(Outcome.LOST) == (RunState.QUEUED, NOW + timedelta(seconds=1))


def test_a_timeout_is_not_tried_again_whatever_the_verdict() -> None:
    assert decide(Outcome.TIMED_OUT, TRANSIENT) == (RunState.FAILED, None)


def test_a_lost_attempt_ends_the_run_if_the_policy_requires_it() -> None:
    assert decide(Outcome.LOST, TRANSIENT, on_lost=OnLost.FAIL) == (RunState.FAILED, None)
    assert decide(Outcome.LOST, on_lost=OnLost.FAIL, cancel=True) == (RunState.CANCELLED, None)
    assert decide(Outcome.FAILED, TRANSIENT, on_lost=OnLost.FAIL)[0] is RunState.QUEUED


def test_what_is_on_record_of_a_lost_attempt() -> None:
    kept = lost_report(claim(policy=Policy(on_lost=OnLost.FAIL)), "the runner is gone")
    assert kept.error.startswith("the runner is gone. Its cells may have run")
    assert "jupyter etl retry 1" in kept.error
    again = lost_report(claim(), "the runner is gone")
    assert again.error == "the runner is gone"
    for report in (kept, again):
        assert (report.outcome, report.committed, report.began) == (Outcome.LOST, (), True)
        assert report.verdict is not None
        assert report.verdict.kind is VerdictKind.PLATFORM
        assert report.verdict.evidence.endswith("the runner is gone")


@settings(deadline=None)
@given(
    outcome=st.sampled_from(list(Outcome)),
    kind=st.sampled_from(list(VerdictKind)),
    retryable=st.booleans(),
    attempts=st.integers(1, 6),
    retries=st.integers(0, 4),
    on_lost=st.sampled_from(list(OnLost)),
    cancel=st.booleans(),
)
def test_nothing_is_tried_again_without_a_reason(
    outcome, kind, retryable, attempts, retries, on_lost, cancel
) -> None:
    verdict = Verdict(kind=kind, evidence="", retryable=retryable)
    state, not_before = decide(
        outcome, verdict, attempts=attempts, retries=retries, on_lost=on_lost, cancel=cancel
    )
    lost = outcome is Outcome.LOST and on_lost is OnLost.RETRY
    failed = outcome is Outcome.FAILED and retryable
    assert (state is RunState.QUEUED) == ((lost or failed) and attempts <= retries and not cancel)
    assert (not_before is not None) == (state is RunState.QUEUED)


def test_a_run_that_shall_be_cancelled_is_not_tried_again() -> None:
    assert decide(Outcome.LOST, cancel=True) == (RunState.CANCELLED, None)
    assert decide(Outcome.FAILED, TRANSIENT, cancel=True) == (RunState.FAILED, None)


def test_the_wait_doubles_up_to_a_cap() -> None:
    longest = [backoff_s(made, draw=lambda: 1.0) for made in (1, 2, 3, 9, 10, 5000)]
    assert longest == [2, 4, 8, 512, 600, 600]


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_full_jitter(attempts: int, drawn: float) -> None:
    assert 0 <= backoff_s(attempts, draw=lambda: drawn) <= CAP_S * drawn
