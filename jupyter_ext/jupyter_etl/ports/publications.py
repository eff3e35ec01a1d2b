"""The ledger for publications: versions, locks, holds, watermarks, lineage, retention."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import (
    Committed,
    Cursor,
    CursorValue,
    Decision,
    Hold,
    LogEntry,
    Publication,
    PublicationKind,
    PublicationVersion,
    RunLineage,
    VersionWatermark,
    Watermark,
)


class PublicationStore(Protocol):
    """Publications and their versions."""

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
        """Make an output visible that was published interactively, and set watermarks with it.

        Args:
            committed: What was committed, and where.
            owner, pipeline, notebook, draft: As on `PublicationVersion`.
            now: UTC.
            token: Token of the lock acquired by `begin_commits`, which is released; None if nothing else
                commits to the publication.
            note: As on `PublicationVersion`.
            content_of: Number of the version whose content and watermarks it has; None for new
                content.
            watermarks: To be set in the same transaction, as by `WatermarkStore.set_watermark`.

        Raises:
            PermissionDenied: The name, or a pipeline whose watermark is set, belongs to another
                owner.
            Conflict: The name is of another kind, or the lock was lost.
        """
        ...

    def next_publication_number(self, name: str, *, draft: bool) -> int:
        """Return the number of the next version, 1 for a new name."""
        ...

    def save_given_numbers(self, numbers: Mapping[tuple[str, bool], int]) -> None:
        """Never give these version numbers again, nor lower ones.

        Args:
            numbers: The highest number by name of the publication and whether it is of drafts.
        """
        ...

    def check_publication(
        self, name: str, kind: PublicationKind, owner: str, *, pipeline: str | None = None
    ) -> None:
        """Check that a name can be published.

        Args:
            name: Name of the publication.
            kind: Kind of the output.
            owner: Who publishes.
            pipeline: Deployed pipeline that publishes and is not shared; None for any other.

        Raises:
            PermissionDenied: The name belongs to another owner.
            Conflict: It is of another kind, or another deployed pipeline that is not shared
                published it last.
        """
        ...

    def load_publication(self, name: str) -> Publication:
        """Return a publication; raises `NotFound`."""
        ...

    def load_publications(self) -> list[Publication]:
        """Return all publications, by name."""
        ...

    def load_publication_versions(
        self, name: str, *, draft: bool = False
    ) -> list[PublicationVersion]:
        """Return the versions of a publication, newest first; raises `NotFound`."""
        ...

    def load_table_log(self, name: str, number: int, *, draft: bool) -> tuple[LogEntry, ...]:
        """Return the log entries that a table's version was committed with; empty for none."""
        ...


class PublicationLockStore(Protocol):
    """Serializes the commits to a publication."""

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
        """Acquire the locks of all of these publications, or none of them.

        Each commit is built on the version that is live when its lock is acquired, and the lock is
        released after the ledger has recorded the commit. An attempt holds its locks until it ends,
        whatever the outcome. The lock of an interactive commit, whose kernel may die, expires.
        Acquiring a lock that the token holds already changes nothing.

        Args:
            names: Names of the publications; they need not exist.
            draft: Whether to lock their drafts or what is live.
            token: Token of the attempt; for an interactive commit a new one.
            run_id, number: Of the attempt; None for an interactive commit.
            until: When the lock of an interactive commit expires, UTC.
            now: UTC.

        Returns:
            The names that others have locked; empty if all locks were acquired.

        Raises:
            Conflict: The attempt has ended, or the token is not its own.
        """
        ...

    def end_commits(self, token: str) -> None:
        """Release every lock of this token, except those that others have acquired since."""
        ...


class HoldStore(Protocol):
    """Runs whose outputs are pending approval."""

    def load_hold(self, run_id: int) -> Hold:
        """Return what the last attempt of a run holds, decided or not; raises `NotFound`."""
        ...

    def load_holds(self) -> list[Hold]:
        """Return the holds that are pending, oldest first."""
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

        The run succeeds and its watermarks advance, or it counts as cancelled. The note on the run
        names who decided.

        Args:
            hold: As it was loaded.
            decision: What becomes of it.
            by: Who decided; "" if it expired.
            now: UTC.
            committed: All of its outputs, if it is approved.
            token: Token of their locks, which are released.

        Returns:
            The versions that became visible.

        Raises:
            Conflict: It was decided before, the run was queued again, or a lock was lost. Nothing
                was written.
            PermissionDenied: A publication belongs to another owner. Nothing was written.
        """
        ...


class WatermarkStore(Protocol):
    """Watermarks of incremental loads. Runs advance them by `AttemptStore.finish_attempt` only."""

    def load_watermarks(self, pipeline: str | None = None) -> list[Watermark]:
        """Return the watermarks of a pipeline, or of all; by pipeline and cursor."""
        ...

    def load_watermark(self, pipeline: str, cursor: Cursor) -> Watermark | None:
        """Return a watermark; None if no run has published what it read by this cursor."""
        ...

    def set_watermark(
        self, pipeline: str, cursor: Cursor, value: CursorValue | None, *, by: str, now: datetime
    ) -> Watermark:
        """Set a watermark, and begin its next era.

        Active runs, which have read from the old one, no longer advance it.

        Args:
            pipeline: It need not be deployed.
            cursor: The column; it need not have a watermark.
            value: Rows up to here are not read again; None to begin with the first row.
            by: Who sets it.
            now: UTC.

        Raises:
            PermissionDenied: The pipeline belongs to another owner.
        """
        ...


class LineageStore(Protocol):
    """Lineage. The transaction that makes a run's outputs visible records it."""

    def load_lineage(self, run_ids: Collection[int]) -> list[RunLineage]:
        """Return what these runs read and wrote, by id.

        Runs that did not succeed, and drafts, have read and written nothing.
        """
        ...

    def load_readers(self, source: str, *, table: str | None = None) -> list[int]:
        """Return the newest run of each pipeline that read a source or publication, by id.

        Args:
            source: Its name.
            table: Only this table of it; None for any.
        """
        ...


class RetentionStore(Protocol):
    """Deletes what is no longer needed."""

    def save_pruned(self, name: str, numbers: Sequence[int], *, draft: bool, now: datetime) -> None:
        """Record that the content of these versions was deleted."""
        ...

    def load_old_runs(self, *, before: datetime, keep: int) -> list[int]:
        """Return the runs that ended before an instant, except the ``keep`` newest of a pipeline.

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
            How many snapshots there were, and their bytes.
        """
        ...

    def prune_lineage(self, *, before: datetime, keep: int, dry_run: bool) -> int:
        """Delete the lineage of old runs that none of the kept versions comes from.

        Args:
            before, keep: As for `load_old_runs`.
            dry_run: Change nothing.

        Returns:
            Of how many runs.
        """
        ...
