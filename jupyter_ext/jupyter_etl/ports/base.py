"""Time and secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from jupyter_etl.model import Source


class Clock(Protocol):
    """The only source of time in scheduling/."""

    def now(self) -> datetime:
        """Return the wall-clock time as an aware UTC instant."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences within one process mean anything."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``, or earlier when something may have changed."""
        ...


class Wakeups(Protocol):
    """What other processes ring when they have made something due."""

    def wait(self, seconds: float) -> bool:
        """Wait until somebody rings; return False when nobody did in time."""
        ...


class SecretResolver(Protocol):
    """Resolves the names of secrets."""

    def __call__(self, name: str, source: Source | None = None) -> str:
        """Return the value behind a name.

        Args:
            name: Of the secret.
            source: That is signed in to with it; None for code of its owner.

        Raises:
            NotFound: There is none.
            PermissionDenied: It is another owner's, or not allowed to go to the source's server.
        """
        ...


class Secrets(Protocol):
    """Where the values behind the names of secrets come from.

    Messages of its errors hold names, never values.
    """

    def get(self, name: str) -> str | None:
        """Return the value of ``name``, or None where this provider does not have it.

        Raises:
            PermissionDenied: It has the value, and others could read it too.
        """
        ...

    def names(self) -> list[str]:
        """Return the names that it has, sorted; empty where it cannot tell."""
        ...

    def set(self, name: str, value: str) -> None:
        """Write a value; one that is there is replaced.

        Raises:
            PermissionDenied: It cannot be written; the hint says how the value gets there.
        """
        ...

    def remove(self, name: str) -> bool:
        """Remove a value; return False where there is none.

        Raises:
            PermissionDenied: It has the value and cannot be written.
        """
        ...
