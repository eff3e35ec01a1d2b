"""The ledger for the planner: which pipelines are due, and the runs that it plans."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import NewRun, Pipeline, PublicationVersion, Run


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The changes to write for one pipeline.

    Args:
        pipeline: As it was loaded; its ``revision`` must still be the ledger's.
        runs: To be inserted.
        next_due: The new one, UTC.
        cancel: Ids of the queued runs that these replace (they end as skipped, with a note) and of
            the running ones to cancel.
    """

    pipeline: Pipeline
    runs: tuple[NewRun, ...]
    next_due: datetime | None
    cancel: tuple[int, ...] = ()


class PlanStore(Protocol):
    """Turns schedules into runs."""

    def load_due(self, now: datetime, *, limit: int = 1000) -> list[Pipeline]:
        """Return the pipelines that are not paused and whose ``next_due`` is not after ``now``.

        The one that has been due longest comes first.
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

        Backfills and drafts are left out. Of each pipeline the newest thousand are returned,
        without ``published``. Every name is in the answer.
        """
        ...

    def plan(self, plans: Sequence[Planned], *, now: datetime) -> list[bool]:
        """Insert runs and advance ``next_due``, each if its pipeline was not changed since.

        A logical key that exists already is left as it is. What a run was started by becomes the
        pipeline's ``seen``.

        Returns:
            Whether each plan was written. A plan whose pipeline has another revision is not
            written; the others are.
        """
        ...

    def add_run(self, run: NewRun, *, now: datetime) -> Run:
        """Insert one run; if its logical key exists, return the existing run."""
        ...


class DueTimeStore(Protocol):
    """Finds and corrects due times that were computed with a wrong clock."""

    def load_time(self) -> datetime | None:
        """Return the time of the ledger's server, UTC; None for a ledger without a server."""
        ...

    def load_scheduled(self, now: datetime) -> list[Pipeline]:
        """Return the timed pipelines that are not paused and not due at an instant, by name."""
        ...

    def load_missed_early(self, until: datetime) -> set[str]:
        """Return the pipelines with a record of missed times that was written after an instant."""
        ...

    def load_last_scheduled(
        self, names: Collection[str], *, until: datetime
    ) -> dict[str, datetime]:
        """Return the last time up to an instant for which each pipeline's schedule made a run.

        A record of missed times counts as a run. What was written after the instant does not
        count. A pipeline without any is left out.
        """
        ...

    def correct_due(
        self, plans: Sequence[Planned], *, until: datetime, waits_until: datetime, now: datetime
    ) -> list[bool]:
        """Set due times, and delete what was planned before its time.

        Args:
            plans: The due times, each if its pipeline was not changed since. Of these pipelines,
                scheduled runs that have not started are deleted if they are for times after
                ``until`` or were written after it; so are records of missed times.
            until: The latest instant that may have come. Queued runs of all pipelines that are due
                by then and have to wait longer may start now.
            waits_until: The latest instant that the wait before a retry may reach; likewise.
            now: UTC.

        Returns:
            Whether each plan was written.
        """
        ...
