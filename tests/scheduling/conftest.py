"""Schedulers on a real ledger, with a clock and runners controlled by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from fakes.executor import FakeExecutor
from fakes.ledger import new_ledger
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.model import Pipeline, Policy, Schedule
from jupyter_etl.ports import Store
from jupyter_etl.scheduling.occurrences import next_occurrence
from jupyter_etl.scheduling.scheduler import Scheduler
from scheduling.examples import cron, pipeline
from scheduling.scheduling import FakeNotifier


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 1, 5, 11, 59, 30, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = SqlStore(new_ledger(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def executor(store: Store, clock: FakeClock) -> FakeExecutor:
    return FakeExecutor(store, clock, finish_at_once=True)


@pytest.fixture
def notifier() -> FakeNotifier:
    return FakeNotifier()


@pytest.fixture
def scheduler_of(store, clock, executor, notifier) -> Callable[..., Scheduler]:
    def make(id: str = "one", *, workers: int = 2, on=store, by=executor) -> Scheduler:
        return Scheduler(
            store=on, executor=by, clock=clock, notifier=notifier, id=id, host="here", pid=1,
            workers=workers, lease_s=30.0, poll_s=1.0, draw=lambda: 0.5,
        )  # fmt: skip

    return make


@pytest.fixture
def deploy(store: Store, clock: FakeClock) -> Callable[..., Pipeline]:
    content_hash = store.save_snapshot("{}")

    def make(name: str = "sales", schedule: Schedule | None = None, **policy: object) -> Pipeline:
        schedule = schedule or cron("* * * * *")
        now = clock.now()
        declared = pipeline(
            name,
            schedule=schedule,
            policy=Policy(**policy),
            next_due=next_occurrence(schedule, now),
            content_hash=content_hash,
        )
        return store.deploy(declared, now=now)

    return make
