"""The runner's heartbeats in the ledger, and the ledger's answers."""

from __future__ import annotations

import threading

from jupyter_etl.errors import StoreError
from jupyter_etl.model import Heartbeat
from jupyter_etl.ports import AttemptStore, Claim, Clock
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason

_FIRST_S = 0.5
"""Seconds until the first heartbeat: the start has only just been written."""

_MIN_INTERVAL_S = 0.1
_POLL_S = 2.0


class Heartbeats:
    """Sends heartbeats in its own thread while the context is entered.

    Sets the cancellation flag: ``fenced`` when the token is stale or no heartbeat has been written
    for the length of the lease, ``cancelled`` when a user requested it.

    Args:
        clock: Its monotonic time measures the lease.
        cancellation: The flag to set.
        events: Records outages of the ledger.
        heartbeat_s: Seconds between heartbeats.
        lease_s: Seconds without a heartbeat after which the attempt no longer owns its run.
    """

    def __init__(
        self,
        *,
        store: AttemptStore,
        claim: Claim,
        clock: Clock,
        cancellation: Cancellation,
        events: EventLog,
        heartbeat_s: float,
        lease_s: float,
    ) -> None:
        self._store = store
        self._claim = claim
        self._clock = clock
        self._cancellation = cancellation
        self._events = events
        self._heartbeat_s = heartbeat_s
        self._lease_s = lease_s
        self._wake = threading.Event()
        self._done = threading.Event()
        self._cell: int | None = None
        self._last = clock.monotonic()
        self._reached = True
        self._owned = True
        self._finishing = False
        self._thread = threading.Thread(
            target=cancellation.guarding(self._run), name="etl-heartbeat", daemon=True
        )

    def progress(self, cell: int) -> None:
        """Set the number of finished code cells, and send it to the ledger at once."""
        self._cell = cell
        self._wake.set()

    def heartbeat(self) -> bool:
        """Send a heartbeat now, in the caller's thread.

        Returns:
            Whether the attempt still owns its run.
        """
        attempt = self._claim.attempt
        try:
            answer = self._store.heartbeat(
                attempt.run_id, attempt.number, attempt.token, cell=self._cell
            )
        except StoreError as problem:
            self._missed(problem)
        else:
            self._apply(answer)
        return self._owned

    def finishing(self) -> None:
        """Ignore refused heartbeats from now on: they stop and log nothing.

        The runner is ending its attempt in the ledger. The answer to that call shows whether the
        ledger accepted it, and later heartbeats are refused.
        """
        self._finishing = True

    def __enter__(self) -> Heartbeats:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._done.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        due_at = self._clock.monotonic() + min(_FIRST_S, self._heartbeat_s)
        while not self._done.is_set():
            now = self._clock.monotonic()
            if self._wake.is_set() or now >= due_at or not self._reached:
                self._wake.clear()
                self.heartbeat()
                due_at = now + self._heartbeat_s
                # Many short cells in a row cause one heartbeat, not a thousand.
                self._done.wait(_MIN_INTERVAL_S)
            self._wake.wait(max(0.0, min(due_at - self._clock.monotonic(), _POLL_S)))

    def _apply(self, answer: Heartbeat) -> None:
        self._last = self._clock.monotonic()
        if not self._reached:
            self._reached = True
            self._events.log("the ledger can be reached again")
        if not answer.valid:
            self._fence("the ledger has given this run to another attempt")
        elif answer.cancel:
            self._cancellation.ask(CancellationReason.CANCELLED)

    def _missed(self, problem: StoreError) -> None:
        silent_s = self._clock.monotonic() - self._last
        if self._reached:
            self._reached = False
            self._events.log(f"the ledger cannot be reached: {problem.message}")
        if silent_s >= self._lease_s:
            self._fence(f"no heartbeat could be written for {silent_s:.0f} s")

    def _fence(self, why: str) -> None:
        owned, self._owned = self._owned, False
        if owned and not self._finishing:
            self._cancellation.ask(CancellationReason.FENCED)
            self._events.log(f"this attempt stops and publishes nothing: {why}")
