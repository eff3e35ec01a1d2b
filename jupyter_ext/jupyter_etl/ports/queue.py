"""The ledger for schedulers: the queue of runs, notifications, and the schedulers themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import Breaker, Run
from jupyter_etl.ports.base import Wakeups
from jupyter_etl.ports.runs import Claim


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What there is to do for a scheduler.

    Args:
        due: A pipeline is due.
        subscribers: A pipeline that is not paused has an ``after`` schedule.
        live: An attempt has no outcome.
        unnotified: The outbox of notifications is not empty.
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


@dataclass(frozen=True, kw_only=True)
class SchedulerInfo:
    """A scheduler that has sent a heartbeat.

    Args:
        id: Random identity of the process.
        host, pid: Where it runs.
        workers: How many attempts it executes at once.
        seen_at: Time of the last heartbeat, UTC.
        note: Why it plans or starts nothing now; "" if it does.
        owners: Whose pipelines it runs; empty for all owners.
    """

    id: str
    host: str
    pid: int
    workers: int
    seen_at: datetime
    note: str = ""
    owners: tuple[str, ...] = ()

    def runs_for(self, owner: str) -> bool:
        """Whether it runs the pipelines of an owner."""
        return not self.owners or owner in self.owners


class QueueStore(Protocol):
    """The queue of runs."""

    def load_outlook(self, now: datetime) -> Outlook:
        """Return what there is to do at an instant, with one cheap query."""
        ...

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
        has been due longest. Among pipelines a priority is a head start: a pipeline waits at most
        for the difference of the priorities in minutes, and one run of every other pipeline.

        Of the runs that a schedule or a new version made, one per pipeline is active at a time; of
        backfills ``policy.parallel``; of those that read a source its ``runs_at_once``. A run waits
        while the breaker of a source is open, and one run is admitted when it half-opens.

        Args:
            by: Identity of the scheduler or command.
            now: UTC.
            limit: Most runs to take.
            run_id: Take only this run, if it need not wait.
            owners: Take only runs of these owners; empty for all.

        Returns:
            The runs with their new attempts, in the order of the queue.
        """
        ...

    def request_cancel(self, run_id: int, *, now: datetime) -> Run:
        """Cancel a queued run now, or ask a running one to stop; a finished run does not change."""
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
        """Queue a finished run again.

        Args:
            run_id: Number of the run.
            now: Its earliest start.
            resume_from: Number of the attempt from whose checkpoint the next one may resume.
            content_hash: Hash of the snapshot to execute; None for the run's own.
            version: Deployed version with that snapshot; None if there is none.

        Raises:
            Conflict: It is not finished.
        """
        ...

    def load_breakers(self) -> list[Breaker]:
        """Return the circuit breakers of the sources that failed last time, by name."""
        ...


class OutboxStore(Protocol):
    """The ends of runs that people have not been notified of."""

    def load_unnotified(self, *, limit: int = 100) -> list[Claim]:
        """Return the runs in the outbox, each with its last attempt, oldest first.

        Those are runs of deployed pipelines, not drafts, that failed, were held, or succeeded after
        one that failed.
        """
        ...

    def save_notified(self, run_ids: Sequence[int]) -> None:
        """Remove runs from the outbox."""
        ...


class SchedulerStore(Protocol):
    """The schedulers of a ledger."""

    def save_scheduler(self, info: SchedulerInfo) -> None:
        """Record the heartbeat of a scheduler."""
        ...

    def remove_scheduler(self, scheduler_id: str) -> None:
        """Remove a scheduler that has ended."""
        ...

    def load_schedulers(self) -> list[SchedulerInfo]:
        """Return the schedulers that were not removed; the caller judges ``seen_at``."""
        ...

    def wakeups(self) -> AbstractContextManager[Wakeups]:
        """Return a wait for others to add or end runs, or to publish.

        A missed wake-up only costs time: a scheduler also polls. Entering and waiting raise
        `StoreError` if no wake-up can be received.
        """
        ...
