"""Client of a process that has imported the product's commands and runs them as forks."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_ROOM_BYTES = 10_000
"""Size of its arguments and of its environment, which its forks overwrite with their own."""


class Nursery:
    """A process of `inject/chaos_nursery.py`.

    Args:
        env: Its environment, and that of all forks.
        cwd: Working directory of all forks.
    """

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        self._cwd = cwd
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos_nursery", " " * _ROOM_BYTES],
            env={**env, "CHAOS_ROOM": "." * _ROOM_BYTES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def fork(self, *words: str, out: Path, err: Path, skew_s: float = 0.0) -> Fork:
        """Start ``jupyter etl WORDS``.

        Args:
            words: Words of the command.
            out, err: Files that its output is appended to.
            skew_s: Error of its wall clock in seconds.
        """
        files = {"out": str(out), "err": str(err), "cwd": str(self._cwd)}
        return Fork(self, self._ask(words=words, skew_s=skew_s, **files))

    def end_of(self, pid: int) -> int:
        """Wait for a fork to end, and return its exit code; call this once for each."""
        return self._ask(end=pid)

    def close(self) -> None:
        """Stop the nursery; its forks continue."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, **request: object) -> int:
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps(request).encode() + b"\n")
        asked.flush()
        return int(answers.readline())


class Fork:
    """A command that was started; has the used part of the interface of `subprocess.Popen`.

    Args:
        nursery: Its parent.
        pid: Its process id.
    """

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._open = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it is running."""
        return self._poll(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code; raises TimeoutError."""
        code = self._poll(timeout)
        if code is None:
            raise TimeoutError(f"process {self.pid} did not end within {timeout} s")
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal if it is running."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM, like a user."""
        self.send_signal(signal.SIGTERM)

    def _poll(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._open], [], [], timeout)[0]:
            os.close(self._open)
            self.returncode = self._nursery.end_of(self.pid)
        return self.returncode
