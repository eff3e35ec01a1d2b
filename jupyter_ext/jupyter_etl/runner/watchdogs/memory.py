"""Watches the memory of a kernel and its processes, and stops the attempt at its limit."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil

from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason
from jupyter_etl.system.cgroups import pids_in
from jupyter_etl.system.processes import (
    Marker,
    carriers,
    kill_tree,
    members,
    orphans,
    process_of,
    reap,
    resident_bytes,
    used_bytes,
)

_FIRST_S = 0.05
"""Seconds until the first sample: meanwhile the runner is starting, and the kernel is idle."""

_SAMPLE_S = 0.2
_NEAR_S = 0.1
_ESCAPED_EVERY = 20
_SHARE = 10


class MemoryWatch:
    """Samples the memory of an attempt's processes in a thread of its own.

    Shared pages count once, and mapped files do not count: forty workers forked from a process with
    a frame of one gigabyte use one gigabyte.

    Args:
        cancellation: Set to ``out_of_memory`` at the limit.
        limit_bytes: Memory limit of the kernel and its processes; None for no limit.
        marker: Identifies processes that left the kernel's tree and session.
        group: The control group of the kernel's processes; None if they have none.
    """

    def __init__(
        self,
        cancellation: Cancellation,
        *,
        limit_bytes: int | None,
        marker: Marker,
        group: Path | None = None,
    ) -> None:
        self._cancellation = cancellation
        self._limit = limit_bytes
        self._marker = marker
        self._group = group
        self._done = threading.Event()
        self._kernel: psutil.Process | None = None
        self._escaped: set[int] = set()
        self._orphans: set[int] = set()
        self._resident = 0
        self._measure_again_at = 0.0
        self._thread = threading.Thread(
            target=cancellation.guarding(self._run), name="etl-memory", daemon=True
        )
        self.peak_bytes = 0
        self.kernel_peak_bytes = 0

    @property
    def verdict(self) -> str:
        """``2.1 GB used, the limit is 2 GB``; "" if there is no limit."""
        if self._limit is None:
            return ""
        return (
            f"{rounded_size(self.kernel_peak_bytes)} used, the limit is {rounded_size(self._limit)}"
        )

    def kernel_started(self, pid: int) -> None:
        """Set the process to watch."""
        self._kernel = process_of(pid)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        number, wait_s = 0, _FIRST_S
        while not self._done.wait(wait_s):
            self._sample(number)
            number += 1
            near = self._limit is not None and 2 * self._resident > self._limit
            wait_s = _NEAR_S if near else _SAMPLE_S

    def _sample(self, number: int) -> None:
        if self._kernel is not None and number % _ESCAPED_EVERY == 0:
            # Those of earlier samples only: the runner reaps its own children within seconds.
            reap(self._orphans)
            self._orphans = orphans((self._kernel.pid,))
            self._escaped = carriers(self._marker) | self._orphans | pids_in(self._group)
        pids = members(self._kernel) | self._escaped
        self._resident = resident = resident_bytes(pids)
        self.peak_bytes = max(self.peak_bytes, resident + resident_bytes([os.getpid()]))
        if self._limit is None or resident < self._limit:
            self.kernel_peak_bytes = max(self.kernel_peak_bytes, resident)
        elif time.monotonic() >= self._measure_again_at:
            self._measure_exactly(pids, self._limit)

    def _measure_exactly(self, pids: set[int], limit: int) -> None:
        began = time.monotonic()
        used = used_bytes(pids)
        ended = time.monotonic()
        # Walking the page tables of a large notebook that may continue must not become its main
        # cost.
        self._measure_again_at = ended + _SHARE * (ended - began)
        self.kernel_peak_bytes = max(self.kernel_peak_bytes, used)
        if used >= limit:
            self._cancellation.ask(CancellationReason.OUT_OF_MEMORY, self.verdict)
            # Repeated here: the guard may be waiting for the answer to an interrupt.
            kill_tree(self._kernel, self._marker, group=self._group)
