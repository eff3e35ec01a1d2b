"""The clock of the machine."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class SystemClock:
    """Wall clock, monotonic clock and a wait that ``wake`` ends early."""

    def __init__(self) -> None:
        self._wake = threading.Event()

    def now(self) -> datetime:
        """Return the wall-clock time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Return after ``seconds`` or when woken."""
        self._wake.wait(max(0.0, seconds))
        self._wake.clear()

    def wake(self) -> None:
        """End a wait; safe in a signal handler and from any thread."""
        self._wake.set()
