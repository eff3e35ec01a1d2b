"""The lines of a run's log that come from the ledger, and the reason why a run is waiting."""

from __future__ import annotations

from datetime import datetime, tzinfo

from jupyter_etl.errors import NotFound
from jupyter_etl.language.durations import rounded_duration
from jupyter_etl.model import IN_PROGRESS, Attempt, Cause, Decision, Hold, Outcome, Run, RunState
from jupyter_etl.ports import Store
from jupyter_etl.runner.cells import cell_title
from jupyter_etl.services.health import alive_among
from jupyter_etl.services.run_log.events import check_words, read_words, rows_words
from jupyter_etl.services.run_log.line import LineKind, LogLine, format_instant

_CAUSES = {
    Cause.SCHEDULE: "by its schedule",
    Cause.UPSTREAM: "after a publication",
    Cause.BACKFILL: "by a backfill",
    Cause.MANUAL: "on request",
}
_OUTCOMES = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.CANCELLED: "cancelled",
    Outcome.HELD: "held",
    Outcome.LOST: "lost",
}

_MOST_ACTIVE = 1_000


def queued_line(run: Run, zone: tzinfo) -> LogLine:
    """Describe the run and what caused it."""
    new = run.new
    what = f"version {new.version}" if new.version is not None else new.notebook
    upstream = ", ".join(f"{name} version {number}" for name, number in new.upstream.items())
    parts = [
        f"run {run.id} of {new.pipeline} ({what}) queued {_CAUSES[new.cause]}",
        f"after {upstream}" if upstream else "",
        f"due {format_instant(new.due_at, zone)}",
        f"owner {new.owner}",
        "draft" if new.draft else "",
    ]
    text = ", ".join(part for part in parts if part)
    return LogLine(kind=LineKind.RUN, text=text, at=run.created_at)


def claimed_lines(attempt: Attempt) -> list[LogLine]:
    """Describe who claimed the attempt."""
    return [
        LogLine(kind=LineKind.ATTEMPT, text=f"Attempt {attempt.number}", attempt=attempt.number),
        LogLine(
            kind=LineKind.STARTED,
            text=f"claimed by {_claimer(attempt.claimed_by)}",
            at=attempt.claimed_at,
            attempt=attempt.number,
        ),
    ]


def _claimer(name: str) -> str:
    """Return the claimer: a scheduler by the start of its identity, or the command of a run."""
    is_command = name.startswith("run-")
    return "the command that started the run" if is_command else f"scheduler {name[:8]}"


def started_line(attempt: Attempt) -> LogLine:
    """Describe where the attempt runs."""
    place = f" on {attempt.host}, process {attempt.pid}" if attempt.host else ""
    text = f"attempt {attempt.number} started{place}"
    return LogLine(kind=LineKind.STARTED, text=text, at=attempt.started_at, attempt=attempt.number)


def ended_lines(attempt: Attempt, outcome: Outcome) -> list[LogLine]:
    """Describe how the attempt ended and its verdict."""
    took = ""
    if attempt.finished_at is not None and attempt.started_at is not None:
        seconds = (attempt.finished_at - attempt.started_at).total_seconds()
        took = f" after {rounded_duration(max(0.0, seconds))}"
    cell = "" if attempt.failed_cell is None else f" in {cell_title(attempt.failed_cell)}"
    error = f": {attempt.error}" if attempt.error else ""
    texts = [f"attempt {attempt.number} {_OUTCOMES[outcome]}{took}{cell}{error}"]
    if attempt.verdict is not None:
        cause = attempt.verdict.cause or attempt.verdict.evidence
        texts.append(f"cause: {cause or attempt.verdict.kind}")
    return [
        LogLine(kind=LineKind.END, text=text, at=attempt.finished_at, attempt=attempt.number)
        for text in texts
    ]


def published_lines(run: Run, attempt: int) -> list[LogLine]:
    """Describe which versions became visible."""
    return [
        LogLine(
            kind=LineKind.PUBLISH,
            text=f"published {'draft' if version.draft else 'version'} {version.number} of "
            f"{version.name}{rows_words(version.what.rows)}"
            + (f" ({version.note})" if version.note else ""),
            at=version.published_at,
            attempt=attempt,
        )
        for version in run.published
    ]


def hold_lines(hold: Hold) -> list[LogLine]:
    """Describe what is held, why, and the decision."""
    names = ", ".join(hold.names)
    reasons = [f"{one.name}: {reason}" for one in hold.differences for reason in one.reasons]
    text = f"held: {names}" + (f" ({'; '.join(reasons)})" if reasons else "")
    lines = [LogLine(kind=LineKind.HOLD, text=text, at=hold.held_at, attempt=hold.attempt)]
    if hold.decision is not None:
        by = f" by {hold.decided_by}" if hold.decided_by else ""
        text = f"{hold.decision}{by}: {names}"
        if hold.decision is Decision.EXPIRED:
            text = f"expired without a decision: {names}"
        lines.append(
            LogLine(kind=LineKind.HOLD, text=text, at=hold.decided_at, attempt=hold.attempt)
        )
    return lines


def recorded_lines(run: Run, attempt: int) -> list[LogLine]:
    """Describe what the last attempt read and checked, if its event file is missing."""
    reads = [(LineKind.READ, read_words(read)) for read in run.reads]
    checks = [(LineKind.CHECK, text) for text in check_words(run.checks)]
    return [LogLine(kind=kind, text=text, attempt=attempt) for kind, text in reads + checks]


def run_end_line(run: Run, last: Attempt | None) -> LogLine | None:
    """Describe an end of the run that differs from its last attempt's; None if it does not."""
    at: datetime | None = run.finished_at
    outcome = last.outcome if last is not None else None
    if run.state is RunState.SKIPPED:
        why = f": {run.new.note}" if run.new.note else ""
        return LogLine(kind=LineKind.END, text=f"skipped{why}", at=at or run.created_at)
    if run.state is RunState.CANCELLED and outcome not in (Outcome.CANCELLED, Outcome.HELD):
        when = "before it started" if last is None else "before its next attempt"
        return LogLine(kind=LineKind.END, text=f"cancelled {when}", at=at)
    if run.state is RunState.FAILED and last is None:
        return LogLine(kind=LineKind.END, text=f"failed before it started: {run.error}", at=at)
    return None


def wait_reason(run: Run, store: Store, now: datetime, zone: tzinfo) -> str:
    """Return in one sentence why a run is waiting; "" if it is not.

    Args:
        run: The current state of the run.
    """
    if run.state is not RunState.QUEUED:
        return ""
    again = " before it is tried again" if run.attempts else ""
    if run.not_before > now:
        return f"waits until {format_instant(run.not_before, zone)}{again}"
    alive = alive_among(store.load_schedulers(), now)
    if not alive:
        return "waits for a scheduler, and none is alive; start one: jupyter etl up"
    if not any(info.runs_for(run.new.owner) for info in alive):
        return (
            f"waits for a scheduler that runs the pipelines of {run.new.owner}, and none is alive; "
            f"start one: jupyter etl up --for {run.new.owner}"
        )
    for breaker in store.load_breakers():
        if breaker.source in run.new.sources and not breaker.admits(now):
            at = (
                f"; tried again at {format_instant(breaker.retry_at, zone)}"
                if breaker.retry_at
                else ""
            )
            return f"waits for the source {breaker.source}, which does not answer{at}"
    return _wait_for_others(run, store) or "waits for a free worker of a scheduler"


def _wait_for_others(run: Run, store: Store) -> str:
    active = store.load_runs(states=IN_PROGRESS, limit=_MOST_ACTIVE)
    same = [one for one in active if one.new.pipeline == run.new.pipeline]
    planned = (Cause.SCHEDULE, Cause.UPSTREAM)
    before = [one for one in same if one.new.cause in planned and not one.new.draft]
    if run.new.cause in planned and not run.new.draft and before:
        return f"waits for the end of run {before[0].id} of the same pipeline"
    backfills = [one for one in same if one.new.cause is Cause.BACKFILL]
    if run.new.cause is Cause.BACKFILL and len(backfills) >= max(1, run.new.policy.parallel):
        return f"waits for the end of other runs of the backfill, such as run {backfills[0].id}"
    for name in run.new.sources:
        try:
            limit = store.load_source(name).runs_at_once
        except NotFound:
            continue
        readers = [one for one in active if name in one.new.sources]
        if limit is not None and len(readers) >= limit:
            return (
                f"waits for the source {name}, which run {readers[0].id} reads (limit: "
                f"{limit} at once)"
            )
    return ""
