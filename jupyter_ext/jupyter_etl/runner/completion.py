"""The last word of an attempt: one call that ends it in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jupyter_etl.errors import Conflict, PermissionDenied, StoreError
from jupyter_etl.model import AttemptReport, Outcome, Verdict
from jupyter_etl.ports import Claim, Clock, Decide, Store
from jupyter_etl.runner.commit import outlast
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.outcome import AttemptOutcome, outcome_of_cancellation, outcome_of_etl_error
from jupyter_etl.runner.watchdogs.cancellation import CancellationReason
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats

Judge = Callable[..., Verdict]
"""``judge(error_type, message, outcome=, source=, retryable=)``: whose fault a failure is."""


def with_verdict(report: AttemptReport, ending: AttemptOutcome, judge: Judge) -> AttemptReport:
    """Add whose fault it is, unless it succeeded."""
    if report.outcome is Outcome.SUCCEEDED:
        return report
    verdict = judge(
        ending.error_type,
        report.error,
        outcome=report.outcome,
        source=ending.source,
        retryable=ending.retryable,
    )
    return replace(report, verdict=verdict, failed_source=ending.source)


def finish(
    report: AttemptReport,
    *,
    claim: Claim,
    store: Store,
    clock: Clock,
    events: EventLog,
    heartbeats: Heartbeats,
    decide: Decide,
    judge: Judge,
) -> AttemptReport:
    """Tell the ledger, in one call, how the attempt ended and what becomes of the run.

    Returns:
        What the ledger has recorded; ``lost`` where it did not want to hear it.
    """
    if report.outcome is Outcome.LOST:
        return report
    heartbeats.finishing()
    try:
        outlast(lambda: _tell(report, claim, store, clock, decide), heartbeats)
    except PermissionDenied as problem:
        # The name was taken between staging and now; nothing has been written.
        ending = outcome_of_etl_error(problem)
        refused = with_verdict(
            replace(report, outcome=ending.outcome, error=ending.error, committed=()),
            ending,
            judge,
        )
        return finish(
            refused,
            claim=claim,
            store=store,
            clock=clock,
            events=events,
            heartbeats=heartbeats,
            decide=decide,
            judge=judge,
        )
    except (Conflict, StoreError) as problem:
        if _is_recorded(report, claim, store):
            return report
        events.log(f"the ledger did not take the end of this attempt: {problem.message}")
        lost = outcome_of_cancellation(CancellationReason.FENCED, None, 0.0)
        unrecorded = replace(report, outcome=lost.outcome, error=lost.error, committed=())
        return with_verdict(unrecorded, lost, judge)
    return report


def _tell(report: AttemptReport, claim: Claim, store: Store, clock: Clock, decide: Decide) -> None:
    attempt, now = claim.attempt, clock.now()
    state, not_before = decide(claim.run, report, now)
    store.finish_attempt(
        attempt.run_id,
        attempt.number,
        attempt.token,
        report,
        state=state,
        not_before=not_before,
        now=now,
    )


def _is_recorded(report: AttemptReport, claim: Claim, store: Store) -> bool:
    """Whether an earlier call arrived although its answer was lost."""
    attempt = claim.attempt
    try:
        known = store.load_attempts(attempt.run_id)
    except StoreError:
        return False
    return any(
        one.number == attempt.number
        and one.token == attempt.token
        and one.outcome is report.outcome
        for one in known
    )
