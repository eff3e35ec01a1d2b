"""The loop that plans, starts and monitors runs. Several schedulers can share one ledger."""

from __future__ import annotations

import contextlib
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from jupyter_etl.errors import EtlError, StoreError, user_code_boundary
from jupyter_etl.model import (
    ACTIVE,
    AttemptReport,
    Outcome,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Claim, Clock, Executor, Notifier, Outlook, SchedulerInfo, Store
from jupyter_etl.scheduling.alerts import notify_ended
from jupyter_etl.scheduling.clock_skew import ClockGuard
from jupyter_etl.scheduling.due_times import correct_due_times
from jupyter_etl.scheduling.lost_attempts import LostAttemptRecovery, own_attempts
from jupyter_etl.scheduling.planner import PlanningRound

_LOG = logging.getLogger(__name__)

SAY_ALIVE_S = 10.0
"""Seconds between two heartbeats of a scheduler in the ledger."""

_GONE = timedelta(seconds=6 * SAY_ALIVE_S)
_FORGOTTEN = timedelta(hours=1)
_CORRECT_S = 3600.0
_POLL_S = 0.1
_INSTANT_S = 1e-6
_LONGEST_BACKOFF_S = 30.0
_MANY = 1000


class Scheduler:
    """Plans due runs, starts attempts up to a limit, and ends lost attempts.

    Args:
        executor: Starts the runners.
        clock: The only source of time.
        notifier: Sends notifications about failures.
        id: Random identity of this scheduler.
        workers: Maximum number of simultaneous attempts.
        lease_s: Seconds without a heartbeat after which an attempt is lost.
        poll_s: Seconds between two polls of the ledger.
        draw: Returns a random number in ``[0, 1)`` that spreads retries.
        pause: Returns why no attempt can be started now; "" if attempts can be started.
        ledger_time: Returns the time of the database server; None if the ledger has no server.
        is_running: Whether a scheduler with an old heartbeat may still be running.
        owners: Owners whose runs are started; empty for all owners.
    """

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        clock: Clock,
        notifier: Notifier,
        id: str,
        host: str,
        pid: int,
        workers: int,
        lease_s: float,
        poll_s: float,
        draw: Callable[[], float] = random.random,
        pause: Callable[[], str] = str,
        ledger_time: Callable[[], datetime | None] = lambda: None,
        is_running: Callable[[SchedulerInfo], bool] = lambda info: True,
        owners: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock
        self._notifier = notifier
        self._id = id
        self._host = host
        self._pid = pid
        self._workers = workers
        self._poll_s = poll_s
        self._pause = pause
        self._owners = owners
        self._paused_by = ""
        self._clocks = ClockGuard(clock, id=id, ledger_time=ledger_time, is_running=is_running)
        self._planning = PlanningRound(store, self._clocks.now)
        self._wrong_clock = ""
        self._others_differed = False
        self._corrected_at: float | None = None
        self._recovery = LostAttemptRecovery(
            store=store, executor=executor, clock=clock, lease_s=lease_s, draw=draw
        )
        self._alive = frozenset({id})
        self._heartbeat_at: float | None = None
        self._busy = False
        # The result of the last poll, if it found nothing to do.
        self._outlook: Outlook | None = None

    def poll(self) -> int:
        """Poll once: plan runs, end lost attempts, send notifications, start attempts.

        Returns:
            The number of actions; 0 if there was nothing to do.

        Raises:
            StoreError: The ledger cannot be reached; completed actions are recorded.
        """
        self._send_heartbeat()
        self._outlook = None
        outlook = self._store.load_outlook(self._clock.now())
        planned = self._plan(outlook) if self._is_clock_right(outlook) else 0
        live, recovered = self._recovery.recover(live=outlook.live)
        notified = self._notify() if outlook.unnotified or recovered else 0
        started = self._start(live, ready=outlook.ready or planned + recovered > 0)
        done = planned + recovered + notified + started
        if done == 0:
            self._outlook = outlook
        return done

    def run(self, *, until_idle: bool = False, stop: Callable[[], bool]) -> None:
        """Poll until stopped.

        If the ledger cannot be reached, the loop waits for it. Runners keep running when this
        returns; the caller closes the executor.

        Args:
            until_idle: Return when nothing is due, queued, running or waiting for a retry.
            stop: Called between two polls; True ends the loop.
        """
        failures, was_idle = 0, False
        try:
            while not stop():
                try:
                    done = self.poll()
                    if until_idle and was_idle and done == 0:
                        return
                    was_idle = until_idle and done == 0 and self._is_idle()
                    delay_s = 0.0 if was_idle else self._delay_s()
                except StoreError as problem:
                    if failures == 0:
                        _LOG.warning("The ledger cannot be used, trying on: %s", problem)
                    delay_s = min(_LONGEST_BACKOFF_S, self._poll_s * 2.0 ** min(failures, 16))
                    failures += 1
                else:
                    if failures:
                        _LOG.warning("The ledger can be used again after %s failures", failures)
                    failures = 0
                self._wait(delay_s, stop)
        finally:
            self._executor.close()
            with contextlib.suppress(StoreError):
                self._store.remove_scheduler(self._id)

    def _send_heartbeat(self) -> None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        if self._heartbeat_at is not None and monotonic - self._heartbeat_at < SAY_ALIVE_S:
            return
        self._store.save_scheduler(
            SchedulerInfo(
                id=self._id,
                host=self._host,
                pid=self._pid,
                workers=self._workers,
                seen_at=now,
                note=self._wrong_clock or self._paused_by,
                owners=self._owners,
            )
        )
        others = self._store.load_schedulers()
        self._clocks.compare(others)
        if self._clocks.others_differ or self._others_differed:
            # They may have been planned by a wrong clock.
            self._corrected_at = None
        self._others_differed = self._clocks.others_differ
        self._alive = frozenset(
            {one.id for one in others if now - one.seen_at < _GONE} | {self._id}
        )
        if not self._others_differed:
            for one in others:
                if now - one.seen_at > _FORGOTTEN:
                    self._store.remove_scheduler(one.id)
        self._heartbeat_at = monotonic

    def _is_clock_right(self, outlook: Outlook) -> bool:
        why = self._clocks.why_not(busy=outlook.due or outlook.ready)
        if why and not self._wrong_clock:
            _LOG.warning("Nothing is planned or started: %s", why)
        elif self._wrong_clock and not why:
            _LOG.warning("Runs are planned and started again: the clock is right")
        if why != self._wrong_clock and not (why and self._wrong_clock):
            # The ledger is updated at the next poll.
            self._heartbeat_at = None
        self._wrong_clock = why
        if why:
            self._corrected_at = None
        return not why

    def _plan(self, outlook: Outlook) -> int:
        monotonic, corrected = self._clock.monotonic(), 0
        if self._corrected_at is None or monotonic - self._corrected_at >= _CORRECT_S:
            corrected = len(correct_due_times(self._store, self._clocks.now()))
            self._corrected_at = monotonic
        return corrected + self._planning.plan(outlook)

    def _notify(self) -> int:
        return notify_ended(
            store=self._store,
            notifier=self._notifier,
            scheduler_id=self._id,
            alive=self._alive,
        )

    def _start(self, live: list[Claim], *, ready: bool) -> int:
        own = own_attempts(live, scheduler_id=self._id, host=self._host, alive=self._alive)
        free = max(0, self._workers - len(own))
        claims: list[Claim] = []
        # Check again while paused, to notice when the cause has gone.
        may_start = not self._wrong_clock and (ready or bool(self._paused_by))
        if free and may_start and not self._is_paused() and ready:
            claims = self._store.claim(
                self._id, now=self._clock.now(), limit=free, owners=self._owners
            )
        for claim in claims:
            self._start_one(claim)
        self._busy = bool(own or claims)
        return len(claims)

    def _is_paused(self) -> bool:
        why = self._pause()
        if why and not self._paused_by:
            _LOG.warning("No runs start now: %s", why)
        elif self._paused_by and not why:
            _LOG.warning("Runs are started again")
        if why != self._paused_by:
            # The ledger is updated at the next poll.
            self._heartbeat_at = None
        self._paused_by = why
        return bool(why)

    def _start_one(self, claim: Claim) -> None:
        try:
            with user_code_boundary("The executor"):
                self._executor.start(claim)
        except EtlError as problem:
            error = f"the runner could not be started: {problem}"
            _LOG.warning("Run %s: %s", claim.run.id, error)
            verdict = Verdict(kind=VerdictKind.PLATFORM, evidence=error, retryable=True)
            report = AttemptReport(
                outcome=Outcome.FAILED, error=error, verdict=verdict, began=False
            )
            self._recovery.end(claim, report)

    def _is_idle(self) -> bool:
        if self._planning.anything_due():
            return False
        now = self._clock.now()
        waiting = self._store.load_runs(states=ACTIVE, limit=_MANY)
        return not any(
            run.state is not RunState.QUEUED or run.attempts > 0 or run.not_before <= now
            for run in waiting
            if not self._owners or run.new.owner in self._owners
        )

    def _delay_s(self) -> float:
        if self._planning.more:
            return 0.0
        now = self._clock.now()
        # Runs that are already due were left for a reason: no free worker, a limit, a source that
        # does not respond, or a failing pipeline.
        outlook = self._outlook or self._store.load_outlook(now)
        due_at = outlook.next_at
        if due_at is None:
            return self._poll_s
        return min(self._poll_s, (due_at - now).total_seconds())

    def _wait(self, seconds: float, stop: Callable[[], bool]) -> None:
        """Wait until the time is over, one of the own runners ends, or a stop is requested."""
        left_s = seconds
        while left_s > 0 and not stop():
            step_s = min(left_s, _POLL_S) if self._busy else left_s
            began_at = self._clock.monotonic()
            self._clock.wait(step_s)
            if self._clock.monotonic() - began_at < step_s - _INSTANT_S:
                # Woken up: there may be something to do.
                return
            left_s -= step_s
            if self._busy and self._recovery.notice():
                return
