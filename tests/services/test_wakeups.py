"""A waiting scheduler continues as soon as something is due."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from jupyter_etl.errors import StoreError
from jupyter_etl.services import Etl
from jupyter_etl.services import clock as clock_module
from jupyter_etl.services.clock import SystemClock, woken

LONG_S = 60.0


class Wakeups:
    """Sends a wake-up on request of the test."""

    def __init__(self) -> None:
        self.rung = threading.Event()

    def wait(self, seconds: float) -> bool:
        return self.rung.wait(seconds)


class Store:
    """A ledger that can wake others, after some failed connections."""

    def __init__(self, failures: int) -> None:
        self.of_store = Wakeups()
        self.failures = failures

    @contextmanager
    def wakeups(self):
        if self.failures:
            self.failures -= 1
            raise StoreError("the ledger cannot be reached")
        yield self.of_store


def test_a_wait_ends_when_it_rings_also_after_failures(monkeypatch, caplog) -> None:
    monkeypatch.setattr(clock_module, "_AGAIN_S", 0.01)
    store, clock = Store(failures=3), SystemClock()
    with woken(store, clock.wake):
        threading.Timer(0.05, store.of_store.rung.set).start()
        began_at = clock.monotonic()
        clock.wait(LONG_S)
        assert clock.monotonic() - began_at < LONG_S
    assert store.failures == 0
    assert caplog.text.count("Nothing wakes this process") == 1
    assert "etl-wakeup" not in {thread.name for thread in threading.enumerate()}


def test_a_requested_run_wakes_the_scheduler(etl: Etl, tmp_path) -> None:
    with etl.store.wakeups() as wakeups:
        etl.store.save_snapshot("{}")
        assert not wakeups.wait(0.0)
    clock = SystemClock()
    looked = threading.Event()

    def wait() -> None:
        clock.wait(LONG_S)
        looked.set()

    with woken(etl.store, clock.wake):
        # The thread may not listen yet at the first wake-up.
        waiting = threading.Thread(target=wait)
        waiting.start()
        folder = etl.settings.home / "ledger.sqlite.wakeups"
        while not looked.wait(0.05):
            assert folder.parent.is_dir()
            with etl.store._ledger.writing(ring=True):
                pass
        waiting.join()
