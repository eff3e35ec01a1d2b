"""The studs of the Lego blocks: what each kind of block does, in one file to read first.

Every block is found through an entry point (group ``jupyter_etl.<port>s``), imported only when it
is asked for, and passes the contract suite of its port under ``tests/contracts``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_etl.model import (
    Attempt,
    AttemptReport,
    Beat,
    CheckResult,
    CheckRule,
    Committed,
    Freshness,
    NewRun,
    Pipeline,
    PipelineVersion,
    Publication,
    PublicationKind,
    PublicationVersion,
    Read,
    Run,
    RunContext,
    RunState,
    Source,
    Staged,
    TableInfo,
)

if TYPE_CHECKING:
    import pyarrow as pa


class Clock(Protocol):
    """The only thing in engine/ that knows the time."""

    def now(self) -> datetime:
        """Return the wall-clock time as an aware UTC instant."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences within one process mean anything."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``, or earlier when something may have changed."""
        ...


class Secrets(Protocol):
    """Where the values behind the names of secrets come from."""

    def get(self, name: str) -> str | None:
        """Return the value of ``name``, or None where this provider does not have it."""
        ...


# -- data ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """What is wanted of a source.

    Args:
        table: One of the names that `Connector.tables` gave; "" for a source that is one table.
        columns: Names to read, in order; None for all.
        query: SQL in the source's dialect, instead of ``table``; placeholders are ``:name``.
        parameters: Values bound to the placeholders of ``query``.
        limit: Stop after so many rows; None for all.
    """

    table: str = ""
    columns: tuple[str, ...] | None = None
    query: str | None = None
    parameters: Mapping[str, object] | None = None
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Data on its way out of a source.

    Args:
        batches: A reader of Arrow record batches; it may be read once, and closes what it opened.
        version: What was read: a fingerprint of files, a publication's version; "" where unknown.
        total_rows: Rows there are without ``limit``, where that is known for nothing; else None.
    """

    batches: pa.RecordBatchReader
    version: str = ""
    total_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a connector is handed besides the source.

    Args:
        secret: Resolves the name of a secret to its value; raises `NotFound`.
        frame: Returns the variable of that name of the notebook; raises `NotFound`.
        publication: Opens a reader over a publication's live version; raises `NotFound`.
    """

    secret: Callable[[str], str]
    frame: Callable[[str], object]
    publication: Callable[[str], Reading]


class Connector(Protocol):
    """Reads the kinds of source it names."""

    kinds: tuple[str, ...]

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List what can be read.

        Raises:
            SourceError: The source is absent or unreadable; ``retryable`` says whether later may do.
        """
        ...

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Start reading.

        Raises:
            SourceError: As above, or the table, a column or the query is wrong (not retryable; the
                message lists what there is).
        """
        ...


class CheckRunner(Protocol):
    """Applies rules to data."""

    def run(
        self,
        rules: Sequence[CheckRule],
        data: pa.Table,
        *,
        dataset: str,
        last_rows: int | None,
        reference: Callable[[str], pa.Table],
    ) -> list[CheckResult]:
        """Apply all rules in one pass.

        Args:
            rules: What must hold.
            data: The rows.
            dataset: Name used in messages.
            last_rows: Rows of the last live version, the value of ``last`` in a ``rows`` rule.
            reference: Returns a publication by name, for ``references`` rules.

        Raises:
            DeclarationError: A rule names a column that is not there, or is not valid SQL.
        """
        ...


class Publisher(Protocol):
    """Makes one kind of output: stages it in the kernel, commits it in the runner."""

    kind: PublicationKind

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Write the output into ``request.folder``, which is empty and belongs to the attempt.

        Args:
            request: What was declared; files, rows, bytes and columns are still unset.
            data: The rows; None for a report.

        Returns:
            ``request`` with what was written filled in.

        Raises:
            PublishError: The data cannot be held by this kind (type, key not unique or null ...).
        """
        ...

    def commit(
        self,
        staged: Staged,
        *,
        lake: str,
        draft: bool,
        number: int,
        token: str,
        previous: PublicationVersion | None,
    ) -> Committed:
        """Move a staged output to its place in the lake, invisible to readers through the ledger.

        Called again with the same ``token`` it commits nothing twice and returns the same.

        Args:
            staged: From `stage`.
            lake: Folder or fsspec URL under which all outputs lie.
            draft: Keep it apart from the live one.
            number: The version it will get.
            token: Identifies the run and output over all its attempts: ``run-42/sales.daily``.
            previous: The version consumers get now.

        Raises:
            PublishError: A broken contract, a full disk, no permission.
        """
        ...

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Open exactly that version.

        Raises:
            PublishError: Its files are gone, or the kind has no rows.
        """
        ...


class Channel(Protocol):
    """What code in a kernel may ask and tell.

    In a run the other end is the runner, over a private socket; by hand it is the ledger.
    """

    @property
    def context(self) -> RunContext:
        """The run this code belongs to."""
        ...

    def declare_source(self, source: Source) -> Source:
        """Write a source into the catalogue; the same declaration twice is one."""
        ...

    def source(self, name: str) -> Source:
        """Return a source by name; raises `NotFound` with the nearest names."""
        ...

    def sources(self) -> list[Source]:
        """Return all sources, by name."""
        ...

    def publication(self, name: str) -> Publication:
        """Return a publication by name; in a run its live version stays the one first seen."""
        ...

    def publications(self) -> list[Publication]:
        """Return all publications, by name."""
        ...

    def history(self, name: str, *, draft: bool = False) -> list[PublicationVersion]:
        """Return the versions of a publication, newest first."""
        ...

    def report_read(self, read: Read) -> None:
        """Tell what was read."""
        ...

    def report_checks(self, results: Sequence[CheckResult]) -> None:
        """Tell what checks found."""
        ...

    def stage_folder(self, name: str) -> Path:
        """Return a new empty folder to stage an output in."""
        ...

    def publish(self, staged: Staged, *, live: bool = False) -> PublicationVersion | None:
        """Hand over a staged output.

        In a run it waits for the end of the run and None comes back; by hand it is committed now,
        as a draft, or with ``live`` as the live version.
        """
        ...


# -- runs ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that was claimed, with the attempt to make."""

    run: Run
    attempt: Attempt


class Executor(Protocol):
    """Starts attempts somewhere; what becomes of them is read from the ledger."""

    def start(self, claim: Claim) -> None:
        """Start a runner process for this attempt and return at once.

        Raises:
            ExecutionError: It could not be started.
        """
        ...

    def ended(self) -> list[tuple[int, int, int]]:
        """Return ``(run_id, attempt number, exit code)`` of runners known to have ended, once each.

        A shortcut that notices a lost attempt early; it may stay empty.
        """
        ...

    def close(self) -> None:
        """Let go of everything without ending a runner."""
        ...


class Notifier(Protocol):
    """Tells people."""

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Send one message.

        Args:
            title: One line.
            body: Plain text.
            severity: ``info``, ``warning`` or ``error``.
            run: What it is about.

        Raises:
            EtlError: It could not be sent.
        """
        ...


# -- the ledger ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SchedulerInfo:
    """A scheduler that said it is alive.

    Args:
        id: Random identity of the process.
        host, pid: Where it runs.
        workers: Attempts it makes at once.
        seen_at: When it last said so, UTC.
    """

    id: str
    host: str
    pid: int
    workers: int
    seen_at: datetime


class Store(Protocol):
    """The ledger. Each method is one transaction, unless it only reads.

    All raise `StoreError` when the ledger cannot be reached. Instants are aware and UTC.
    """

    # sources
    def save_source(self, source: Source) -> Source:
        """Declare a source; idempotent. Raises `PermissionDenied` if another owner has the name."""
        ...

    def load_source(self, name: str) -> Source:
        """Raises `NotFound`."""
        ...

    def load_sources(self) -> list[Source]:
        """Return all, by name."""
        ...

    # snapshots and pipelines
    def save_snapshot(self, body: str) -> str:
        """Keep a text under the SHA-256 (hex) of its UTF-8 bytes, and return that."""
        ...

    def load_snapshot(self, content_hash: str) -> str:
        """Raises `NotFound`."""
        ...

    def deploy(self, pipeline: Pipeline, *, now: datetime) -> Pipeline:
        """Write a pipeline as declared.

        A new name gets version 1. Where content, schedule, parameters or policy differ from the
        live version, the next version is recorded; where nothing differs, nothing changes but
        ``next_due`` of a schedule that has none. ``version``, ``revision``, ``created_at`` and
        ``updated_at`` of the argument are ignored. A paused pipeline stays paused.

        Raises:
            PermissionDenied: Another owner has the name.
            Conflict: Another notebook (path) has the name.
        """
        ...

    def load_pipeline(self, name: str) -> Pipeline:
        """Raises `NotFound`."""
        ...

    def load_pipelines(self) -> list[Pipeline]:
        """Return all, by name."""
        ...

    def load_pipeline_versions(self, name: str) -> list[PipelineVersion]:
        """Newest first."""
        ...

    def change_pipeline(
        self,
        name: str,
        *,
        now: datetime,
        paused: bool | None = None,
        next_due: datetime | None = None,
        owner: str | None = None,
    ) -> Pipeline:
        """Pause, resume (with the next time) or hand over. Advances ``revision``."""
        ...

    def remove_pipeline(self, name: str) -> None:
        """Take a pipeline off the schedule; its versions and runs stay on record."""
        ...

    # planning
    def load_due(self, now: datetime, *, limit: int = 1000) -> list[Pipeline]:
        """Return the pipelines that are not paused and whose ``next_due`` is not after ``now``."""
        ...

    def next_due_at(self) -> datetime | None:
        """Return the earliest ``next_due`` or ``not_before`` of a queued run; None without any."""
        ...

    def load_subscribers(self) -> list[Pipeline]:
        """Return the pipelines with an ``after`` schedule that are not paused."""
        ...

    def plan(
        self,
        pipeline: Pipeline,
        runs: Sequence[NewRun],
        *,
        next_due: datetime | None,
        now: datetime,
        cancel: Sequence[int] = (),
    ) -> list[Run]:
        """Insert runs and advance ``next_due``, if nobody changed the pipeline meanwhile.

        Args:
            pipeline: As it was loaded; its ``revision`` must still be the ledger's.
            runs: A logical key that exists already is left as it is.
            next_due: The new one.
            now: Of the row.
            cancel: Ids of queued runs that these supersede (they end as skipped, with a note) and
                of running ones that are asked to stop.

        Returns:
            The runs that were inserted.

        Raises:
            Conflict: The revision is another one. Nothing was written.
        """
        ...

    def add_run(self, run: NewRun, *, now: datetime) -> Run:
        """Insert one run; where its logical key exists, return that one."""
        ...

    # attempts
    def claim(
        self, by: str, *, now: datetime, limit: int, run_id: int | None = None
    ) -> list[Claim]:
        """Take queued runs whose ``not_before`` has come: they become dispatched.

        Highest priority first, then longest due. With ``run_id`` only that one. Of the runs that a
        schedule or a new version made, one a pipeline is in hand at a time.
        """
        ...

    def start_attempt(
        self,
        run_id: int,
        number: int,
        token: str,
        *,
        host: str,
        pid: int,
        cells: int | None,
        now: datetime,
    ) -> None:
        """A runner begins. Raises `Conflict` when the token is stale or it has begun before."""
        ...

    def beat(self, run_id: int, number: int, token: str, *, cell: int | None = None) -> Beat:
        """Advance the beat and the progress."""
        ...

    def finish_attempt(
        self,
        run_id: int,
        number: int,
        token: str,
        report: AttemptReport,
        *,
        state: RunState,
        not_before: datetime | None,
        now: datetime,
    ) -> list[PublicationVersion]:
        """End an attempt; in the same transaction make what it committed visible.

        Args:
            run_id, number, token: Of the attempt.
            report: What the runner says.
            state: What becomes of the run: a terminal state, or queued for a retry.
            not_before: Earliest start of the retry.
            now: Of the rows.

        Returns:
            The versions that became visible.

        Raises:
            Conflict: The token is stale, or the attempt has ended. Nothing was written.
            PermissionDenied: A publication belongs to another owner. Nothing was written.
        """
        ...

    def load_live_attempts(self) -> list[Claim]:
        """Return the attempts without an outcome, with their runs."""
        ...

    def load_attempts(self, run_id: int) -> list[Attempt]:
        """Oldest first."""
        ...

    def request_cancel(self, run_id: int, *, now: datetime) -> Run:
        """Ask to cancel. A queued run is cancelled at once; a finished one stays as it is."""
        ...

    def requeue(self, run_id: int, *, now: datetime) -> Run:
        """Queue a finished run once more, as it was. Raises `Conflict` unless it is finished."""
        ...

    # reading runs
    def load_run(self, run_id: int) -> Run:
        """Raises `NotFound`."""
        ...

    def load_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        """Newest first, by id."""
        ...

    def count_runs(self, *, pipeline: str | None = None, states: Sequence[RunState] = ()) -> int:
        """Count what `load_runs` would list without a limit."""
        ...

    # publications
    def publish(
        self,
        committed: Committed,
        *,
        owner: str,
        pipeline: str,
        notebook: str,
        draft: bool,
        now: datetime,
    ) -> PublicationVersion:
        """Make an output visible that was published by hand."""
        ...

    def next_publication_number(self, name: str, *, draft: bool) -> int:
        """Return the number the next version will get, 1 for a new name."""
        ...

    def check_publication(self, name: str, kind: PublicationKind, owner: str) -> None:
        """Raise `PermissionDenied` or `Conflict` if that owner cannot publish that kind there."""
        ...

    def load_publication(self, name: str) -> Publication:
        """Raises `NotFound`."""
        ...

    def load_publications(self) -> list[Publication]:
        """Return all, by name."""
        ...

    def load_publication_versions(
        self, name: str, *, draft: bool = False
    ) -> list[PublicationVersion]:
        """Newest first; raises `NotFound`."""
        ...

    def set_freshness(self, name: str, freshness: Freshness | None, *, owner: str) -> Publication:
        """Promise an age. Raises `NotFound` or `PermissionDenied`."""
        ...

    # schedulers
    def save_scheduler(self, info: SchedulerInfo) -> None:
        """Say that a scheduler is alive."""
        ...

    def remove_scheduler(self, scheduler_id: str) -> None:
        """Say that a scheduler has ended."""
        ...

    def load_schedulers(self) -> list[SchedulerInfo]:
        """Return those that were not removed; the caller judges ``seen_at``."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


Decide = Callable[[Run, AttemptReport, datetime], "tuple[RunState, datetime | None]"]
"""What becomes of a run after an attempt, and when it may start again."""
