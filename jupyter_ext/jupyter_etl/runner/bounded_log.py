"""Keeps the log of an attempt below a maximum size, regardless of which process writes to it.

Descriptors 1 and 2 of a runner, its kernel and all their child processes are a pipe, which a thread
of the runner copies to the log. After the runner has ended, writes to the pipe fail, so that no
process blocks forever.
"""

from __future__ import annotations

import array
import fcntl
import os
import select
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_etl.system.capped_log import LOG_BYTES, CappedLog

_CHUNK = 1 << 18
_DRAIN_S = 1.0
_current: _Copier | None = None


@contextmanager
def bounded_log(path: Path, *, limit: int = LOG_BYTES) -> Iterator[None]:
    """Redirect descriptors 1 and 2 through a pipe during the block.

    Nothing is done if they are not the log, as in a terminal.

    Args:
        limit: Largest size of the log in bytes.
    """
    global _current
    if not _is_log(path):
        yield
        return
    _current = _Copier(path, limit)
    try:
        yield
    finally:
        _current.close()
        _current = None


def drain_log() -> None:
    """Wait until earlier output is in the log, but not for a continuous flood."""
    if _current is not None:
        _current.drain()


def _is_log(path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(2), path.stat())
    except OSError:
        return False


class _Copier:
    def __init__(self, path: Path, limit: int) -> None:
        self._lock = threading.Lock()
        self._log = CappedLog(path, limit)
        self._read, write = os.pipe()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._read, False)
        _point_to(write)
        os.close(write)
        self._thread = threading.Thread(target=self._run, name="etl-log", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        until = time.monotonic() + _DRAIN_S
        while time.monotonic() < until:
            with self._lock:
                # Data that was read is written under the same lock.
                if not _waiting(self._read):
                    return
            time.sleep(0)

    def close(self) -> None:
        """Write to the log directly again; later writes of other processes fail."""
        _flush()
        os.close(self._wake)
        self._thread.join()
        _point_to(self._log.descriptor)
        self._log.close()
        for descriptor in (self._read, self._woken):
            os.close(descriptor)

    def _run(self) -> None:
        poll = select.poll()
        for descriptor in (self._read, self._woken):
            poll.register(descriptor, select.POLLIN)
        # After this process closes the pipe, only the data in it is copied.
        while (found := dict(poll.poll())) and self._woken not in found:
            self._take(_CHUNK)
        self._take(_waiting(self._read))

    def _take(self, size: int) -> None:
        with self._lock:
            try:
                piece = os.read(self._read, size)
            except BlockingIOError:
                return
            # On a full disk the log loses lines, but the run continues.
            self._log.write(piece)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def _point_to(target: int) -> None:
    _flush()
    for descriptor in (1, 2):
        os.dup2(target, descriptor)


def _waiting(pipe: int) -> int:
    """Return the number of unread bytes in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
