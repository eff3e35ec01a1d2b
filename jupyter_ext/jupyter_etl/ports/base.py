"""Time, wake-ups and secrets."""

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
        """Return seconds that never decrease; only differences within one process have a meaning."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``, or earlier if something may have changed."""
        ...


class Wakeups(Protocol):
    """Notices from other processes that something may have become due."""

    def wait(self, seconds: float) -> bool:
        """Wait for a wake-up; return False if there was none in time."""
        ...


class SecretResolver(Protocol):
    """Resolves the names of secrets."""

    def __call__(self, name: str, source: Source | None = None) -> str:
        """Return the value of a secret.

        Args:
            name: Name of the secret.
            source: The source that uses it as a credential; None for code of its owner.

        Raises:
            NotFound: There is no such secret.
            PermissionDenied: It belongs to another owner, or may not be sent to the source's server.
        """
        ...


class Secrets(Protocol):
    """A provider of secrets.

    The messages of its errors contain names, never values.
    """

    def get(self, name: str) -> str | None:
        """Return the value of ``name``; None if this provider does not have it.

        Raises:
            PermissionDenied: It has the value, and other users can read it too.
        """
        ...

    def names(self) -> list[str]:
        """Return the names that it has, sorted; empty if it cannot list them."""
        ...

    def set(self, name: str, value: str) -> None:
        """Write a value; an existing one is replaced.

        Raises:
            PermissionDenied: It cannot be written; the hint names another way to set the value.
        """
        ...

    def remove(self, name: str) -> bool:
        """Remove a value; return False if there is none.

        Raises:
            PermissionDenied: It has the value and cannot be written.
        """
        ...
