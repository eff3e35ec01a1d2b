"""Runs, their attempts and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jupyter_etl.model.check import CheckResult
from jupyter_etl.model.hold import Difference, HeldBy
from jupyter_etl.model.pipeline import Policy
from jupyter_etl.model.publication import (
    ColumnOrigin,
    Committed,
    Partition,
    PublicationVersion,
    Staged,
)
from jupyter_etl.model.watermark import CursorMove


class RunState(StrEnum):
    """State of a run."""

    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"
    SKIPPED = "skipped"


TERMINAL = frozenset(
    {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.HELD, RunState.SKIPPED}
)
"""The states that a run does not leave automatically."""

IN_PROGRESS = (RunState.DISPATCHED, RunState.RUNNING)
"""The states of a run with an active attempt."""

ACTIVE = (RunState.QUEUED, *IN_PROGRESS)
"""The states of an unfinished run."""

BAD = (RunState.FAILED, RunState.HELD)
"""The states of a run that needs attention."""


class Cause(StrEnum):
    """Why a run exists."""

    SCHEDULE = "schedule"
    UPSTREAM = "upstream"
    BACKFILL = "backfill"
    MANUAL = "manual"


class Outcome(StrEnum):
    """Outcome of an attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    HELD = "held"
    LOST = "lost"


class VerdictKind(StrEnum):
    """Who has to fix a failure."""

    NOTEBOOK = "notebook"
    DATA = "data"
    SOURCE = "source"
    PLATFORM = "platform"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whose fault a failure is.

    Args:
        evidence: One sentence: the cause and the error.
        retryable: Whether a further attempt may succeed.
        cause: The cause without the error and without a period; "" in older ledgers.
    """

    kind: VerdictKind
    evidence: str
    retryable: bool = False
    cause: str = ""


@dataclass(frozen=True, kw_only=True)
class Read:
    """A read of a run, observed at run time, for lineage.

    Args:
        source: Name of the source or publication.
        table: Table in the source, or "".
        version: Version of a publication, or a fingerprint of a file; "" if unknown.
        rows, bytes: Amount read; None if unknown.
        note: Description of an incremental load; "" for other reads.
        seconds: From opening the source to its last row; None if unknown. It does not
            distinguish reads.
    """

    source: str
    table: str = ""
    version: str = ""
    rows: int | None = None
    bytes: int | None = None
    note: str = ""
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run to be inserted into the ledger.

    Args:
        pipeline: Name of the pipeline, or the notebook's stem for a run that was never deployed.
        version: Deployed version; None for a notebook that was run by its path.
        content_hash: SHA-256 (hex) of the snapshot to execute.
        notebook: Absolute path of the notebook.
        logical_key: Unique within the pipeline: ``2026-01-01T06:00:00Z`` for an occurrence,
            ``sales.daily@7`` for an upstream version, ``manual:<hex>`` for a request.
        logical_at: The logical time of the run, UTC.
        interval: Its data interval.
        due_at: When it should start, UTC.
        cause: Why it exists.
        parameters: JSON values, already merged: the deployment's, then the request's.
        owner: The accountable owner.
        policy: As deployed.
        draft: Whether to publish drafts.
        priority: Higher first.
        state: ``queued``, or ``skipped`` for an occurrence that is recorded but not run; never
            ``dispatched``.
        note: Why it was skipped, or who decided about its held outputs; else "".
        upstream: Publications and versions that started it.
        timezone: IANA name of the time zone of ``today`` and ``yesterday``.
        sources: Names of the declared sources that the notebook reads, as far as its text shows.
    """

    pipeline: str
    content_hash: str
    notebook: str
    logical_key: str
    logical_at: datetime
    interval: Partition
    due_at: datetime
    owner: str
    cause: Cause = Cause.MANUAL
    version: int | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    draft: bool = False
    priority: int = 0
    state: RunState = RunState.QUEUED
    note: str = ""
    upstream: Mapping[str, int] = field(default_factory=dict)
    timezone: str = "UTC"
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run; there is at most one for a pipeline and logical key.

    Args:
        id: Id in the ledger.
        new: The values it was inserted with.
        state: Current state.
        outcome: Outcome of its last attempt; None before the first has ended.
        attempts: Number of attempts (claims).
        not_before: Earliest start, UTC: ``due_at`` or the time of insertion, whichever is
            later; later while a retry waits.
        cancel_requested: Whether its cancellation has been requested.
        cell, cells: Progress of the active attempt: finished cells, total code cells.
        created_at, started_at, finished_at: UTC; start of the first attempt, end of the last.
        error: One line; "" for none.
        failed_cell: Index (0-based, over all cells) of the cell that failed, or of the failed
            check that holds the run.
        verdict: The cause of its failure.
        output: Absolute path of the executed notebook; "" before there is one.
        published: The versions it published.
        checks: The results of its checks.
        reads: Its reads.
        resume_from: Number of the attempt from whose checkpoint the next attempt resumes; None
            to start from the first cell.
        worked_s: Total seconds of its ended attempts; None before the first has ended.
        attempt_started_at: When the active attempt started, UTC; None if there is none.
        held_by: What holds it; empty unless ``state`` is held.
        unstarted: Number of attempts that failed before the notebook started because of the
            platform; they use up no retries.
    """

    id: int
    new: NewRun
    state: RunState
    outcome: Outcome | None
    attempts: int
    not_before: datetime
    cancel_requested: bool
    created_at: datetime
    cell: int | None = None
    cells: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str = ""
    failed_cell: int | None = None
    verdict: Verdict | None = None
    output: str = ""
    published: tuple[PublicationVersion, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    reads: tuple[Read, ...] = ()
    resume_from: int | None = None
    worked_s: float | None = None
    attempt_started_at: datetime | None = None
    held_by: tuple[HeldBy, ...] = ()
    unstarted: int = 0


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """The fields of a run that lists of a pipeline's last runs show; see `Run` for the rest.

    Args:
        id, state, outcome, attempts, not_before, created_at, started_at, finished_at, error:
            See `Run`.
        pipeline, version, cause, draft, due_at: See `NewRun`.
        worked_s, attempt_started_at, unstarted: See `Run`.
    """

    id: int
    pipeline: str
    version: int | None
    cause: Cause
    draft: bool
    state: RunState
    outcome: Outcome | None
    attempts: int
    due_at: datetime
    not_before: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str = ""
    worked_s: float | None = None
    attempt_started_at: datetime | None = None
    unstarted: int = 0


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One execution of a run in a fresh kernel.

    Args:
        run_id, number: 1 for the first.
        token: Secret of its runner; every write includes it. 32 hex digits.
        claimed_by: Identity of the scheduler or command that claimed it.
        claimed_at, started_at, finished_at: UTC.
        heartbeat: Counter that its runner increments.
        host, pid: Where it runs; "" and None before it starts.
        outcome: Its outcome; None while it is active.
        error, failed_cell, verdict, output: See `Run`.
        peak_rss_bytes: Maximum resident memory of the runner's process tree; None if unknown.
        timeout_s: Time limit in seconds; None before it starts, and for attempts of older versions.
    """

    run_id: int
    number: int
    token: str
    claimed_by: str
    claimed_at: datetime
    heartbeat: int = 0
    host: str = ""
    pid: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: Outcome | None = None
    error: str = ""
    failed_cell: int | None = None
    verdict: Verdict | None = None
    output: str = ""
    peak_rss_bytes: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """The ledger's response to a heartbeat.

    Args:
        valid: False if the token is stale: the runner must stop and publish nothing.
        cancel: Whether the run's cancellation has been requested.
    """

    valid: bool
    cancel: bool


@dataclass(frozen=True, kw_only=True)
class AttemptReport:
    """The report of a runner at the end of an attempt.

    Args:
        outcome: Outcome of the attempt.
        error, failed_cell, verdict, output, peak_rss_bytes: See `Attempt`.
        committed: Outputs to make visible; empty unless ``outcome`` is succeeded.
        checks, reads: Results of checks, and recorded reads.
        failed_source: Name of the source that did not respond; "" for none.
        staged: Outputs that wait for approval; empty unless ``outcome`` is held.
        differences: Differences of the tables among them, with the publish gate's reasons;
            failed checks are reasons too.
        moves: Reads of incremental loads. Watermarks move with committed outputs, and with held
            ones on approval.
        origins: Origins of the columns of committed outputs, by publication.
        began: Whether a cell of the notebook may have run; False if a fault of the platform
            ended the attempt before.
    """

    outcome: Outcome
    error: str = ""
    failed_cell: int | None = None
    verdict: Verdict | None = None
    output: str = ""
    peak_rss_bytes: int | None = None
    committed: tuple[Committed, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    reads: tuple[Read, ...] = ()
    failed_source: str = ""
    staged: tuple[Staged, ...] = ()
    differences: tuple[Difference, ...] = ()
    moves: tuple[CursorMove, ...] = ()
    origins: Mapping[str, tuple[ColumnOrigin, ...]] = field(default_factory=dict)
    began: bool = True


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """The run as visible to its cells; interactively a draft with the same fields.

    Args:
        id: Id of the run; None interactively.
        pipeline: Its pipeline; interactively the notebook's stem, or "".
        attempt: Number of the attempt; 0 interactively.
        logical_at: The logical time of the run, UTC; interactively now.
        start, end: The half-open data interval, UTC.
        draft: Whether publications are drafts.
        parameters: Values given to this run; JSON values.
        owner: The accountable owner.
        notebook: Absolute path of the notebook; "" if unknown.
        folder: Absolute path of the attempt's folder for staged outputs.
        timezone: IANA name of the time zone of ``today`` and ``yesterday``.
        outputs: Frames that the notebook publishes as tables: variable to publication.
    """

    id: int | None
    pipeline: str
    attempt: int
    logical_at: datetime
    start: datetime
    end: datetime
    draft: bool
    owner: str
    notebook: str
    folder: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    timezone: str = "UTC"
    outputs: Mapping[str, str] = field(default_factory=dict)
