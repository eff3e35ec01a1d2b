"""Ends the kernel of an attempt that has to stop: an interrupt, a grace period, then a kill."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from jupyter_etl.runner.watchdogs.cancellation import AT_ONCE, Cancellation, CancellationReason
from jupyter_etl.system.processes import Marker, interrupt, kill_tree, process_of

GRACE_S = 2.0
"""Seconds between the interrupt and the kill."""

_AGAIN_S = 0.2


class Guard:
    """Watches the clock and the cancellation flag during the execution, in a thread of its own.

    Args:
        cancellation: Set by others to stop; set to ``timed_out`` at the deadline.
        timeout_s: Seconds that the attempt may take, from now.
        marker: Name and value of the environment variable that marks the kernel's processes.
        group: The control group of the kernel's processes; None if they have none.
        grace_s: Seconds between the interrupt and the kill.
    """

    def __init__(
        self,
        cancellation: Cancellation,
        *,
        timeout_s: float,
        marker: Marker,
        group: Path | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._cancellation = cancellation
        self._timeout_s = timeout_s
        self._marker = marker
        self._group = group
        self._grace_s = grace_s
        self._done = threading.Event()
        self._kernel: psutil.Process | None = None
        self._ask: Callable[[], None] | None = None
        self._leaving = False
        self._thread = threading.Thread(target=self._run, name="etl-guard", daemon=True)

    def kernel_started(self, pid: int, *, ask: Callable[[], None] | None = None) -> None:
        """Set the process to interrupt.

        Args:
            ask: Interrupts a kernel that needs a message for it; by default SIGINT is sent.
        """
        self._ask = ask
        self._kernel = process_of(pid)

    def kernel_left(self) -> None:
        """Record that the kernel has executed everything and is about to exit."""
        self._leaving = True

    def __enter__(self) -> Guard:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop watching, and kill all processes that the notebook left."""
        self._done.set()
        self._cancellation.wake()
        self._thread.join()
        self._kill(but_itself=self._leaving)

    def _run(self) -> None:
        watch = self._cancellation.guarding(self._watch)
        watch()
        if self._cancellation.reason is CancellationReason.UNGUARDED:
            self._kill()

    def _kill(self, *, but_itself: bool = False) -> None:
        kill_tree(self._kernel, self._marker, group=self._group, but_itself=but_itself)

    def _watch(self) -> None:
        if not self._cancellation.wait(self._timeout_s):
            self._cancellation.ask(CancellationReason.TIMED_OUT)
        if self._done.is_set():
            return
        if self._cancellation.reason not in AT_ONCE:
            self._interrupt()
        while not self._done.wait(_AGAIN_S):
            # Repeated: a kernel that is just starting may appear after the first call.
            self._kill()

    def _interrupt(self) -> None:
        if self._ask is not None:
            # In a thread of its own: it waits for an answer, which may never arrive.
            threading.Thread(target=self._ask, name="etl-interrupt", daemon=True).start()
        elif self._kernel is not None:
            interrupt(self._kernel)
        self._wait_until(lambda: self._cancellation.reason is CancellationReason.FENCED)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for the end of the notebook for the grace period, or until the condition holds."""
        for _ in range(round(self._grace_s / _AGAIN_S)):
            if self._done.wait(_AGAIN_S) or condition():
                return
