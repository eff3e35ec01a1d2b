"""The ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import (
    Committed,
    Decision,
    Freshness,
    Hold,
    LogEntry,
    Pipeline,
    PipelineVersion,
    Publication,
    PublicationKind,
    PublicationVersion,
    Source,
    VersionWatermark,
)
from jupyter_etl.ports.base import Wakeups
from jupyter_etl.ports.lineage_store import LineageStore
from jupyter_etl.ports.run_store import RunStore
from jupyter_etl.ports.watermark_store import WatermarkStore


@dataclass(frozen=True, kw_only=True)
class SchedulerInfo:
    """A scheduler that said it is alive.

    Args:
        id: Random identity of the process.
        host, pid: Where it runs.
        workers: Attempts it makes at once.
        seen_at: When it last said so, UTC.
        note: Why it plans or starts nothing now; "" where it does.
        owners: Whose pipelines it runs; empty for everybody's.
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


class Store(RunStore, WatermarkStore, LineageStore, Protocol):
    """The ledger. Each method is one transaction, unless it only reads.

    All raise `StoreError` when the ledger cannot be reached. Instants are aware and UTC.
    """

    def load_identity(self) -> str:
        """Return the id of the ledger, which its lakes carry: 32 hexadecimal digits."""
        ...

    def save_lake(self, root: str) -> None:
        """Record that a lake carries the marker of this ledger; idempotent."""
        ...

    def has_lake(self, root: str) -> bool:
        """Tell whether a lake was recorded."""
        ...

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

    def save_bundle(self, body: str, files: Sequence[bytes]) -> str:
        """Keep a snapshot with the contents of the files that it lists; return its hash.

        Equal contents are stored once, whatever snapshots list them.
        """
        ...

    def load_files(self, content_hashes: Collection[str]) -> dict[str, bytes]:
        """Return contents that `save_bundle` has kept, by SHA-256 (hex); raises `NotFound`."""
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
        """Newest first; those of a removed pipeline too."""
        ...

    def change_pipeline(
        self,
        name: str,
        *,
        now: datetime,
        paused: bool | None = None,
        next_due: datetime | None = None,
        owner: str | None = None,
        notebook: str | None = None,
    ) -> Pipeline:
        """Pause, resume (with the next time), hand over or relink. Advances ``revision``.

        A pipeline that is handed over takes its publications with it: otherwise the next run,
        which belongs to the new owner, could not publish them.
        """
        ...

    def remove_pipeline(self, name: str) -> None:
        """Take a pipeline off the schedule; its versions and runs stay on record."""
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
        token: str | None = None,
        note: str = "",
        content_of: int | None = None,
        watermarks: Sequence[VersionWatermark] = (),
    ) -> PublicationVersion:
        """Make an output visible that was published by hand, and set watermarks with it.

        Args:
            committed: Where it lies.
            owner, pipeline, notebook, draft: As on `PublicationVersion`.
            now: Of the rows.
            token: Of the turn taken by `begin_commits`, which is given back; None where nothing
                else commits to the publication.
            note: As on `PublicationVersion`.
            content_of: Number of the version whose content and recorded watermarks
                it has; None for new content.
            watermarks: To be set in the same transaction, as `set_watermark` does.

        Raises:
            PermissionDenied: The name, or a pipeline whose watermark is set, belongs to another owner.
            Conflict: The name is of another kind, or somebody else has taken the turn since.
        """
        ...

    def begin_commits(
        self,
        names: Sequence[str],
        *,
        draft: bool,
        token: str,
        run_id: int | None = None,
        number: int | None = None,
        until: datetime | None = None,
        now: datetime,
    ) -> tuple[str, ...]:
        """Take the turn at all of these publications, or at none of them.

        Commits to a publication go one after another: each is built on the version that is live
        when its turn comes, and its turn ends after the ledger has recorded it. An attempt has its
        turn until it ends, whatever the outcome; a commit by hand, whose kernel may die, until an
        instant at the latest. Asked again by who has it already, the turn stays.

        Args:
            names: Of the publications; they need not exist.
            draft: Whether it is about their drafts or about what is live.
            token: Of the attempt; by hand a new one.
            run_id, number: Of the attempt; None by hand.
            until: Of a commit by hand, UTC.
            now: UTC.

        Returns:
            The names at which others have their turn; empty where all of the turns are taken now.

        Raises:
            Conflict: The attempt has ended, or the token is not its own.
        """
        ...

    def end_commits(self, token: str) -> None:
        """Give every turn of this token back; one that somebody else has by now stays theirs."""
        ...

    def next_publication_number(self, name: str, *, draft: bool) -> int:
        """Return the number the next version will get, 1 for a new name."""
        ...

    def save_given_numbers(self, numbers: Mapping[tuple[str, bool], int]) -> None:
        """Give none of these version numbers again, and none below them.

        Args:
            numbers: The highest by name of the publication, and whether it is of drafts.
        """
        ...

    def check_publication(
        self, name: str, kind: PublicationKind, owner: str, *, pipeline: str | None = None
    ) -> None:
        """Check that a name can be published.

        Args:
            name: Of the publication.
            kind: Of what is to be published.
            owner: Who publishes.
            pipeline: Deployed pipeline that publishes and is not shared; None for any other.

        Raises:
            PermissionDenied: The name belongs to another owner.
            Conflict: It is of another kind; or another deployed pipeline that is not shared has
                published it last.
        """
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

    def load_table_log(self, name: str, number: int, *, draft: bool) -> tuple[LogEntry, ...]:
        """Return the log entries that a table's version was committed with; empty for none."""
        ...

    def set_freshness(self, name: str, freshness: Freshness | None, *, owner: str) -> Publication:
        """Promise an age. Raises `NotFound` or `PermissionDenied`."""
        ...

    # holds
    def load_hold(self, run_id: int) -> Hold:
        """Return what the last attempt of a run holds back, decided or not; raises `NotFound`."""
        ...

    def load_holds(self) -> list[Hold]:
        """Return those that wait for a decision, oldest first."""
        ...

    def decide_hold(
        self,
        hold: Hold,
        decision: Decision,
        *,
        by: str,
        now: datetime,
        committed: Sequence[Committed] = (),
        token: str = "",
    ) -> list[PublicationVersion]:
        """Record a decision; in the same transaction make visible what was approved.

        The run succeeds, and its watermarks move, or it counts as cancelled; the note on it says
        who decided.

        Args:
            hold: As it was loaded.
            decision: What becomes of it.
            by: Who decided; "" where it expired.
            now: Of the rows.
            committed: All of its outputs, where it is approved.
            token: Of the turns at them, which are given back.

        Returns:
            The versions that became visible.

        Raises:
            Conflict: Somebody has decided before, the run is made again, or another has the turn.
                Nothing was written.
            PermissionDenied: A publication belongs to another owner. Nothing was written.
        """
        ...

    # retention
    def save_pruned(self, name: str, numbers: Sequence[int], *, draft: bool, now: datetime) -> None:
        """Note that the content of these versions is no longer there."""
        ...

    def load_old_runs(self, *, before: datetime, keep: int) -> list[int]:
        """Return the runs that ended before an instant, beyond the ``keep`` newest of a pipeline.

        By id.
        """
        ...

    def load_ended_attempts(
        self, run_ids: Sequence[int], *, before: datetime
    ) -> list[tuple[int, int]]:
        """Return the attempts of these runs that ended before an instant, as (run, number)."""
        ...

    def prune_snapshots(self, *, before: datetime, dry_run: bool) -> tuple[int, int]:
        """Delete the snapshots saved before an instant that no pipeline, version or run names.

        The files that only such snapshots list are deleted with them.

        Returns:
            How many there were, and their bytes.
        """
        ...

    # schedulers
    def save_scheduler(self, info: SchedulerInfo) -> None:
        """Say that a scheduler is alive."""
        ...

    def remove_scheduler(self, scheduler_id: str) -> None:
        """Say that a scheduler has ended."""
        ...

    def wakeups(self) -> AbstractContextManager[Wakeups]:
        """Give a bell that rings after others have made or ended runs, or published.

        One that is missed costs time alone: a scheduler also looks by itself. Entering and waiting
        raise `StoreError` where it cannot be heard.
        """
        ...

    def load_schedulers(self) -> list[SchedulerInfo]:
        """Return those that were not removed; the caller judges ``seen_at``."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
