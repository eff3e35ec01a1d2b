"""Kills and stops processes of a world, and shifts their clocks, with a seeded generator."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from chaos import record
from chaos.world import Process, World

DECK = {"scheduler": 2, "fork_server": 1, "runner": 9, "kernel": 8}
"""Number of victims of each role among twenty: a killed scheduler does not end its runs."""

SKEWS_S = (0.0, 0.0, 0.0, -3600.0, 3.0)
"""Clock errors of schedulers; only slightly ahead, because a scheduler plans by its clock."""

_UNBORN = 0.2
_STOPPED_SCHEDULERS = 0.1
_WAKE_S = 0.2
_PATIENCE_S = 1.5
_POLL_S = 0.05
_LIFE_S = 0.5
"""Maximum delay in seconds before a process is killed; a whole attempt takes about as long."""


@dataclass
class Killer:
    """Selects and kills victims.

    Args:
        world: The world of the processes.
        draw: Random generator; the same seed selects the same victims by rank and role.
        schedulers: Number of simultaneous schedulers.
        workers: Workers of each scheduler.
        pauses_s: Shortest and longest pause between two kills.
        blackout, stop: Probabilities that all schedulers are killed at once, and that a process is
            only stopped.
        blackout_s: Seconds without a scheduler after that.
        skews_s: Clock errors that a scheduler may have.

    Roles are dealt from a shuffled `DECK`, so that each has its share with any seed.
    """

    world: World
    draw: random.Random
    schedulers: int = 3
    workers: int = 2
    pauses_s: tuple[float, float] = (0.1, 0.7)
    blackout: float = 0.02
    stop: float = 0.06
    blackout_s: float = 8.0
    skews_s: tuple[float, ...] = SKEWS_S
    kills: Counter[str] = field(default_factory=Counter)
    killed: set[int] = field(default_factory=set)
    stops: int = 0
    blackouts: int = 0
    _deck: list[str] = field(default_factory=list)
    _asleep: list[tuple[float, int]] = field(default_factory=list)
    _dark_until: float = 0.0

    def run(
        self, kills: int, *, deadline_s: float, between: Callable[[], None] = lambda: None
    ) -> None:
        """Kill processes until the number or the deadline is reached.

        Args:
            kills: Number of processes.
            deadline_s: Seconds after which it ends even without victims.
            between: Called after each kill.
        """
        end = time.monotonic() + deadline_s
        while self.kills.total() < kills and time.monotonic() < end:
            self.restart()
            self._wake()
            self._strike()
            between()
            time.sleep(self.draw.uniform(*self.pauses_s))
        self.finish()

    def finish(self) -> None:
        """Stop killing, and continue stopped processes at their time, after the lease."""
        self._dark_until = 0.0
        self.restart()
        while self._asleep:
            self._wake()
            time.sleep(_WAKE_S)

    def _strike(self) -> None:
        chance = self.draw.random()
        if chance < self.blackout and self.world.schedulers:
            self.blackouts += 1
            self._dark_until = time.monotonic() + self.blackout_s
            for pid in list(self.world.schedulers):
                self._kill(Process(pid=pid, role="scheduler", command=""))
            return
        if chance < self.blackout + self.stop:
            self._stop()
        else:
            self._kill_one()

    def _kill_one(self) -> None:
        """Kill a process of the next role in the deck; skip a role without processes."""
        if not self._deck:
            self._deck = [role for role, number in DECK.items() for _ in range(number)]
            self.draw.shuffle(self._deck)
        role = self._deck.pop()
        # A process that is still importing its modules dies without a trace: sometimes kill one of
        # those.
        unborn = self.draw.random() < _UNBORN
        victim = self._victim(role, unborn=unborn)
        if victim is None or not self._kill(victim):
            self._deck.insert(self.draw.randint(0, len(self._deck)), role)

    def _stop(self) -> None:
        """Stop a runner or a scheduler for longer than the lease."""
        role = "scheduler" if self.draw.random() < _STOPPED_SCHEDULERS else "runner"
        candidates = self._candidates(role, unborn=False)
        if candidates:
            victim = self.draw.choice(candidates)
            self.stops += 1
            _signal(victim.pid, signal.SIGSTOP)
            self._asleep.append((time.monotonic() + 3.0 * self.world.lease_s, victim.pid))

    def _victim(self, role: str, *, unborn: bool) -> Process | None:
        """Wait for a process of a role, and then for a random moment of its life."""
        end = time.monotonic() + _PATIENCE_S
        waited = False
        while not (candidates := self._candidates(role, unborn=unborn)):
            if time.monotonic() > end:
                return None
            waited = True
            time.sleep(_POLL_S)
            self.restart()
        if waited:
            time.sleep(self.draw.uniform(0, _LIFE_S))
            # It may have ended meanwhile, and another one started.
            candidates = self._candidates(role, unborn=unborn)
        return self.draw.choice(candidates) if candidates else None

    def _candidates(self, role: str, *, unborn: bool) -> list[Process]:
        asleep = {pid for _, pid in self._asleep}
        living = [one for one in self.world.processes() if one.pid not in asleep]
        return [one for one in living if one.role == role] if unborn else self._grown(living, role)

    def _grown(self, living: list[Process], role: str) -> list[Process]:
        """Return those of a role that the ledger has recorded; some roles are never recorded."""
        found = [one for one in living if one.role == role]
        if role in ("kernel", "fork_server"):
            return found
        known = self._known(role)
        return [one for one in found if one.pid in known]

    def _known(self, role: str) -> set[int]:
        table = "schedulers" if role == "scheduler" else "attempts WHERE outcome IS NULL"
        try:
            return {
                row[0] for row in record.rows(self.world.ledger_url, f"SELECT pid FROM {table}")
            }
        except SQLAlchemyError:
            return set()

    def _kill(self, victim: Process) -> bool:
        killed = _signal(victim.pid, signal.SIGKILL)
        if killed:
            self.kills[victim.role] += 1
            self.killed.add(victim.pid)
        return killed

    def _wake(self) -> None:
        now = time.monotonic()
        for due_at, pid in self._asleep:
            if due_at <= now:
                _signal(pid, signal.SIGCONT)
        self._asleep = [one for one in self._asleep if one[0] > now]

    def restart(self) -> None:
        """Start the schedulers that are missing, unless all are meant to be down."""
        self.world.reap()
        if time.monotonic() < self._dark_until:
            return
        while len(self.world.schedulers) < self.schedulers:
            skew_s = self.draw.choice(self.skews_s)
            self.world.start_scheduler(workers=self.workers, skew_s=skew_s)


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
