"""The ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import (
    Attempt,
    AttemptReport,
    Beat,
    Committed,
    Freshness,
    NewRun,
    Pipeline,
    PipelineVersion,
    Publication,
    PublicationKind,
    PublicationVersion,
    Run,
    RunState,
    Source,
)
from jupyter_etl.ports.runs import Claim


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
