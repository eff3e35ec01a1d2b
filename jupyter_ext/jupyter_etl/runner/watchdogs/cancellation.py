"""Why an attempt has to stop before its notebook is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class CancellationReason(StrEnum):
    """What ended an attempt early.

    ``fenced`` means that the attempt no longer owns its run: it publishes and records nothing.
    ``unguarded`` means that the watchdog of its time and its cancellation has failed.
    """

    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    FENCED = "fenced"
    UNGUARDED = "unguarded"


AT_ONCE = frozenset(
    {CancellationReason.OUT_OF_MEMORY, CancellationReason.FENCED, CancellationReason.UNGUARDED}
)
"""Reasons that leave no time for an interrupt."""


class Cancellation:
    """One flag that several threads may raise: the first reason stays, but fenced outranks all."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: CancellationReason | None = None
        self._detail = ""

    def ask(self, reason: CancellationReason, detail: str = "") -> None:
        """Raise the flag.

        Args:
            reason: Why.
            detail: What people should know of it; part of a sentence.
        """
        with self._lock:
            if self._reason is None or reason is CancellationReason.FENCED:
                self._reason, self._detail = reason, detail
        self._event.set()

    @property
    def reason(self) -> CancellationReason | None:
        """Why to stop; None while nothing speaks against going on."""
        return self._reason

    @property
    def detail(self) -> str:
        """What was said with the reason."""
        return self._detail

    def guarding(self, watch: Callable[[], None]) -> Callable[[], None]:
        """Return a watch for a thread that stops the attempt where it fails: nothing else would.

        Args:
            watch: To be called once.
        """

        def guarded() -> None:
            try:
                watch()
            except Exception as problem:  # noqa: BLE001 - whatever it is, nothing watches any more
                self.ask(CancellationReason.UNGUARDED, f"{type(problem).__name__}: {problem}")

        return guarded

    def wait(self, seconds: float) -> bool:
        """Wait for the flag, or for `wake`; return whether it came within ``seconds``."""
        return self._event.wait(seconds)

    def wake(self) -> None:
        """Let `wait` return without a reason: the notebook is done."""
        self._event.set()


@contextmanager
def cancel_on_sigterm(cancellation: Cancellation) -> Iterator[None]:
    """Treat SIGTERM as a request to cancel, where signals can be handled: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        # From a thread: the handler may have interrupted the holder of the flag's lock.
        threading.Thread(
            target=cancellation.ask, args=(CancellationReason.CANCELLED,), daemon=True
        ).start()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
