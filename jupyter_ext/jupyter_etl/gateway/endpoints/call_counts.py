"""Counts of the calls of endpoints, by version, role and minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from anyio.to_thread import run_sync

from jupyter_etl.model import CallCounts, CallRole
from jupyter_etl.serving.answers import Compared
from jupyter_etl.serving.histograms import bucket_of
from jupyter_etl.serving.traffic import Route

_Key = tuple[str, int, CallRole, datetime]


@dataclass
class _Counted:
    calls: int = 0
    errors: int = 0
    refused: int = 0
    seconds: Counter[int] = field(default_factory=Counter)
    compared: int = 0
    differing: int = 0
    gaps: Counter[int] = field(default_factory=Counter)
    is_new: bool = True


@dataclass
class Total:
    """Calls since the start of the gateway; `seconds` is the sum of their durations."""

    calls: int = 0
    errors: int = 0
    refused: int = 0
    seconds: float = 0.0


@dataclass
class CallCounter:
    """Counts calls in memory, and gives the counts of each minute to the ledger.

    Args:
        gateway: Id of this gateway.
        now: Returns the time, UTC.
    """

    gateway: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    totals: dict[tuple[str, int, CallRole], Total] = field(default_factory=dict)
    _minutes: dict[_Key, _Counted] = field(default_factory=dict)

    def count(
        self,
        name: str,
        route: Route,
        status: int,
        seconds: float,
        *,
        compared: Compared | None = None,
    ) -> None:
        """Count a call.

        Args:
            status: HTTP status of the answer.
            compared: How the answer of a shadow differs; None if it was not compared.
        """
        minute = self.now().replace(second=0, microsecond=0)
        counted = self._minutes.setdefault((name, route.version, route.role, minute), _Counted())
        counted.is_new = True
        total = self.totals.setdefault((name, route.version, route.role), Total())
        total.seconds += seconds
        for one in (counted, total):
            one.calls += 1
            one.errors += status >= 500
            one.refused += 400 <= status < 500
        counted.seconds[bucket_of(seconds)] += 1
        if compared is not None:
            counted.compared += 1
            counted.differing += compared.differs
            if compared.gap:
                counted.gaps[bucket_of(compared.gap)] += 1

    async def flush(self, add: Callable[[Sequence[CallCounts]], None]) -> None:
        """Record what is new; what cannot be recorded is recorded with the next counts.

        Args:
            add: Writes counts into the ledger; called in a thread.
        """
        new = {key: one for key, one in self._minutes.items() if one.is_new}
        for one in new.values():
            one.is_new = False
        if new:
            try:
                await run_sync(add, [self._row(*entry) for entry in new.items()])
            except BaseException:
                for one in new.values():
                    one.is_new = True
                raise
        begun = self.now() - timedelta(minutes=2)
        for key, one in list(self._minutes.items()):
            if key[3] < begun and not one.is_new:
                del self._minutes[key]

    def _row(self, key: _Key, counted: _Counted) -> CallCounts:
        name, version, role, minute = key
        return CallCounts(
            name=name,
            version=version,
            role=role,
            minute=minute,
            gateway=self.gateway,
            calls=counted.calls,
            errors=counted.errors,
            refused=counted.refused,
            seconds=dict(counted.seconds),
            compared=counted.compared,
            differing=counted.differing,
            gaps=dict(counted.gaps),
        )
