"""The report of an attempt, and its recording in the ledger."""

from __future__ import annotations

from dataclasses import replace

from jupyter_etl.errors import Conflict, PermissionDenied, StoreError
from jupyter_etl.model import AttemptReport, Failure, Outcome
from jupyter_etl.ports import AttemptPolicy
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.outcome import LOST, AttemptOutcome, failure_of_etl_error
from jupyter_etl.runner.watermarks import noted_reads


def report_of(
    context: AttemptContext,
    policy: AttemptPolicy,
    record: RunRecord,
    outcome: AttemptOutcome,
    *,
    peak_bytes: int,
) -> AttemptReport:
    """Return the report to record, without the values of secrets.

    Args:
        peak_bytes: Peak memory of the attempt; 0 if unknown.
    """
    redact = context.redactor.redact_model
    why_not = _why_no_move(context, record, outcome)
    context.remark(why_not)
    origins = {one.name: one.origins for one in record.staged if one.origins}
    report = AttemptReport(
        outcome=Outcome.SUCCEEDED,
        failed_cell=outcome.failed_cell,
        output=str(context.executed) if context.executed.exists() else "",
        peak_rss_bytes=peak_bytes or None,
        committed=outcome.committed,
        checks=tuple(map(redact, record.checks)),
        reads=tuple(map(redact, noted_reads(record.reads, record.moves, why_not))),
        staged=outcome.staged,
        differences=tuple(map(redact, outcome.differences)),
        moves=record.moves,
        origins={name: tuple(map(redact, found)) for name, found in origins.items()},
        began=outcome.began,
    )
    if outcome.failure is None:
        return report
    message = context.redactor.redact(outcome.failure.message)
    return with_failure(report, replace(outcome.failure, message=message), policy)


def with_failure(report: AttemptReport, failure: Failure, policy: AttemptPolicy) -> AttemptReport:
    """Return the report of the same attempt with a failure and its verdict."""
    return replace(
        report,
        outcome=failure.outcome,
        error=failure.message,
        verdict=policy.verdict(failure),
        failed_source=failure.source,
    )


def finish(context: AttemptContext, policy: AttemptPolicy, report: AttemptReport) -> AttemptReport:
    """End the attempt in the ledger, and set the next state of its run.

    Returns:
        The recorded report; ``lost`` if the ledger refused the end of the attempt.
    """
    if report.outcome is Outcome.LOST:
        return report
    context.heartbeats.finishing()
    try:
        context.ask_ledger(lambda: _record(context, policy, report))
    except PermissionDenied as problem:
        # The name was taken between staging and now; nothing has been written.
        unpublished = replace(report, committed=())
        return finish(
            context, policy, with_failure(unpublished, failure_of_etl_error(problem), policy)
        )
    except (Conflict, StoreError) as problem:
        if _is_recorded(context, report):
            return report
        context.remark(f"the ledger refused the end of this attempt: {problem.message}")
        return with_failure(replace(report, committed=()), LOST, policy)
    return report


def _record(context: AttemptContext, policy: AttemptPolicy, report: AttemptReport) -> None:
    attempt, now = context.claim.attempt, context.clock.now()
    state, not_before = policy.next_state(context.claim.run, report, now)
    context.store.finish_attempt(
        attempt.run_id,
        attempt.number,
        attempt.token,
        report,
        state=state,
        not_before=not_before,
        now=now,
    )


def _is_recorded(context: AttemptContext, report: AttemptReport) -> bool:
    """Return whether an earlier call reached the ledger although its answer was lost."""
    attempt = context.claim.attempt
    try:
        known = context.store.load_attempts(attempt.run_id)
    except StoreError:
        return False
    return any(
        one.number == attempt.number
        and one.token == attempt.token
        and one.outcome is report.outcome
        for one in known
    )


def _why_no_move(context: AttemptContext, record: RunRecord, outcome: AttemptOutcome) -> str:
    """Return why a successful run with incremental loads moves no watermark; "" if it does."""
    if outcome.failure is not None or not record.moves:
        return ""
    if context.claim.run.new.draft:
        return "the watermark stays: the run is a draft"
    return "" if outcome.committed else "the watermark stays: the run published nothing"
