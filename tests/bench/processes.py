"""Processes of the benchmark: workers that execute code, servers, and what all of them cost."""

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
    """A measure could not be taken, or its result was not what it should be."""


def need(holds: bool, what: str) -> None:
    """Raise `Broken` where something that a measure relies on does not hold."""
    if not holds:
        raise Broken(what)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a piece of code took.

    Args:
        wall_s: By the clock.
        cpu_s: Of the processor, with its children that have ended.
        peak_bytes: Largest resident memory of its process so far.
        value: What the code left in the variable ``value``.
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
    """A living interpreter that executes code.

    Args:
        process: Of ``worker.py``.
        log: Where it writes what is no answer.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def do(self, code: str) -> Cost:
        """Execute code and return what it cost; raises `Broken` with its traceback."""
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
    """Start a worker and end it again.

    Args:
        folder: Its working directory; its log lies there too.
        python: The interpreter; by default this one.
        env: All of its environment; by default `environment` without a home.
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
    """Start a process that stays, and end it with SIGTERM."""
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
    """Wait for a process that was told to end; kill it and all it started if it does not."""
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
    """Return the processes that a process started, and those that they did."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def adopt_orphans() -> None:
    """Become the parent of what detaches itself, so that `cpu_of_all` sees it as well.

    Source:
        prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def cpu_of_all() -> float:
    """Return the processor seconds of all that the benchmark started, living and ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + cpu_of(descendants(os.getpid()))


def cpu_of(pids: Sequence[int]) -> float:
    """Return the processor seconds of living processes and of their children that have ended."""
    total = 0.0
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


class Watch:
    """What passes from now on, on a machine that may be a guest of another."""

    def __init__(self) -> None:
        self._begun, self._stolen = monotonic(), _stolen_s()

    @property
    def seconds(self) -> float:
        """Since then."""
        return monotonic() - self._begun

    @property
    def steal(self) -> float:
        """Percent of the processors' time that the host gave to others: `st` of top."""
        return 100 * (_stolen_s() - self._stolen) / (self.seconds * (os.cpu_count() or 1))


def _stolen_s() -> float:
    return float(psutil.cpu_times().steal)


def pss_of(pids: Sequence[int]) -> int:
    """Return the memory of processes, what they share counted once, in bytes.

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
    """Look again and again until there is an answer; raises `Broken` with the end of the log."""
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
    """Return an environment without anything of Jupyter's or the user's platform.

    Args:
        home: Of the platform; None for a process that has nothing to do with it.
        more: Variables on top.
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
