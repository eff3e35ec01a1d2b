"""What the ledger knows of runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import (
    NO_TAGS,
    Attempt,
    AttemptReport,
    Breaker,
    Cause,
    Heartbeat,
    NewRun,
    Pipeline,
    PublicationVersion,
    Run,
    RunState,
    RunSummary,
)
from jupyter_etl.ports.runs import Claim


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What is to be written for one pipeline.

    Args:
        pipeline: As it was loaded; its ``revision`` must still be the ledger's.
        runs: To be inserted.
        next_due: The new one, UTC.
        cancel: Ids of queued runs that these supersede (they end as skipped, with a note) and of
            running ones that are asked to stop.
    """

    pipeline: Pipeline
    runs: tuple[NewRun, ...]
    next_due: datetime | None
    cancel: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What there is to do for a scheduler.

    Args:
        due: A pipeline is due.
        subscribers: A pipeline that is not paused has an ``after`` schedule.
        live: An attempt has no outcome.
        unnotified: People have to hear of the end of a run.
        ready: The ``not_before`` of a queued run has come.
        next_at: When something may become due next, UTC: a ``next_due``, a ``not_before`` of a
            queued run, or the ``retry_at`` of a breaker; None without any.
    """

    due: bool
    subscribers: bool
    live: bool
    unnotified: bool
    ready: bool
    next_at: datetime | None


class RunStore(Protocol):
    """Runs in the ledger: planned, claimed, attempted, read."""

    # planning
    def load_outlook(self, now: datetime) -> Outlook:
        """Tell what there is to do at an instant, in one cheap question."""
        ...

    def load_due(self, now: datetime, *, limit: int = 1000) -> list[Pipeline]:
        """Return the pipelines that are not paused and whose ``next_due`` is not after ``now``.

        Longest due first.
        """
        ...

    def load_subscribers(self) -> list[Pipeline]:
        """Return the pipelines with an ``after`` schedule that are not paused."""
        ...

    def load_live_versions(self, names: Collection[str]) -> dict[str, PublicationVersion]:
        """Return the live version of each of these publications that has one."""
        ...

    def load_overlapping(self, names: Collection[str]) -> dict[str, list[Run]]:
        """Return the unfinished runs that a new one of these pipelines would overlap, newest first.

        Neither backfills nor drafts; of each pipeline the newest thousand, without ``published``.
        Every name is in the answer.
        """
        ...

    def plan(self, plans: Sequence[Planned], *, now: datetime) -> list[bool]:
        """Insert runs and advance ``next_due``, each if nobody changed its pipeline meanwhile.

        A logical key that exists already is left as it is. What a run was started by becomes the
        pipeline's ``seen``.

        Returns:
            Whether each plan was written; those of a pipeline whose revision is another one were
            not, and the others all the same.
        """
        ...

    def load_time(self) -> datetime | None:
        """Return the time of the ledger's server, UTC; None for a ledger that has none."""
        ...

    def load_scheduled(self, now: datetime) -> list[Pipeline]:
        """Return the timed pipelines that are not paused and not due by an instant, by name."""
        ...

    def load_missed_early(self, until: datetime) -> set[str]:
        """Return the pipelines with a record of missed times that was made after an instant."""
        ...

    def load_last_scheduled(
        self, names: Collection[str], *, until: datetime
    ) -> dict[str, datetime]:
        """Return the last time up to an instant for which each pipeline's schedule made a run.

        A record of missed times counts; what was made after the instant does not. A pipeline
        without any is left out.
        """
        ...

    def correct_due(
        self, plans: Sequence[Planned], *, until: datetime, waits_until: datetime, now: datetime
    ) -> list[bool]:
        """Set due times, and take back what was planned before its time.

        Args:
            plans: The due times, each if nobody changed its pipeline meanwhile. Of these
                pipelines, runs of the schedule that were not begun are deleted where they are for
                times after ``until``, or were made after it; so are records of missed times.
            until: Latest instant that may have come. Queued runs of all pipelines that are due by
                then and have to wait longer may start now.
            waits_until: Latest instant that the wait before a retry may reach; the same.
            now: UTC.

        Returns:
            Whether each plan was written.
        """
        ...

    def add_run(self, run: NewRun, *, now: datetime) -> Run:
        """Insert one run; where its logical key exists, return that one."""
        ...

    # attempts
    def claim(
        self,
        by: str,
        *,
        now: datetime,
        limit: int,
        run_id: int | None = None,
        owners: Collection[str] = (),
    ) -> list[Claim]:
        """Take queued runs whose ``not_before`` has come: they become dispatched.

        Of each pipeline and cause the run of the highest priority comes first, then the one that
        is longest due. Among these a priority is a head start: a pipeline waits for its turn at
        most for the difference of the priorities in minutes, and one turn of every other.

        Of the runs that a schedule or a new version made, one a pipeline is in hand at a time; of
        backfills ``policy.parallel``; of those that read a source its ``runs_at_once``. A run waits
        while the breaker of a source does not admit it, and once it does one is let through.

        Args:
            by: Identity of the scheduler or command.
            now: UTC.
            limit: Most runs to take.
            run_id: Take only this one, if it need not wait.
            owners: Take only runs of these; empty for everybody's.

        Returns:
            The runs with their new attempts, in the order of their turns.
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
        timeout_s: float | None = None,
    ) -> None:
        """A runner begins. Raises `Conflict` when the token is stale or it has begun before."""
        ...

    def heartbeat(
        self, run_id: int, number: int, token: str, *, cell: int | None = None
    ) -> Heartbeat:
        """Advance the heartbeat and the progress."""
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

        Watermarks move with what was committed; what is held back keeps its moves for its
        approval. In that transaction also: a planned pipeline that failed too often in a row is paused, the
        breaker of a source that did not answer counts, that of one which did is forgotten, and an
        end that people have to hear of waits for `load_unnotified`. A run that somebody asked to cancel
        is cancelled instead of queued once more.

        Args:
            run_id, number, token: Of the attempt.
            report: What the runner says.
            state: What becomes of the run: a terminal state, or queued for a retry.
            not_before: Earliest start of the retry.
            now: Of the rows.

        Returns:
            The versions that became visible.

        Raises:
            Conflict: The token is stale, the attempt has ended, or it has begun and was reported as
                lost before it began. Nothing was written.
            PermissionDenied: A publication belongs to another owner. Nothing was written.
        """
        ...

    def load_live_attempts(self) -> list[Claim]:
        """Return the attempts without an outcome, with their runs."""
        ...

    def load_breakers(self) -> list[Breaker]:
        """Return the sources that did not answer last time, by name."""
        ...

    def load_unnotified(self, *, limit: int = 100) -> list[Claim]:
        """Return the runs whose end people have not been told of, each with its last attempt.

        Those are the runs of a deployed pipeline, not drafts, that failed, were held, or succeeded
        after one that failed. Oldest first.
        """
        ...

    def save_notified(self, run_ids: Sequence[int]) -> None:
        """Note that people were told of the end of these runs."""
        ...

    def load_attempts(self, run_id: int) -> list[Attempt]:
        """Oldest first."""
        ...

    def request_cancel(self, run_id: int, *, now: datetime) -> Run:
        """Ask to cancel. A queued run is cancelled at once; a finished one stays as it is."""
        ...

    def requeue(
        self,
        run_id: int,
        *,
        now: datetime,
        resume_from: int | None = None,
        content_hash: str | None = None,
        version: int | None = None,
    ) -> Run:
        """Queue a finished run once more.

        Args:
            run_id: Of the run.
            now: Its earliest start.
            resume_from: Number of the attempt whose checkpoint the next one may go on from.
            content_hash: Of the snapshot to execute; None for the one it was made of.
            version: Deployed version with that snapshot; None where it is none.

        Raises:
            Conflict: It is not finished.
        """
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
        tags: Mapping[str, str] = NO_TAGS,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        """Newest first, by id; a run has the tags that its pipeline had when it was queued."""
        ...

    def load_last_runs(
        self,
        names: Collection[str],
        *,
        count: int,
        states: Sequence[RunState] = (),
        causes: Sequence[Cause] = (),
        live: bool = False,
    ) -> dict[str, list[RunSummary]]:
        """Return the newest ``count`` runs of each of these deployed pipelines, newest first.

        Args:
            names: Of pipelines; every one is in the answer.
            count: Of each.
            states: Only runs in these; all where there are none.
            causes: Only runs of these; all where there are none.
            live: Only runs that publish live and execute a deployed version.
        """
        ...

    def load_runs_between(self, pipeline: str, start: datetime, end: datetime) -> list[Run]:
        """Return a pipeline's runs whose interval touches ``[start, end)``; oldest first, by id."""
        ...

    def count_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        tags: Mapping[str, str] = NO_TAGS,
    ) -> int:
        """Count what `load_runs` would list without a limit."""
        ...
