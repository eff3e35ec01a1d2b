"""Where runs are executed, and who is notified of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from jupyter_etl.model import Attempt, Run


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that was claimed, with the attempt to execute."""

    run: Run
    attempt: Attempt


class Executor(Protocol):
    """Starts attempts; their outcomes are read from the ledger."""

    def start(self, claim: Claim) -> None:
        """Start a runner process for this attempt and return at once.

        Raises:
            ExecutionError: The process could not be started.
        """
        ...

    def ended(self) -> list[tuple[int, int, int]]:
        """Return ``(run_id, attempt number, exit code)`` of runners known to have ended, once each.

        A lost attempt is noticed earlier with it; it may always be empty.
        """
        ...

    def clean_up(self, claim: Claim) -> None:
        """Kill the processes of a lost attempt on this machine.

        Those are its runner, its kernel and everything that they started. Processes on other
        machines are not affected.
        """
        ...

    def close(self) -> None:
        """Release all resources; the runners continue."""
        ...


class Notifier(Protocol):
    """Notifies people."""

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Send one message.

        Args:
            title: One line.
            body: Plain text.
            severity: ``info``, ``warning``, ``error`` or ``critical``.
            run: The run that it is about; None for none.

        Raises:
            EtlError: It could not be sent.
        """
        ...
