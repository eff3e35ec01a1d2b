"""A source that does not answer is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILURES = 3
"""Failures in a row after which a source is left alone."""

PROBE_S = 30.0
"""Seconds between two runs that try whether the source answers again."""


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """How often in a row a source did not answer; it is open when runs have to wait for it.

    Source: M. Nygard, "Release It!", 2nd edition, 2018, chapter 5: Circuit Breaker.

    Args:
        source: Name of the source.
        failures: In a row.
        retry_at: When the next run may try, UTC; None while it is closed.
    """

    source: str
    failures: int = 0
    retry_at: datetime | None = None

    def failed(self, now: datetime) -> Breaker:
        """Return it after one more failure."""
        failures = self.failures + 1
        due = now + timedelta(seconds=PROBE_S) if failures >= FAILURES else None
        return replace(self, failures=failures, retry_at=due)

    def admits(self, now: datetime) -> bool:
        """Tell whether a run that reads the source may start."""
        return self.retry_at is None or self.retry_at <= now

    def probed(self, now: datetime) -> Breaker:
        """Return it after a run was let through: the next one has to wait for this."""
        if self.retry_at is None:
            return self
        return replace(self, retry_at=now + timedelta(seconds=PROBE_S))
