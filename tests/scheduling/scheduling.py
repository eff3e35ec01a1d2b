"""What the tests of schedulers share."""

from __future__ import annotations

from datetime import datetime, timedelta

from fakes.clock import FakeClock
from jupyter_etl.errors import EtlError, StoreError
from jupyter_etl.model import (
    AttemptReport,
    Committed,
    Outcome,
    PublicationKind,
    Run,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Store
from jupyter_etl.scheduling.scheduler import Scheduler

MINUTE = timedelta(minutes=1)
FAILED = AttemptReport(
    outcome=Outcome.FAILED,
    error="NameError: name 'x' is not defined",
    failed_cell=4,
    verdict=Verdict(kind=VerdictKind.NOTEBOOK, evidence="x is not defined"),
)


class FakeNotifier:
    """Records its messages."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.broken = False

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        if self.broken:
            raise EtlError("the mail server does not answer")
        self.said.append((severity, title))
        self.bodies.append(body)


class FailingStore:
    """A ledger that cannot be reached at some calls of one method."""

    def __init__(self, store: Store, method: str, failures: int) -> None:
        self._store = store
        self._method = method
        self.failures = failures

    def __getattr__(self, name: str) -> object:
        if name == self._method and self.failures > 0:
            self.failures -= 1
            raise StoreError("the ledger cannot be reached")
        return getattr(self._store, name)


def states(store: Store) -> list[RunState]:
    return [run.state for run in reversed(store.load_runs())]


def pass_time(scheduler: Scheduler, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
        scheduler.poll()


def never() -> bool:
    return False


def publish(store: Store, name: str, now: datetime) -> int:
    what = Committed(name=name, kind=PublicationKind.TABLE, location=f"/lake/{name}")
    made = store.publish(what, owner="kim", pipeline="", notebook="", draft=False, now=now)
    return made.number
