"""What becomes of a run after an attempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from jupyter_etl.model import (
    AttemptReport,
    Failure,
    FailureKind,
    OnLost,
    Outcome,
    Run,
    RunState,
    Verdict,
)
from jupyter_etl.ports import Claim
from jupyter_etl.scheduling.verdicts import judge

BASE_S = 2.0
"""Longest wait before the second attempt; each further one may wait twice as long."""

CAP_S = 600.0
"""Longest wait before any attempt."""

UNSTARTED_CAP_S = 60.0
"""Longest wait after attempts that a fault of the platform ended before the notebook began."""

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

    Only failures that can succeed on a retry are retried: those whose verdict allows it, and a lost
    attempt, unless the pipeline's policy forbids to repeat cells that may have run. One that took
    longer than its timeout would do so again. An attempt of a deployed version that did not begin, by
    a fault of the platform, is always made again and uses up no retry. A notebook that was run by
    its path fails instead, because somebody waits for the result.

    Args:
        run: As it stood during the attempt; ``attempts`` counts this one.
        draw: Returns a number in ``[0, 1)``.

    Returns:
        The state of the run, and the earliest start of the next attempt, if it is queued for one.
    """
    if report.outcome is Outcome.LOST and run.cancel_requested:
        return RunState.CANCELLED, None
    if not report.began and not run.cancel_requested and run.new.version is not None:
        wait_s = backoff_s(run.unstarted + 1, draw=draw, cap_s=UNSTARTED_CAP_S)
        return RunState.QUEUED, now + timedelta(seconds=wait_s)
    if is_retried(run, report.outcome, report.verdict, attempts=run.attempts):
        tries = run.attempts - run.unstarted
        return RunState.QUEUED, now + timedelta(seconds=backoff_s(tries, draw=draw))
    return _STATES[report.outcome], None


def is_retried(run: Run, outcome: Outcome, verdict: Verdict | None, *, attempts: int) -> bool:
    """Tell whether the platform tries a run again by itself.

    Args:
        outcome, verdict: Of its last attempt.
        attempts: How many were made, that one included.
    """
    says_so = verdict is not None and verdict.retryable
    lost, failed = outcome is Outcome.LOST, outcome is Outcome.FAILED
    repairable = (lost and _may_repeat(run)) or (failed and says_so)
    tries = attempts - run.unstarted
    return repairable and tries <= run.new.policy.retries and not run.cancel_requested


def lost_report(claim: Claim, why: str) -> AttemptReport:
    """Return what is put on record of an attempt whose runner did not report.

    Args:
        claim: The attempt, and the run as it stood during it.
        why: What shows that the attempt is lost, in a few words.
    """
    error, run, began = why, claim.run, claim.attempt.started_at is not None
    if began and not _may_repeat(run):
        error = (
            f"{why}. Its cells may have run, and this pipeline has --on-lost fail, so it is not "
            f"retried automatically. Check what they did, then: jupyter etl retry {run.id}"
        )
    return AttemptReport(
        outcome=Outcome.LOST,
        error=error,
        verdict=judge(Failure(kind=FailureKind.LOST, message=why)),
        began=began,
    )


def _may_repeat(run: Run) -> bool:
    return run.new.policy.on_lost is OnLost.RETRY


def backoff_s(attempts: int, *, draw: Callable[[], float], cap_s: float | None = None) -> float:
    """Return the seconds to wait after so many attempts: exponential, with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    # The exponent is bounded so that no number of attempts overflows a float.
    return draw() * min(CAP_S if cap_s is None else cap_s, BASE_S * 2.0 ** min(attempts - 1, 32))
