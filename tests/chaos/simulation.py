"""A cluster in one process: the real scheduler and ledger, with unreliable runners and clocks.

Several schedulers on several machines share one SQLite file. Another scheduler may poll between any
two calls of the ledger. A call may fail before it is executed, or afterwards, so that its answer is
lost. Everything is determined by the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chaos import record
from chaos.invariants import Expected, Findings, inspect_ledger, occurrences
from chaos.world import TABLE
from fakes.clock import FakeClock
from jupyter_etl.errors import Conflict, ExecutionError, StoreError
from jupyter_etl.model import (
    AttemptReport,
    Catchup,
    Committed,
    Outcome,
    Overlap,
    Pipeline,
    Policy,
    PublicationKind,
    Run,
    Schedule,
    ScheduleKind,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Claim, Store
from jupyter_etl.scheduling.occurrences import next_occurrence
from jupyter_etl.scheduling.retries import plan_next
from jupyter_etl.scheduling.scheduler import Scheduler

LEASE_S = 30.0
EVERY_S = 300
"""Interval of all schedules: an hour has twelve times."""

_READS = ("load", "next", "count", "check")
_DEAD = Verdict(kind=VerdictKind.PLATFORM, evidence="the kernel died", retryable=True)
_SKEWS_S = (0.0, 0.0, 3600.0, -3600.0, 600.0, -86_400.0)


@dataclass
class SkewedClock:
    """The clock of one machine: its wall clock may be wrong, its monotonic time is its own."""

    time: FakeClock
    skew_s: float = 0.0
    offset_s: float = 0.0

    def now(self) -> datetime:
        return self.time.now() + timedelta(seconds=self.skew_s)

    def monotonic(self) -> float:
        return self.time.monotonic() + self.offset_s

    def wait(self, seconds: float) -> None:
        raise AssertionError("a simulated scheduler only looks; it never waits")


@dataclass
class Line:
    """A scheduler's or runner's connection to the ledger."""

    store: Store
    cluster: Cluster
    owner: object

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self.store, name)

        def answer(*args: object, **named: object) -> object:
            self.cluster.meanwhile(self.owner)
            self.cluster.fail("before the ledger heard of it")
            result = call(*args, **named)
            if not name.startswith(_READS):
                self.cluster.fail("and the answer was lost")
            return result

        return answer


@dataclass
class Runner:
    """A runner: it starts, sends heartbeats for some cells, commits, and reports its end."""

    claim: Claim
    cluster: Cluster
    machine: Machine
    cells: int
    begun: bool = False
    asleep_until: float = 0.0
    beaten_at: float = 0.0

    def step(self) -> None:
        """Take the next step, or die, or stop for a while."""
        cluster, now = self.cluster, self.cluster.time.monotonic()
        if now < self.asleep_until:
            return
        chance = cluster.draw.random() if cluster.has_faults else 1.0
        if chance < 0.04:
            cluster.crashes += 1
            self._end(-9)
        elif chance < 0.06:
            self.asleep_until = now + cluster.draw.uniform(1, 4 * LEASE_S)
        else:
            self._work(now)

    def _work(self, now: float) -> None:
        attempt, store = self.claim.attempt, self.cluster.line(self)
        key = (attempt.run_id, attempt.number, attempt.token)
        try:
            if not self.begun:
                store.start_attempt(
                    *key, host=self.machine.name, pid=1, cells=self.cells, now=self.machine.now()
                )
                self.begun, self.beaten_at = True, now
            elif self.cells > 0:
                self.cells -= 1
                if not store.heartbeat(*key, cell=1).valid:
                    self._end(1)
                self.beaten_at = now
                if self.cluster.eager and self.cells == 0:
                    self._publish(store)
            else:
                self._finish(store, key)
        except StoreError:
            if self.begun and now - self.beaten_at < LEASE_S:
                return
            self._end(1)
        except Conflict:
            self._end(3)

    def _output(self) -> Committed:
        attempt = self.claim.attempt
        location = f"{attempt.run_id}/{attempt.number}"
        return Committed(name=TABLE, kind=PublicationKind.TABLE, location=location, rows=1)

    def _publish(self, store: Any) -> None:
        new, now = self.claim.run.new, self.machine.now()
        said = {"owner": new.owner, "pipeline": new.pipeline, "notebook": new.notebook}
        store.publish(self._output(), **said, draft=False, now=now)

    def _finish(self, store: Any, key: tuple[int, int, str]) -> None:
        committed = () if self.cluster.eager else (self._output(),)
        report = AttemptReport(outcome=Outcome.SUCCEEDED, committed=committed)
        if self.cluster.has_faults and self.cluster.draw.random() < 0.1:
            report = AttemptReport(outcome=Outcome.FAILED, error="it died", verdict=_DEAD)
        now = self.machine.now()
        state, not_before = plan_next(self.claim.run, report, now, draw=self.cluster.draw.random)
        store.finish_attempt(*key, report, state=state, not_before=not_before, now=now)
        self._end(0)

    def _end(self, code: int) -> None:
        if self in self.cluster.runners:
            self.cluster.runners.remove(self)
            self.machine.exits.append((self.claim.run.id, self.claim.attempt.number, code))


@dataclass
class Machine:
    """A machine with one scheduler, and its executor.

    Args:
        name: Host name.
        cluster: The cluster.
        clock: Its own clock.
    """

    name: str
    cluster: Cluster
    clock: SkewedClock
    exits: list[tuple[int, int, int]] = field(default_factory=list)
    scheduler: Scheduler | None = None
    polling: bool = False

    def boot(self) -> None:
        """Start a scheduler without the state of an earlier one, whose runners continue."""
        self.exits.clear()
        draw = self.cluster.draw
        self.scheduler = Scheduler(
            store=self.cluster.line(self), executor=self, clock=self.clock, notifier=self,
            id=f"{self.name}-{draw.getrandbits(64):x}", host=self.name, pid=1, workers=2,
            lease_s=LEASE_S, poll_s=1.0, draw=draw.random,
        )  # fmt: skip

    def poll(self) -> None:
        """Make the scheduler poll once, unless it is polling."""
        if self.polling or self.scheduler is None:
            return
        self.polling = True
        self.cluster.latest = max(self.cluster.latest, self.now())
        try:
            self.scheduler.poll()
        except StoreError:
            return
        finally:
            self.polling = False

    def now(self) -> datetime:
        return self.clock.now()

    def start(self, claim: Claim) -> None:
        draw = self.cluster.draw
        broken = self.cluster.has_faults and draw.random() < 0.02
        if broken or not self.cluster.home_is_writable:
            raise ExecutionError("no process could be made")
        runner = Runner(claim=claim, cluster=self.cluster, machine=self, cells=draw.randint(1, 3))
        self.cluster.runners.append(runner)

    def ended(self) -> list[tuple[int, int, int]]:
        exits, self.exits[:] = list(self.exits), []
        return exits

    def clean_up(self, claim: Claim) -> None:
        attempt = (claim.run.id, claim.attempt.number)
        here = [one for one in self.cluster.runners if one.machine is self]
        for runner in here:
            if (runner.claim.run.id, runner.claim.attempt.number) == attempt:
                self.cluster.runners.remove(runner)

    def close(self) -> None:
        return

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        return


class Cluster:
    """Machines, their schedulers and runners, and their time.

    Args:
        store, url: The ledger, empty.
        seed: Seed of all random choices.
        machines: Number of machines, each with a scheduler.
        pipelines: Number of pipelines, due every five minutes, none of whose times may be left out.
        eager: Whether runners publish early: the mutant ``stage_is_publish``.
        retries: Retries of each pipeline.
    """

    def __init__(
        self,
        store: Store,
        url: str,
        *,
        seed: int,
        machines: int = 3,
        pipelines: int = 3,
        eager: bool = False,
        retries: int = 1000,
    ) -> None:
        self.draw = random.Random(seed)
        self.time = FakeClock()
        self.store = store
        self.url = url
        self.has_faults = True
        self.home_is_writable = True
        self.eager = eager
        self.retries = retries
        self.crashes = 0
        self.outages = 0
        self.runners: list[Runner] = []
        self.began_at = self.latest = self.time.now()
        self._nested = False
        for number in range(pipelines):
            self._deploy(f"p{number}")
        self.machines = [self._machine(f"m{number}") for number in range(machines)]

    def line(self, owner: object) -> Any:
        """Return an unreliable connection to the ledger."""
        return Line(self.store, self, owner)

    def meanwhile(self, owner: object) -> None:
        """Make another scheduler poll in between, occasionally."""
        if self._nested or not self.has_faults or self.draw.random() > 0.1:
            return
        self._nested = True
        try:
            self.draw.choice([one for one in self.machines if one is not owner]).poll()
        finally:
            self._nested = False

    def fail(self, when: str) -> None:
        """Fail a call of the ledger, occasionally."""
        if self.has_faults and self.draw.random() < 0.01:
            self.outages += 1
            raise StoreError(f"the line to the ledger was cut {when}")

    def run_with_faults(self, steps: int) -> None:
        """Take this many steps with all kinds of failures."""
        for _ in range(steps):
            self.time.advance(self.draw.uniform(0.1, 10.0))
            chance, machine = self.draw.random(), self.draw.choice(self.machines)
            if chance < 0.02:
                self.crashes += 1
                machine.boot()
            elif chance < 0.03:
                machine.clock.skew_s = self.draw.choice(_SKEWS_S)
            elif chance < 0.035:
                # No scheduler polls for some minutes.
                self.time.advance(self.draw.uniform(60, 1500))
            elif chance < 0.5 or not self.runners:
                machine.poll()
            else:
                self.draw.choice(self.runners).step()

    def run(self, seconds: float, *, step_s: float = 2.0) -> None:
        """Advance the time without further failures."""
        self.has_faults = False
        for _ in range(int(seconds / step_s)):
            for machine in self.machines:
                machine.poll()
            for runner in list(self.runners):
                runner.step()
            self.time.advance(step_s)

    def rest(self, *, steps: int = 3000) -> bool:
        """Wait until all runs have ended; return whether they did."""
        self.has_faults = False
        for machine in self.machines:
            machine.clock.skew_s = 0.0
            machine.boot()
        for step in range(steps):
            self.machines[step % len(self.machines)].poll()
            for runner in list(self.runners):
                runner.step()
            self.time.advance(2.0)
            if self.runners or step % len(self.machines):
                continue
            now = self.time.now()
            quiet = record.soonest_due(self.url) > now.timestamp() * 1e6
            if quiet and not record.unfinished(self.url) and now > self.latest:
                return True
            # Runs that a clock ahead of time has planned are not due yet.
            self.time.advance(5.0)
        return False

    def inspect(self) -> Findings:
        """Compare the ledger with an independently computed list of times."""
        until = self.time.now()
        keys = Expected(
            required=occurrences(EVERY_S, self.began_at, until),
            allowed=occurrences(EVERY_S, self.began_at, max(until, self.latest)),
        )
        names = {row[0] for row in record.rows(self.url, "SELECT name FROM pipelines")}
        return inspect_ledger(self.url, dict.fromkeys(names, keys))

    def _deploy(self, name: str) -> None:
        schedule = Schedule(kind=ScheduleKind.INTERVAL, text="every 5m", every_s=EVERY_S)
        pipeline = Pipeline(
            name=name,
            notebook=f"/home/sam/{name}.ipynb",
            content_hash=self.store.save_snapshot("{}"),
            owner="sam",
            schedule=schedule,
            policy=Policy(retries=self.retries, catchup=Catchup.ALL, overlap=Overlap.QUEUE),
            next_due=next_occurrence(schedule, self.time.now()),
        )
        self.store.deploy(pipeline, now=self.time.now())

    def _machine(self, name: str) -> Machine:
        clock = SkewedClock(self.time, offset_s=self.draw.uniform(0, 1e6))
        machine = Machine(name=name, cluster=self, clock=clock)
        machine.boot()
        return machine
