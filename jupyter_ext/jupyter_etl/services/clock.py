"""The system clock, and wake-ups when the ledger changes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from jupyter_etl.errors import StoreError
from jupyter_etl.ports import SchedulerStore

_LOG = logging.getLogger(__name__)
_POLL_S = 1.0
"""Seconds between checks whether the thread should end."""

PATIENCE_S = 2 * _POLL_S

_AGAIN_S = 10.0
"""Seconds between two tries to create a wake-up; in the meantime, waiting processes poll."""


class SystemClock:
    """Wall clock, monotonic clock and a wait that ``wake`` interrupts."""

    def __init__(self) -> None:
        self._wake = threading.Event()

    def now(self) -> datetime:
        """Return the wall-clock time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait for ``seconds`` or until woken."""
        self._wake.wait(max(0.0, seconds))
        self._wake.clear()

    def wake(self) -> None:
        """Interrupt a wait; safe in signal handlers and from any thread."""
        self._wake.set()


@contextmanager
def woken(
    store: SchedulerStore, wake: Callable[[], object], *, patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """Call a function on every wake-up of the ledger while the context is active.

    Args:
        wake: Called in a thread.
        patience_s: Maximum seconds to wait for the thread to end.
    """
    done = threading.Event()

    def listen() -> None:
        failed = False
        while not done.is_set():
            try:
                _listen(store, wake, done)
            except StoreError as problem:
                if not failed:
                    _LOG.warning(
                        "Nothing wakes this process between two polls of the ledger: %s", problem
                    )
                failed = True
                done.wait(_AGAIN_S)

    thread = threading.Thread(target=listen, name="etl-wakeup", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(patience_s)


def _listen(store: SchedulerStore, wake: Callable[[], object], done: threading.Event) -> None:
    with store.wakeups() as wakeups:
        while not done.is_set():
            if wakeups.wait(_POLL_S):
                wake()
