"""Wakes a scheduler as soon as there may be something to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_etl.app.clock import SystemClock
from jupyter_etl.errors import StoreError
from jupyter_etl.ports import Store

_LOG = logging.getLogger(__name__)
_LOOK_S = 1.0
"""Seconds after which the thread notices that it is to end."""

_AGAIN_S = 10.0
"""Seconds between two tries to get a bell: meanwhile the scheduler looks at its own pace."""


@contextmanager
def woken(store: Store, clock: SystemClock) -> Iterator[None]:
    """End the waits of a clock whenever the ledger rings, as long as it is entered.

    Args:
        store: The ledger.
        clock: Of the scheduler in this process.
    """
    done = threading.Event()

    def listen() -> None:
        failed = False
        while not done.is_set():
            try:
                _listen(store, clock, done)
            except StoreError as problem:
                if not failed:
                    _LOG.warning("Nothing wakes this scheduler between its looks: %s", problem)
                failed = True
                done.wait(_AGAIN_S)

    thread = threading.Thread(target=listen, name="etl-bell", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(2 * _LOOK_S)


def _listen(store: Store, clock: SystemClock, done: threading.Event) -> None:
    with store.bell() as bell:
        while not done.is_set():
            if bell.wait(_LOOK_S):
                clock.wake()
