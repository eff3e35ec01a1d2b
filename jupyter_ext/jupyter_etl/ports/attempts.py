"""Attempts and runs: what is decided about them, and what the ledger records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import (
    NO_TAGS,
    Attempt,
    AttemptReport,
    Cause,
    Checkpoint,
    Difference,
    Failure,
    Heartbeat,
    NewRun,
    PublicationVersion,
    Resumption,
    Run,
    RunState,
    RunSummary,
    Staged,
    TimeLimit,
    Verdict,
)
from jupyter_etl.ports.runs import Claim


class AttemptPolicy(Protocol):
    """The decisions about an attempt; the runner carries them out."""

    def time_limit(self, new: NewRun) -> TimeLimit:
        """Return how long an attempt of a run may take.

        Raises:
            StoreError: The ledger could not be reached.
        """
        ...

    def resumption(
        self, checkpoint: Checkpoint, snapshot: str, parameters: Mapping[str, object]
    ) -> Resumption:
        """Decide whether an attempt can resume from a checkpoint.

        Args:
            checkpoint: What an earlier attempt of the run saved.
            snapshot: The notebook that would be executed now.
            parameters: Its parameters, typed, as JSON values.

        Raises:
            DeclarationError: The snapshot is not a notebook.
        """
        ...

    def gate(self, difference: Difference, staged: Staged) -> Difference:
        """Return the difference with the reasons to hold a staged output; none to publish it."""
        ...

    def verdict(self, failure: Failure) -> Verdict:
        """Return whose fault a failure is, and whether a further attempt may succeed."""
        ...

    def next_state(
        self, run: Run, report: AttemptReport, now: datetime
    ) -> tuple[RunState, datetime | None]:
        """Return the state of a run after an attempt.

        Args:
            run: As it was during the attempt; ``attempts`` includes this one.
            report: How the attempt ended.
            now: UTC.

        Returns:
            The state, and the earliest start of the next attempt if the run is queued for one.
        """
        ...


class AttemptStore(Protocol):
    """The record of attempts. Every write carries the token of the attempt."""

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
        """Record that a runner has started an attempt.

        Args:
            run_id, number, token: Identity of the attempt.
            host, pid: Host and process ID of the runner.
            cells: How many code cells the notebook has; None where unknown.
            now: UTC.
            timeout_s: How long the attempt may take, in seconds.

        Raises:
            Conflict: The token is stale, or the attempt was started before.
        """
        ...

    def heartbeat(
        self, run_id: int, number: int, token: str, *, cell: int | None = None
    ) -> Heartbeat:
        """Record a heartbeat, and the number of code cells that are done."""
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

        Watermarks advance with what was committed; those of held outputs advance when the outputs
        are approved. The same transaction pauses a planned pipeline that failed too often in a row,
        updates the breakers of the sources, and adds the run to the outbox. A run that was asked to
        stop is cancelled instead of queued again.

        Args:
            run_id, number, token: Identity of the attempt.
            report: How the attempt ended.
            state: The new state of the run: a terminal state, or queued for a retry.
            not_before: Earliest start of the retry.
            now: UTC.

        Returns:
            The versions that became visible.

        Raises:
            Conflict: The token is stale, the attempt has ended, or it was reported as lost before
                its start although it has started. Nothing was written.
            PermissionDenied: A publication belongs to another owner. Nothing was written.
        """
        ...

    def load_attempts(self, run_id: int) -> list[Attempt]:
        """Return the attempts of a run, oldest first."""
        ...

    def load_live_attempts(self) -> list[Claim]:
        """Return the attempts without an outcome, with their runs."""
        ...


class RunStore(Protocol):
    """Reads runs."""

    def load_run(self, run_id: int) -> Run:
        """Return a run; raises `NotFound`."""
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
        """Return runs, newest first, by id.

        A run has the tags that its pipeline had when it was queued.
        """
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
            names: Names of pipelines; each is in the result.
            count: Number of runs per pipeline.
            states: Only runs in these states; empty for all.
            causes: Only runs with these causes; empty for all.
            live: Only runs that publish live and execute a deployed version.
        """
        ...

    def load_durations(
        self, names: Collection[str], *, count: int, causes: Sequence[Cause]
    ) -> dict[str, list[float]]:
        """Return what the newest runs of each of these deployed pipelines took, seconds.

        Of the ``count`` newest runs of ``causes`` that succeeded live with a deployed version, those
        that succeeded at the first attempt count. Every name is in the result.
        """
        ...

    def load_runs_between(self, pipeline: str, start: datetime, end: datetime) -> list[Run]:
        """Return a pipeline's runs whose interval overlaps ``[start, end)``; oldest first, by id."""
        ...

    def count_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        tags: Mapping[str, str] = NO_TAGS,
    ) -> int:
        """Return how many runs `load_runs` would return without a limit."""
        ...
