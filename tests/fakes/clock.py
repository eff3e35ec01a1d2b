"""A clock that only the test advances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2025, 3, 3, 6, 0, tzinfo=UTC)


class FakeClock:
    """A `Clock` for tests that is advanced only by `advance` and `wait`.

    Args:
        start: The first instant, aware.
    """

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware instant")
        self._now = start.astimezone(UTC)
        self._monotonic = 1000.0
        self._lock = Lock()
        self.waits: list[float] = []

    def now(self) -> datetime:
        """Return the wall-clock time as an aware UTC instant."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        with self._lock:
            return self._monotonic

    def wait(self, seconds: float) -> None:
        """Record the wait in ``waits`` and advance the clock by it."""
        self.waits.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        if seconds < 0:
            raise ValueError("time does not go back; use set() for a jump of the wall clock")
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    def set(self, now: datetime) -> None:
        """Set the wall clock, without a change to the monotonic one."""
        if now.tzinfo is None:
            raise ValueError("a clock jumps to an aware instant")
        with self._lock:
            self._now = now.astimezone(UTC)
