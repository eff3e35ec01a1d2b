"""Runs and held outputs as responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import asdict

from jupyter_etl.model import (
    Attempt,
    Cause,
    CheckResult,
    HeldBy,
    Hold,
    Outcome,
    Read,
    Retried,
    Run,
    RunState,
    Verdict,
)
from jupyter_etl.rest.lines import hold_lines, run_lines
from jupyter_etl.rest.views.base import View
from jupyter_etl.services.health import seconds_of, working_since
from jupyter_etl.services.publications.differences import HoldFields, hold_view
from jupyter_etl.services.runs.resume import retried_words

_TAIL = 20_000
"""Maximum number of characters of the log in a response."""


class PublishedVersion(View, frozen=True):
    """A version that a run published."""

    name: str
    version: int
    rows: int | None
    draft: bool


class RunLines(View, frozen=True):
    """Command lines that do the same as the buttons of a run."""

    log: str
    cancel: str
    retry: str
    retry_from_failed_cell: str


class RunView(View, frozen=True):
    """A run.

    Args:
        seconds: Duration of all attempts together, so far if it is active. Time spent waiting for a
            retry, a worker or a decision does not count.
        working_since: If it is active, the current time minus `seconds`.
        cell: Number of finished cells.
        cells: Number of code cells.
        error: The error; for a skipped run, why it was skipped.
        failed_cell: Index of the failed cell, 0-based over all cells.
        held_by: The reason of its hold; empty unless its state is held.
        has_notebook: Whether there is an executed notebook.
        resumable: Whether a cell failed and its variables were to be kept.
    """

    id: int
    pipeline: str
    version: int | None
    state: RunState
    outcome: Outcome | None
    cause: Cause
    logical_key: str
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    working_since: datetime | None
    cell: int | None
    cells: int | None
    error: str
    failed_cell: int | None
    verdict: Verdict | None
    owner: str
    draft: bool
    attempts: int
    published: tuple[PublishedVersion, ...]
    held_by: tuple[HeldBy, ...]
    has_notebook: bool
    resumable: bool
    lines: RunLines


class RetriedRun(RunView, frozen=True):
    """A run that was queued again.

    Args:
        resumes_at: The cell at which it resumes, 0-based; null for the first.
        why_not: Why it does not resume at the failed cell.
        deployed: The version that was deployed from the saved notebook for it; null for none.
        note: Why the deployed version runs and not the saved notebook; empty if they are the same.
        words: A summary of these fields in sentences.
    """

    resumes_at: int | None
    why_not: str
    deployed: int | None
    note: str
    words: str


class AttemptView(View, frozen=True):
    """An attempt at a run.

    Args:
        claimed_by: The scheduler or command that claimed it.
        heartbeat: Counter of its heartbeats.
        peak_rss_bytes: Largest resident memory of its processes; null if unknown.
        timeout_s: Time limit in seconds.
    """

    run_id: int
    number: int
    claimed_by: str
    claimed_at: datetime
    heartbeat: int
    host: str
    pid: int | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: Outcome | None
    error: str
    failed_cell: int | None
    verdict: Verdict | None
    output: str
    peak_rss_bytes: int | None
    timeout_s: float | None


class HoldLines(View, frozen=True):
    """Command lines that do the same as the buttons of a held run."""

    show: str
    approve: str
    reject: str


class HoldView(HoldFields, frozen=True):
    """A run that is pending approval."""

    lines: HoldLines


class RunDetail(RunView, frozen=True):
    """A run with its attempts and the end of its log.

    Args:
        log_tail: The last 20,000 characters of its log at most, from the start of a line.
        note: Why it was skipped, or who decided about it; empty otherwise.
        hold: Its outputs that are pending approval; null for none.
    """

    checks: tuple[CheckResult, ...]
    reads: tuple[Read, ...]
    parameters: Mapping[str, object]
    attempts_list: tuple[AttemptView, ...]
    log_tail: str
    note: str
    hold: HoldView | None


class Notebook(View, frozen=True):
    """A notebook of nbformat 4."""

    cells: tuple[Mapping[str, object], ...]
    metadata: Mapping[str, object]
    nbformat: int
    nbformat_minor: int


def run_view(run: Run, *, now: datetime) -> RunView:
    """Make the view of a run."""
    return RunView(
        id=run.id,
        pipeline=run.new.pipeline,
        version=run.new.version,
        state=run.state,
        outcome=run.outcome,
        cause=run.new.cause,
        logical_key=run.new.logical_key,
        due_at=run.new.due_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        seconds=seconds_of(run, now),
        working_since=working_since(run, now),
        cell=run.cell,
        cells=run.cells,
        error=run.error or (run.new.note if run.state is RunState.SKIPPED else ""),
        failed_cell=run.failed_cell,
        verdict=run.verdict,
        owner=run.new.owner,
        draft=run.new.draft,
        attempts=run.attempts,
        published=tuple(
            PublishedVersion(name=v.name, version=v.number, rows=v.what.rows, draft=v.draft)
            for v in run.published
        ),
        held_by=run.held_by,
        has_notebook=bool(run.output),
        resumable=(
            run.new.policy.checkpoint
            and run.state is RunState.FAILED
            and run.outcome is Outcome.FAILED
            and run.failed_cell is not None
        ),
        lines=RunLines(**run_lines(run.id)),
    )


def retried_view(retried: Retried, *, now: datetime) -> RetriedRun:
    """Make the view of a run that was queued again."""
    return RetriedRun(
        **asdict(run_view(retried.run, now=now)),
        resumes_at=retried.cell,
        why_not=retried.why_not,
        deployed=retried.deployed,
        note=retried.note,
        words=retried_words(retried),
    )


def run_detail_view(
    run: Run, attempts: Sequence[Attempt], log: str, held: Hold | None = None, *, now: datetime
) -> RunDetail:
    """Make the view of a run with its attempts, oldest first, and the end of its log."""
    return RunDetail(
        **asdict(run_view(run, now=now)),
        checks=run.checks,
        reads=run.reads,
        parameters=run.new.parameters,
        attempts_list=tuple(attempt_view(attempt) for attempt in attempts),
        log_tail=tail_of(log),
        note=run.new.note,
        hold=held_view(held) if held else None,
    )


def held_view(hold: Hold) -> HoldView:
    """Make the view of a held run."""
    return HoldView(**asdict(hold_view(hold)), lines=HoldLines(**hold_lines(hold.run_id)))


def attempt_view(attempt: Attempt) -> AttemptView:
    """Make the view of an attempt, without its token, which authorizes writes on its behalf."""
    return msgspec.convert(attempt, AttemptView, from_attributes=True)


def tail_of(log: str) -> str:
    """Return the last 20,000 characters of a log, from the start of a line."""
    if len(log) <= _TAIL:
        return log
    cut = log[-_TAIL:]
    return cut.partition("\n")[2] or cut
