"""Blocks that runs go through, and what the code of a run may ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from jupyter_etl.model import (
    Attempt,
    AttemptReport,
    CheckResult,
    Cursor,
    CursorMove,
    CursorStart,
    Publication,
    PublicationVersion,
    Read,
    Run,
    RunContext,
    RunState,
    Source,
    Staged,
)


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

    def clean_up(self, claim: Claim) -> None:
        """End what a lost attempt may have left running on this machine.

        That is its runner, its kernel and all they started; what runs elsewhere is not touched.
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
            severity: ``info``, ``warning``, ``error`` or ``critical``.
            run: What it is about.

        Raises:
            EtlError: It could not be sent.
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

    def secret(self, name: str, source: Source | None = None) -> str:
        """Return the value behind the name of a secret; see `SecretResolver`.

        In a run it is taken out of all that the run shows and records from then on.
        """
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

    def cursor_start(self, cursor: Cursor) -> CursorStart:
        """Return where incremental loads by a cursor begin.

        In a run it is what was first said to any of its loads.
        """
        ...

    def report_move(self, move: CursorMove) -> None:
        """Tell what an incremental load read.

        In a run the watermark moves with what the run publishes; by hand it does not move.
        """
        ...

    def report_failure(self, source: str, message: str, *, retryable: bool) -> None:
        """Tell that a source could not be read.

        Args:
            source: Its name.
            message: Text of the error that the cell is about to raise.
            retryable: Whether the same read may succeed later.
        """
        ...

    def report_checks(self, results: Sequence[CheckResult], *, returned: bool = False) -> None:
        """Tell what checks found.

        Args:
            results: One a rule.
            returned: Whether the notebook gets them as values, and can act on them.
        """
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


Decide = Callable[[Run, AttemptReport, datetime], "tuple[RunState, datetime | None]"]
"""What becomes of a run after an attempt, and when it may start again."""
