"""The reason why an attempt has to stop before its notebook has finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class CancellationReason(StrEnum):
    """Reasons to end an attempt early.

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
    """A thread-safe flag: the first reason is kept, but ``fenced`` overrides all."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: CancellationReason | None = None
        self._detail = ""

    def ask(self, reason: CancellationReason, detail: str = "") -> None:
        """Set the flag.

        Args:
            reason: The reason.
            detail: Detail for users; part of a sentence.
        """
        with self._lock:
            if self._reason is None or reason is CancellationReason.FENCED:
                self._reason, self._detail = reason, detail
        self._event.set()

    @property
    def reason(self) -> CancellationReason | None:
        """The reason to stop; None if the flag is not set."""
        return self._reason

    @property
    def detail(self) -> str:
        """The detail of the reason."""
        return self._detail

    def guarding(self, watch: Callable[[], None]) -> Callable[[], None]:
        """Wrap a watchdog thread's function so that its failure stops the attempt.

        Args:
            watch: Function to be called once.
        """

        def guarded() -> None:
            try:
                watch()
            except Exception as problem:  # noqa: BLE001 - whatever it is, nothing watches any more
                self.ask(CancellationReason.UNGUARDED, f"{type(problem).__name__}: {problem}")

        return guarded

    def wait(self, seconds: float) -> bool:
        """Wait for the flag, or for `wake`; return whether either happened within ``seconds``."""
        return self._event.wait(seconds)

    def wake(self) -> None:
        """Make `wait` return without a reason: the notebook has finished."""
        self._event.set()


@contextmanager
def cancel_on_sigterm(cancellation: Cancellation) -> Iterator[None]:
    """Treat SIGTERM as a request to cancel; only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        # In a thread: the handler may have interrupted the holder of the flag's lock.
        threading.Thread(
            target=cancellation.ask, args=(CancellationReason.CANCELLED,), daemon=True
        ).start()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
