"""The clock of the machine."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class SystemClock:
    """Wall clock, monotonic clock and a wait that ``wake`` interrupts."""

    def __init__(self) -> None:
        self._wake = threading.Event()

    def now(self) -> datetime:
        """Return the wall-clock time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait for ``seconds`` or until woken."""
        self._wake.wait(max(0.0, seconds))
        self._wake.clear()

    def wake(self) -> None:
        """Interrupt a wait; safe in signal handlers and from any thread."""
        self._wake.set()
