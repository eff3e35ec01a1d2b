"""What becomes of a run after an attempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from jupyter_etl.model import AttemptReport, Outcome, Run, RunState

BASE_S = 2.0
"""Longest wait before the second attempt; each further one may wait twice as long."""

CAP_S = 600.0
"""Longest wait before any attempt."""

_STATES = {
    Outcome.SUCCEEDED: RunState.SUCCEEDED,
    Outcome.HELD: RunState.HELD,
    Outcome.CANCELLED: RunState.CANCELLED,
    Outcome.FAILED: RunState.FAILED,
    Outcome.TIMED_OUT: RunState.FAILED,
    Outcome.LOST: RunState.FAILED,
}


def plan_next(
    run: Run, report: AttemptReport, now: datetime, *, draw: Callable[[], float]
) -> tuple[RunState, datetime | None]:
    """Decide whether a run ends with an attempt or is tried again.

    Only what a further attempt can mend is tried again: a lost attempt, and a failure whose verdict
    says so.

    Args:
        run: As it stood during the attempt; ``attempts`` counts this one.
        report: How the attempt ended.
        now: UTC.
        draw: Returns a number in ``[0, 1)``.

    Returns:
        The state of the run, and the earliest start of the next attempt, if it is queued for one.
    """
    lost = report.outcome is Outcome.LOST
    if lost and run.cancel_requested:
        return RunState.CANCELLED, None
    failed = lost or report.outcome in (Outcome.FAILED, Outcome.TIMED_OUT)
    mendable = lost or (report.verdict is not None and report.verdict.retryable)
    left = run.attempts <= run.new.policy.retries
    if failed and mendable and left and not run.cancel_requested:
        return RunState.QUEUED, now + timedelta(seconds=backoff_s(run.attempts, draw=draw))
    return _STATES[report.outcome], None


def backoff_s(attempts: int, *, draw: Callable[[], float]) -> float:
    """Return the seconds to wait after so many attempts: exponential, with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    # The exponent is bounded so that no number of attempts overflows a float.
    return draw() * min(CAP_S, BASE_S * 2.0 ** min(attempts - 1, 32))
