"""PostgreSQL ends at once and comes back while a scheduler and a runner work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.store_values import NOW, a_run
from fakes.clock import FakeClock
from fakes.executor import FakeExecutor
from fakes.postgres import PostgresServer, find_binaries, postgres_server
from jupyter_etl.errors import Conflict
from jupyter_etl.ledger import open_store
from jupyter_etl.model import Outcome, Run, RunState
from jupyter_etl.ports import Claim, Store
from jupyter_etl.runner.events import EventLog, read_events
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats
from jupyter_etl.scheduling.scheduler import Scheduler

__all__ = ["postgres_server"]

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.skipif(find_binaries() is None, reason="no PostgreSQL server is installed"),
]

LEASE_S = 30.0


class SteeredClock(FakeClock):
    """Lets something happen at instants, and never passes more than a second at once."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.at: dict[int, Callable[[], object]] = {}
        self.each: list[Callable[[], object]] = []
        self._begun = self.monotonic()
        self._done = 0

    def wait(self, seconds: float) -> None:
        left_s = seconds
        while left_s > 0:
            super().wait(min(left_s, 1.0))
            left_s -= 1.0
            while self._done < int(self.monotonic() - self._begun):
                self._done += 1
                self.at.get(self._done, lambda: None)()
                for work in self.each:
                    work()


class World:
    """One scheduler, one runner at a time, one database."""

    def __init__(self, server: PostgresServer, url: str, folder: Path) -> None:
        self.server = server
        self.clock = SteeredClock()
        self.store = open_store(url)
        self.executor = FakeExecutor(self.store, self.clock)
        self.events = folder / "events.jsonl"
        self.cancellations: dict[int, Cancellation] = {}
        self._heartbeats: dict[int, Heartbeats] = {}
        self.run = self.store.add_run(a_run(), now=NOW)
        self.clock.each.append(self._heartbeat)

    def go(self, seconds: int) -> None:
        over: list[bool] = []
        self.clock.at[seconds] = lambda: over.append(True)
        Scheduler(
            store=self.store, executor=self.executor, clock=self.clock, notifier=None,  # type: ignore[arg-type]
            id="one", host="here", pid=1, workers=1, lease_s=LEASE_S, poll_s=1.0, draw=lambda: 0.0,
        ).run(stop=lambda: bool(over))  # fmt: skip

    def stop_server(self) -> None:
        self.server.stop(at_once=True)

    def _heartbeat(self) -> None:
        for claim in self.executor.started:
            number = claim.attempt.number
            if number not in self._heartbeats:
                self.cancellations[number] = Cancellation()
                self._heartbeats[number] = Heartbeats(
                    store=self.store, claim=claim, clock=self.clock, cancellation=self.cancellations[number],
                    events=EventLog(self.events, self.clock), heartbeat_s=1.0, lease_s=LEASE_S,
                )  # fmt: skip
            if self.cancellations[number].reason is None and claim not in self.ended:
                self._heartbeats[number].heartbeat()

    ended: tuple[Claim, ...] = ()

    def succeed(self) -> None:
        claim = self.executor.started[-1]
        self.executor.succeed(claim)
        self.ended = (*self.ended, claim)

    def result(self) -> Run:
        return self.store.load_run(self.run.id)


@pytest.fixture
def world(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[World]:
    made = World(postgres_server, postgres_server.create_database(), tmp_path)
    yield made
    made.store.close()


def outcomes(store: Store, run_id: int) -> list[Outcome | None]:
    return [attempt.outcome for attempt in store.load_attempts(run_id)]


def test_an_outage_shorter_than_the_lease_costs_no_attempt(world: World) -> None:
    world.clock.at[5] = world.stop_server
    world.clock.at[5 + 20] = world.server.start
    world.clock.at[70] = world.succeed
    world.go(90)
    assert world.result().state is RunState.SUCCEEDED
    assert outcomes(world.store, world.run.id) == [Outcome.SUCCEEDED]
    assert world.cancellations[1].reason is None
    said = [str(event) for event in read_events(world.events) if event["kind"] == "log"]
    assert any("cannot be reached" in text for text in said)
    assert any("can be reached again" in text for text in said)


def test_a_longer_outage_fences_the_runner_and_the_run_is_made_again(world: World) -> None:
    world.clock.at[5] = world.stop_server
    world.clock.at[5 + 120] = world.server.start
    world.clock.at[230] = world.succeed
    world.go(250)
    assert world.cancellations[1].reason is CancellationReason.FENCED
    assert world.result().state is RunState.SUCCEEDED
    assert outcomes(world.store, world.run.id) == [Outcome.LOST, Outcome.SUCCEEDED]
    with pytest.raises(Conflict):
        world.executor.succeed(world.executor.started[0])
