"""Recovery of lost attempts: missed heartbeats, time limits and ignored cancellations."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_etl.errors import Conflict, EtlError, user_code_boundary
from jupyter_etl.model import AttemptReport
from jupyter_etl.ports import AttemptStore, Claim, Clock, Executor
from jupyter_etl.scheduling.retries import lost_report, plan_next

START_LEASES = 2.0
"""Time limit for the start of a dispatched attempt, in leases: cold starts on a busy machine are
slow.
"""

_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """The last heartbeat of an attempt, and how long this observer has waited for the next one."""

    heartbeat: int
    started_at: datetime | None
    silent_s: float = 0.0


class Observer:
    """Detects lost attempts by changes of their heartbeat counter, on a local monotonic clock.

    No wall-clock times are compared, so a clock that jumps ends no attempt. Each poll counts for
    only a fraction of the lease: an observer that was suspended itself, or could not reach the
    ledger, gives every attempt time to send another heartbeat.

    Args:
        lease_s: Seconds without a heartbeat after which an attempt is lost.
    """

    def __init__(self, clock: Clock, lease_s: float) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._polled_at: float | None = None
        self._signs: dict[tuple[int, int], _Sign] = {}

    def lost(self, claims: Sequence[Claim]) -> list[Claim]:
        """Return the live attempts that have stopped sending heartbeats.

        Args:
            claims: All live attempts, freshly loaded. Attempts that are missing here are forgotten.
        """
        now = self._clock.monotonic()
        since = 0.0 if self._polled_at is None else now - self._polled_at
        self._polled_at = now
        passed_s = min(since, self._lease_s / _STEPS)
        self._signs = {_key(claim): self._sign(claim, passed_s) for claim in claims}
        return [claim for claim in claims if self._is_lost(claim)]

    def _sign(self, claim: Claim, passed_s: float) -> _Sign:
        attempt, known = claim.attempt, self._signs.get(_key(claim))
        if (
            known is None
            or known.heartbeat != attempt.heartbeat
            or known.started_at != attempt.started_at
        ):
            return _Sign(heartbeat=attempt.heartbeat, started_at=attempt.started_at)
        silent_s = known.silent_s + passed_s
        return _Sign(heartbeat=known.heartbeat, started_at=known.started_at, silent_s=silent_s)

    def _is_lost(self, claim: Claim) -> bool:
        leases = 1.0 if claim.attempt.started_at is not None else START_LEASES
        return self._signs[_key(claim)].silent_s > self._lease_s * leases


def _key(claim: Claim) -> tuple[int, int]:
    return claim.run.id, claim.attempt.number


_LOG = logging.getLogger(__name__)


class LostAttemptRecovery:
    """Ends attempts whose runner stopped sending heartbeats or has ended, and requeues their runs.

    Args:
        executor: Reports runners that have ended, where it can.
        lease_s: Seconds without a heartbeat after which an attempt is lost.
        draw: Returns a random number in ``[0, 1)``.
    """

    def __init__(
        self,
        *,
        store: AttemptStore,
        executor: Executor,
        clock: Clock,
        lease_s: float,
        draw: Callable[[], float],
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock
        self._lease_s = lease_s
        self._draw = draw
        self._observer = Observer(clock, lease_s)
        self._ended: dict[tuple[int, int], int] = {}

    def notice(self) -> bool:
        """Poll the executor for runners that have ended; return whether there are any."""
        try:
            with user_code_boundary("The executor"):
                ended = self._executor.ended()
        except EtlError as problem:
            _LOG.warning("It is not known which runners have ended: %s", problem)
            return False
        self._ended.update({(run_id, number): code for run_id, number, code in ended})
        return bool(ended)

    def recover(self, *, live: bool = True) -> tuple[list[Claim], int]:
        """End lost attempts.

        Args:
            live: Whether there are live attempts; False saves a query.

        Returns:
            The attempts that are still live, and the number of attempts that were ended.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        # Poll the executor before the ledger: a runner that has ended by now has recorded its
        # outcome there.
        self.notice()
        claims = self._store.load_live_attempts() if live else []
        silent = self._observer.lost(claims)
        lost = {_key(claim): self._silence() for claim in silent}
        lost.update({key: _death(code) for key, code in self._ended.items()})
        reaped = {
            _key(claim)
            for claim in claims
            if _key(claim) in lost and self._end_lost(claim, lost[_key(claim)])
        }
        self._ended.clear()
        return [claim for claim in claims if _key(claim) not in reaped], len(reaped)

    def end(self, claim: Claim, report: AttemptReport) -> bool:
        """End an attempt by its token; return False if it has ended or moved on in the meantime.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        return end_attempt(self._store, claim, report, now=self._clock.now(), draw=self._draw)

    def _end_lost(self, claim: Claim, error: str) -> bool:
        _LOG.warning(
            "Attempt %s of run %s (%s) is lost: %s",
            claim.attempt.number,
            claim.run.id,
            claim.run.new.pipeline,
            error,
        )
        # Clean up before the ledger is updated: after that, the next attempt may start.
        clean_up(self._executor, claim)
        return self.end(claim, lost_report(claim, error))

    def _silence(self) -> str:
        return f"no heartbeat from the runner for more than {self._lease_s:g} s"


def end_attempt(
    store: AttemptStore,
    claim: Claim,
    report: AttemptReport,
    *,
    now: datetime,
    draw: Callable[[], float],
) -> bool:
    """End an attempt by its token; return False if it has ended or moved on in the meantime.

    Args:
        draw: Returns a random number in ``[0, 1)`` that spreads retries.

    Raises:
        StoreError: The ledger cannot be reached.
    """
    state, not_before = plan_next(claim.run, report, now, draw=draw)
    attempt = claim.attempt
    try:
        store.finish_attempt(
            attempt.run_id,
            attempt.number,
            attempt.token,
            report,
            state=state,
            not_before=not_before,
            now=now,
        )
    except Conflict:
        return False
    return True


def end_exited(
    store: AttemptStore,
    executor: Executor | None,
    claim: Claim,
    exit_code: int,
    *,
    now: datetime,
    draw: Callable[[], float],
) -> bool:
    """End an attempt whose runner exited without a report; see `end_attempt`.

    Args:
        executor: Terminates the processes that the runner left; None for a runner of another process.
        exit_code: Exit code of the runner, negative for a signal.
    """
    if executor is not None:
        clean_up(executor, claim)
    report = lost_report(claim, _death(exit_code))
    return end_attempt(store, claim, report, now=now, draw=draw)


def clean_up(executor: Executor, claim: Claim) -> None:
    """Terminate the processes that a lost attempt left running; failures are logged."""
    try:
        with user_code_boundary("The executor"):
            executor.clean_up(claim)
    except EtlError as problem:
        _LOG.warning("Orphaned processes of run %s were not ended: %s", claim.run.id, problem)


def own_attempts(
    claims: Sequence[Claim], *, scheduler_id: str, host: str, alive: frozenset[str]
) -> list[Claim]:
    """Return the live attempts that occupy a worker of a scheduler.

    These are the attempts that it claimed, and those that a dead scheduler left running on the same
    machine.

    Args:
        alive: Identities of the live schedulers.
    """
    return [
        claim
        for claim in claims
        if claim.attempt.claimed_by == scheduler_id
        or (is_orphan(claim, alive) and claim.attempt.host == host)
    ]


def is_orphan(claim: Claim, alive: frozenset[str]) -> bool:
    """Return whether an attempt belongs to a deployed pipeline and its scheduler has died."""
    return claim.run.new.version is not None and claim.attempt.claimed_by not in alive


def _death(code: int) -> str:
    if code >= 0:
        return f"the runner ended with exit code {code} before it could report"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"the runner was ended by {name} before it could report"
