"""Retries: the state of a run after an attempt."""

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
"""Maximum wait before the second attempt in seconds; it doubles for each further one."""

CAP_S = 600.0
"""Maximum wait before any attempt, seconds."""

UNSTARTED_CAP_S = 60.0
"""Maximum wait after attempts that failed before the notebook started because of the platform,
seconds.
"""

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
    """Decide whether a run ends with an attempt or is retried.

    Only failures that may succeed on a retry are retried: those whose verdict allows it, and lost
    attempts unless the pipeline's policy forbids repeating cells that may have run. A timeout is
    not retried, because it would recur. If a deployed version could not be started because of the
    platform, it is always tried again, and no retry is used up. A notebook that was run by its path
    is never retried, because its user is waiting for the result.

    Args:
        run: The run during the attempt; ``attempts`` includes this one.
        draw: Returns a random number in ``[0, 1)``.

    Returns:
        The state of the run, and the earliest start of the next attempt if it is queued for one.
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
    """Return whether a run is retried automatically.

    Args:
        outcome, verdict: Result of its last attempt.
        attempts: Number of attempts, including the last one.
    """
    can_succeed = verdict is not None and verdict.retryable
    lost, failed = outcome is Outcome.LOST, outcome is Outcome.FAILED
    repairable = (lost and _may_repeat(run)) or (failed and can_succeed)
    tries = attempts - run.unstarted
    return repairable and tries <= run.new.policy.retries and not run.cancel_requested


def lost_report(claim: Claim, why: str) -> AttemptReport:
    """Return the report for an attempt whose runner did not report.

    Args:
        claim: The attempt, and the run during it.
        why: The evidence that the attempt is lost, in a few words.
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
    """Return the seconds to wait after a number of attempts: exponential, with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    # The exponent is limited, because a large number of attempts would overflow a float.
    return draw() * min(CAP_S if cap_s is None else cap_s, BASE_S * 2.0 ** min(attempts - 1, 32))
