"""Runs, their attempts, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jupyter_etl.model.check import CheckResult
from jupyter_etl.model.hold import Difference, HeldBy
from jupyter_etl.model.origin import ColumnOrigin
from jupyter_etl.model.partition import Partition
from jupyter_etl.model.pipeline import Policy
from jupyter_etl.model.publication import Committed, PublicationVersion, Staged
from jupyter_etl.model.watermark import CursorMove


class RunState(StrEnum):
    """Where a run stands."""

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
"""The states that a run does not leave by itself."""

IN_PROGRESS = (RunState.DISPATCHED, RunState.RUNNING)
"""The states of a run that somebody makes at this moment."""

ACTIVE = (RunState.QUEUED, *IN_PROGRESS)
"""The states of a run that is not finished."""

BAD = (RunState.FAILED, RunState.HELD)
"""The states of a run that somebody has to look at."""


class Cause(StrEnum):
    """Why a run exists."""

    SCHEDULE = "schedule"
    UPSTREAM = "upstream"
    BACKFILL = "backfill"
    MANUAL = "manual"


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    HELD = "held"
    LOST = "lost"


class VerdictKind(StrEnum):
    """Whose fault a failure is."""

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
    """What a run read: lineage, observed at run time.

    Args:
        source: Name of the source or publication.
        table: Table inside the source, or "".
        version: Version of a publication, or a fingerprint of a file; "" where unknown.
        rows, bytes: What was read; None where unknown.
        note: What an incremental load read, in words; "" for any other.
        seconds: From opening the source to its last row; None where unknown. It does not tell one
            read from another.
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
    """A run to be written into the ledger.

    Args:
        pipeline: Name of the pipeline, or the notebook's stem for a run that was never deployed.
        version: Deployed version; None for a notebook that was run by its path.
        content_hash: SHA-256 (hex) of the snapshot to execute.
        notebook: Absolute path of the notebook.
        logical_key: Unique within the pipeline: ``2026-01-01T06:00:00Z`` for a tick,
            ``sales.daily@7`` for an upstream version, ``manual:<hex>`` for a request.
        logical_at: The instant the run stands for, UTC.
        interval: The data it is responsible for.
        due_at: When it should start, UTC.
        cause: Why it exists.
        parameters: JSON values, already merged: deployment's, then the request's.
        owner: Accountable for it.
        policy: As deployed.
        draft: Publish beside live.
        priority: Higher first.
        state: ``queued``, or ``skipped`` for a time that is recorded and not run; ``dispatched``
            never.
        note: Why it was skipped, or who decided about what it held back; else "".
        upstream: Publications and versions that started it.
        timezone: IANA name of the zone in which ``today`` and ``yesterday`` are meant.
        sources: Names of the declared sources that the notebook reads, as far as its text tells.
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
    """A pipeline times a logical key: at most one, whatever happens.

    Args:
        id: Number in the ledger.
        new: What it was made of.
        state: Where it stands.
        outcome: How its last attempt ended; None before.
        attempts: How many were made (claimed).
        not_before: Earliest start, UTC: ``due_at``, or when it was made where that was later; later
            while a retry waits.
        cancel_requested: Whether somebody asked to cancel it.
        cell, cells: Progress of the attempt in hand: cells finished, code cells in all.
        created_at, started_at, finished_at: UTC; start of the first attempt, end of the last.
        error: One line; "" where none.
        failed_cell: Index (0-based, all cells counted) of the cell that failed, or in which the
            check failed that holds it.
        verdict: Whose fault a failure is.
        output: Absolute path of the executed notebook; "" before there is one.
        published: The versions it made visible.
        checks: What its checks found.
        reads: What it read.
        resume_from: Number of the attempt whose kept variables the next attempt starts with; None
            for a start from the first cell.
        worked_s: Seconds that its ended attempts took together; None before the first has ended.
        attempt_started_at: When the attempt in hand began, UTC; None where none is.
        held_by: What holds it; empty unless ``state`` is held.
        unstarted: How many of its attempts ended before the notebook began, by a fault of the
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
    """What a list of a pipeline's last runs shows of each; the rest is in its `Run`.

    Args:
        id, state, outcome, attempts, not_before, created_at, started_at, finished_at, error: As on
            `Run`.
        pipeline, version, cause, draft, due_at: As on `NewRun`.
        worked_s, attempt_started_at, unstarted: As on `Run`.
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
        token: Secret of its owner; every write carries it. 32 hex digits.
        claimed_by: Identity of the scheduler or command that claimed it.
        claimed_at, started_at, finished_at: UTC.
        heartbeat: Counter that its runner advances.
        host, pid: Where it runs; "" and None before it starts.
        outcome: How it ended; None while it lives.
        error, failed_cell, verdict, output: As on `Run`.
        peak_rss_bytes: Largest resident memory of the runner's process tree; None where unknown.
        timeout_s: Seconds that it may take; None before it starts, and of attempts of old.
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
    """The ledger's answer to a heartbeat.

    Args:
        valid: False when the token is stale: the runner must stop and publish nothing.
        cancel: Somebody asked to cancel the run.
    """

    valid: bool
    cancel: bool


@dataclass(frozen=True, kw_only=True)
class AttemptReport:
    """What a runner says at the end of an attempt.

    Args:
        outcome: How it ended.
        error, failed_cell, verdict, output, peak_rss_bytes: As on `Attempt`.
        committed: Outputs to make visible; empty unless ``outcome`` is succeeded.
        checks, reads: What was found and read.
        failed_source: Name of the source that did not answer; "" where none is at fault.
        staged: Outputs to keep aside until a person decides; empty unless ``outcome`` is held.
        differences: Of the tables among them, with the publish gate's reasons; failed checks are
            reasons too.
        moves: What incremental loads read. Watermarks move with what is committed, and with what
            is kept aside when it is approved.
        origins: Where the columns of what is committed come from, by publication.
        began: Whether a cell of the notebook may have run; False where a fault of the platform
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
    """What a cell may know of its run; by hand a draft with the same fields.

    Args:
        id: Of the run; None by hand.
        pipeline: Its name; by hand the notebook's stem, or "".
        attempt: Number of the attempt; 0 by hand.
        logical_at: The instant the run stands for, UTC; by hand now.
        start, end: The half-open interval of data, UTC.
        draft: Whether publications are drafts.
        parameters: Values given to this run; JSON values.
        owner: Accountable for the run.
        notebook: Absolute path of the notebook; "" where unknown.
        folder: Absolute path of a folder of the attempt's own for staged outputs.
        timezone: IANA name of the zone in which ``today`` and ``yesterday`` are meant.
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
