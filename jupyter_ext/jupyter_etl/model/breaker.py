"""The circuit breaker of a source that does not respond."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILURES = 3
"""Consecutive failures after which the breaker opens."""

PROBE_S = 30.0
"""Seconds between two probe runs."""


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """Consecutive failures of a source; while the breaker is open, runs wait for the source.

    Source: M. Nygard, "Release It!", 2nd edition, 2018, chapter 5: Circuit Breaker.

    Args:
        source: Name of the source.
        failures: Number of consecutive failures.
        retry_at: When the next run may try, UTC; None while the breaker is closed.
    """

    source: str
    failures: int = 0
    retry_at: datetime | None = None

    def failed(self, now: datetime) -> Breaker:
        """Return the breaker after one more failure."""
        failures = self.failures + 1
        due = now + timedelta(seconds=PROBE_S) if failures >= FAILURES else None
        return replace(self, failures=failures, retry_at=due)

    def admits(self, now: datetime) -> bool:
        """Return whether a run that reads the source may start."""
        return self.retry_at is None or self.retry_at <= now

    def probed(self, now: datetime) -> Breaker:
        """Return the breaker after a probe run was admitted: the next run waits for its result."""
        if self.retry_at is None:
            return self
        return replace(self, retry_at=now + timedelta(seconds=PROBE_S))
