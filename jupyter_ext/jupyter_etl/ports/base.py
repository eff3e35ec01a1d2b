"""Time and secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


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


class Bell(Protocol):
    """What other processes ring when they have made something due."""

    def wait(self, seconds: float) -> bool:
        """Wait until somebody rings; return False when nobody did in time."""
        ...


class Secrets(Protocol):
    """Where the values behind the names of secrets come from."""

    def get(self, name: str) -> str | None:
        """Return the value of ``name``, or None where this provider does not have it."""
        ...
