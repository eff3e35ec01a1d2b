"""Processes of the benchmark: workers that execute code, servers, and the cost of all of them."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import psutil

_T = TypeVar("_T")
_PR_SET_CHILD_SUBREAPER = 36
_WORKER = Path(__file__).with_name("worker.py")
_SHOWN = 4000


class Broken(Exception):
    """A measurement failed, or its result was wrong."""


def need(holds: bool, what: str) -> None:
    """Raise `Broken` unless a precondition of a measurement holds."""
    if not holds:
        raise Broken(what)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a piece of code.

    Args:
        wall_s: Wall-clock seconds.
        cpu_s: Processor seconds, including children that have ended.
        peak_bytes: Peak resident memory of its process so far.
        value: The variable ``value`` of the code.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int = 0
    value: Any = None

    @property
    def peak_mb(self) -> float:
        """The peak in megabytes (10^6 bytes)."""
        return self.peak_bytes / 1e6


class Worker:
    """A running interpreter that executes code.

    Args:
        process: Process of ``worker.py``.
        log: Log of its output, except the answers.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def do(self, code: str) -> Cost:
        """Execute code and return its cost; raises `Broken` with its traceback."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps({"code": code}) + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise Broken(f"the process has ended: {tail(self._log)}") from None
        line = stdout.readline()
        if not line:
            raise Broken(f"the process ended: {tail(self._log)}")
        answer = json.loads(line)
        if "error" in answer:
            raise Broken(answer["error"].strip())
        return Cost(**answer)


@contextmanager
def worker(
    folder: Path, *, python: str | Path = sys.executable, env: Mapping[str, str] | None = None
) -> Iterator[Worker]:
    """Start a worker and finally stop it.

    Args:
        folder: Its working directory, which also has its log.
        python: The interpreter; by default this one.
        env: Its complete environment; by default `environment` without a home.
    """
    log = folder / "worker.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(python), str(_WORKER)],
            cwd=folder,
            env=dict(environment() if env is None else env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield Worker(process, log)
    finally:
        if process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            process.stdout.close()
        end(process)


@contextmanager
def server(
    words: Sequence[str | Path], folder: Path, *, env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a long-running process, and finally stop it with SIGTERM."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Wait for a process that was asked to exit; kill it and its descendants if it does not."""
    started = descendants(process.pid)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        for pid in [process.pid, *started]:
            _kill(pid)
        process.wait()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def descendants(pid: int) -> list[int]:
    """Return all descendants of a process."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def adopt_orphans() -> None:
    """Adopt detached processes, so that `cpu_of_all` includes them.

    Source:
        prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def cpu_of_all() -> float:
    """Return the processor seconds of all processes of the benchmark, running and ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + cpu_of(descendants(os.getpid()))


def cpu_of(pids: Sequence[int]) -> float:
    """Return the processor seconds of running processes and of their children that have ended."""
    total = 0.0
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


class Watch:
    """Elapsed time from now on, on a machine that may be virtual."""

    def __init__(self) -> None:
        self._begun, self._stolen = monotonic(), _stolen_s()

    @property
    def seconds(self) -> float:
        """Elapsed seconds."""
        return monotonic() - self._begun

    @property
    def steal(self) -> float:
        """Percentage of processor time that the host gave to other machines: `st` of top."""
        return 100 * (_stolen_s() - self._stolen) / (self.seconds * (os.cpu_count() or 1))


def _stolen_s() -> float:
    return float(psutil.cpu_times().steal)


def pss_of(pids: Sequence[int]) -> int:
    """Return the memory of processes in bytes; shared pages count once.

    Source:
        proc(5), ``smaps_rollup``: Pss.
    """
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(
            int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")
        )
    return total


def wait_for(
    what: str,
    look: Callable[[], _T | None],
    *,
    seconds: float,
    log: Path,
    every_s: float = 0.02,
) -> _T:
    """Poll until there is a result; raises `Broken` with the end of the log."""
    until = monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if monotonic() > until:
            raise Broken(f"{what} after {seconds:g} s: {tail(log)}")
        sleep(every_s)


def tail(log: Path) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-_SHOWN:].strip() if log.exists() else ""


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """Return an environment without settings of Jupyter or of the user's platform.

    Args:
        home: Home of the platform; None for a process without one.
        more: Additional variables.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_", "PYTHON"))}
    if home is not None:
        env |= {
            "JUPYTER_ETL_HOME": str(home),
            "JUPYTER_ETL_OWNER": "bench",
            "JUPYTER_ETL_TIMEZONE": "UTC",
            "JUPYTER_ETL_AUTOSTART": "0",
        }
    return env | more
