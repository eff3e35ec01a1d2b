"""Which attempts have fallen silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_etl.ports import Claim, Clock

START_LEASES = 2.0
"""Leases that a dispatched attempt has to begin: a cold interpreter on a busy machine is slow."""

_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """The last sign of life of an attempt, and how long this observer has missed another."""

    beat: int
    started_at: datetime | None
    silent_s: float = 0.0


class Observer:
    """Judges attempts by changes of their beat counter, on this process's own monotonic clock.

    No wall clock is compared, neither this machine's nor another's: a clock that jumps reaps
    nothing. One look counts for a fraction of the lease at most, so that an observer which was
    itself stopped, or could not reach the ledger, gives every attempt the time to be seen again.

    Args:
        clock: Of this process.
        lease_s: Seconds without a beat after which an attempt is lost.
    """

    def __init__(self, clock: Clock, lease_s: float) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._looked_at: float | None = None
        self._signs: dict[tuple[int, int], _Sign] = {}

    def lost(self, claims: Sequence[Claim]) -> list[Claim]:
        """Return those of the live attempts that have fallen silent.

        Args:
            claims: All live attempts, as just loaded; an attempt that is missing is forgotten.
        """
        now = self._clock.monotonic()
        since = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        passed_s = min(since, self._lease_s / _STEPS)
        self._signs = {_key(claim): self._sign(claim, passed_s) for claim in claims}
        return [claim for claim in claims if self._is_lost(claim)]

    def _sign(self, claim: Claim, passed_s: float) -> _Sign:
        attempt, known = claim.attempt, self._signs.get(_key(claim))
        if known is None or known.beat != attempt.beat or known.started_at != attempt.started_at:
            return _Sign(beat=attempt.beat, started_at=attempt.started_at)
        silent_s = known.silent_s + passed_s
        return _Sign(beat=known.beat, started_at=known.started_at, silent_s=silent_s)

    def _is_lost(self, claim: Claim) -> bool:
        leases = 1.0 if claim.attempt.started_at is not None else START_LEASES
        return self._signs[_key(claim)].silent_s > self._lease_s * leases


def _key(claim: Claim) -> tuple[int, int]:
    return claim.run.id, claim.attempt.number
