"""Detection of clock skew: whether the clock of this machine can be used for planning.

With PostgreSQL, the clock of the database server is used. With SQLite there is only the clock of
this machine, so it is compared with the monotonic clock and with the heartbeats of other
schedulers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_etl.ports import Clock, SchedulerInfo

APART = timedelta(seconds=60)
"""Maximum difference between clocks at which a scheduler still plans."""

SETTLED_S = 60.0
"""Seconds that a clock must run steadily after a jump."""

_WATCHED_S = 30.0
"""Seconds within which a live scheduler sends another heartbeat."""

_SERVER_S = 10.0
"""Seconds for which a time from the database server stays valid."""


@dataclass(kw_only=True)
class _Other:
    """The observed clock of another scheduler.

    Args:
        name: ``host:pid``.
        seen_at: Time of its last heartbeat, by its own clock.
        noticed_at: When this process observed that heartbeat, on its monotonic clock.
        apart: Its clock minus this one; None if it is not known whether the scheduler is alive.
    """

    name: str
    seen_at: datetime
    noticed_at: float
    apart: timedelta | None


class ClockGuard:
    """Compares the clock of this process with others.

    Args:
        ledger_time: Returns the time of the database server; None if the ledger has no server.
        is_running: Whether a scheduler with an old heartbeat may still be running.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        id: str,
        ledger_time: Callable[[], datetime | None],
        is_running: Callable[[SchedulerInfo], bool],
    ) -> None:
        self._clock = clock
        self._id = id
        self._ledger_time = ledger_time
        self._is_running = is_running
        self._last: tuple[datetime, float] | None = None
        self._jump: tuple[timedelta, float] | None = None
        self._server: tuple[datetime, float] | None = None
        self._others: dict[str, _Other] = {}

    def now(self) -> datetime:
        """Return the time to plan by: the database server's time if it is known."""
        if self._server is None:
            return self._clock.now()
        server_time, at = self._server
        return server_time + timedelta(seconds=self._clock.monotonic() - at)

    def why_not(self, *, busy: bool) -> str:
        """Return why nothing can be planned now; "" if planning is safe.

        Args:
            busy: Whether there is something to plan, so that the server's time has to be
                fetched now.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        self._note_jump(now, monotonic)
        if busy or self._server is None or monotonic - self._server[1] >= _SERVER_S:
            server_time = self._ledger_time()
            self._server = None if server_time is None else (server_time, self._clock.monotonic())
        if self._server is not None:
            return self._against_server()
        if self._jump is not None:
            by, at = self._jump
            if monotonic - at < SETTLED_S:
                return (
                    f"the clock jumped by {_words(by)} and has to go steadily for {SETTLED_S:g} s"
                )
            self._jump = None
        return self._against_others()

    def compare(self, others: Sequence[SchedulerInfo]) -> None:
        """Record the latest heartbeats of all schedulers.

        Args:
            others: All recorded schedulers; this one is ignored.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        known, self._others = self._others, {}
        for info in others:
            if info.id == self._id:
                continue
            other = self._observe(info, known.get(info.id), now, monotonic)
            if other is not None:
                self._others[info.id] = other

    @property
    def others_differ(self) -> bool:
        """Whether the clock of another scheduler differs, or may differ, from this one."""
        return any(one.apart is None or abs(one.apart) > APART for one in self._others.values())

    def _note_jump(self, now: datetime, monotonic: float) -> None:
        if self._last is not None:
            by = now - self._last[0] - timedelta(seconds=monotonic - self._last[1])
            if abs(by) > APART:
                self._jump = (by, monotonic)
        self._last = (now, monotonic)

    def _observe(
        self, info: SchedulerInfo, known: _Other | None, now: datetime, monotonic: float
    ) -> _Other | None:
        apart: timedelta | None = info.seen_at - now
        if known is not None and known.seen_at == info.seen_at:
            return known if monotonic - known.noticed_at < _WATCHED_S else None
        if known is None and apart is not None and abs(apart) > APART:
            # The scheduler has ended, or one of the clocks is wrong; its next heartbeat decides
            # which.
            if not self._is_running(info):
                return None
            apart = None
        return _Other(
            name=f"{info.host}:{info.pid}",
            seen_at=info.seen_at,
            noticed_at=monotonic,
            apart=apart,
        )

    def _against_server(self) -> str:
        apart = self._clock.now() - self.now()
        return _differs(apart, "that of the ledger's server") if abs(apart) > APART else ""

    def _against_others(self) -> str:
        known = [(o.name, o.apart) for o in self._others.values() if o.apart is not None]
        differing = [(name, by) for name, by in known if abs(by) > APART]
        # The majority is right. With one against one there is no majority.
        if len(differing) > len(known) - len(differing):
            names = ", ".join(sorted(name for name, _ in differing))
            return _differs(-differing[0][1], f"those of other schedulers ({names})")
        unknown = sorted(o.name for o in self._others.values() if o.apart is None)
        if unknown:
            return (
                f"the last heartbeat of {', '.join(unknown)} is far from the time of this clock; "
                "its next one shows which is wrong"
            )
        return ""


def _differs(by: timedelta, whose: str) -> str:
    way = "ahead of" if by > timedelta(0) else "behind"
    return f"the clock is {_words(abs(by))} {way} {whose}; set it by NTP"


def _words(by: timedelta) -> str:
    sign = "-" if by < timedelta(0) else ""
    return f"{sign}{timedelta(seconds=round(abs(by).total_seconds()))}"
