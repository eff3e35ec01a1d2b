"""A platform for chaos tests: a home, pipelines, schedulers, and its processes.

It is controlled from outside: by commands of the product, signals, and SQL on the ledger.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.kernel import SPEC
from chaos.nursery import Fork, Nursery
from fakes.notebooks import write_notebook
from jupyter_etl.runner.warm import prestarted_runner
from jupyter_etl.services.runs.executors import FORK_SERVER, RUNNER

INJECT = Path(__file__).parent / "inject"
TABLE, FILE = "shared.rows", "marker"
FILE_ONLY = "file"
"""The pipeline that publishes no rows."""

ROWS = 200
"""Rows that each run appends to the shared table."""

_START = """\
import time
import jupyter_etl as etl
import pyarrow as pa

run = etl.run
"""
_ROWS = f"""\
mine = {{"run": [run.id] * {ROWS}, "attempt": [run.attempt] * {ROWS}, "row": list(range({ROWS}))}}
etl.publish("{TABLE}", pa.table(mine), mode="append")
"""
_A_FILE = 'etl.publish("{name}/marker.csv", pa.table({{"run": [run.id]}}), kind="file")'


@dataclass(frozen=True, kw_only=True)
class Process:
    """A running process of a world.

    Args:
        pid: Its process id.
        role: ``scheduler``, ``fork_server``, ``runner``, ``kernel`` (including its child processes) or
            ``command``.
        command: Its command line.
    """

    pid: int
    role: str
    command: str


@dataclass
class World:
    """A home with pipelines and schedulers.

    Args:
        folder: Empty folder for all files.
        ledger: URL of the ledger; "" for SQLite in the home.
        kernel: Name of the kernelspec of the notebooks: ``chaos`` or ``python3``.
        patches: Names from `chaos.mutants`, for all of its processes.
        lease_s: Seconds without a heartbeat after which an attempt is lost.
        linger_s: Seconds that a run continues after it has published its rows.
        noticed: Errors noticed during the experiment, which count at the end.
    """

    folder: Path
    ledger: str = ""
    kernel: str = "python3"
    patches: tuple[str, ...] = ("impatient",)
    lease_s: float = 6.0
    linger_s: float = 1.0
    schedulers: dict[int, Fork] = field(default_factory=dict)
    noticed: list[str] = field(default_factory=list)
    _nursery: Nursery | None = None

    def __post_init__(self) -> None:
        spec = self.folder / "jupyter" / "kernels" / "chaos"
        spec.mkdir(parents=True)
        (spec / "kernel.json").write_text(json.dumps(SPEC))
        self.home.mkdir(mode=0o700)
        (self.folder / "tmp").mkdir()

    @property
    def home(self) -> Path:
        """The platform's home."""
        return self.folder / "etl"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return self.ledger or f"sqlite:///{self.home / 'ledger.sqlite'}"

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of its processes; `CHAOS_WORLD` identifies them."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER_", "CHAOS_"))}
        paths = filter(None, [env.get("PYTHONPATH")])
        return env | {
            "CHAOS_WORLD": str(self.folder),
            # Killed processes leave sockets and connection files.
            "TMPDIR": str(self.folder / "tmp"),
            "CHAOS_PATCHES": " ".join(self.patches),
            "PYTHONPATH": os.pathsep.join([str(INJECT), *paths]),
            "JUPYTER_PATH": str(self.folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTER_ETL_HOME": str(self.home),
            "JUPYTER_ETL_LEDGER": self.ledger_url,
            "JUPYTER_ETL_OWNER": "sam",
            "JUPYTER_ETL_TIMEZONE": "UTC",
            "JUPYTER_ETL_AUTOSTART": "0",
            "JUPYTER_ETL_POLL": "0.5",
            "JUPYTER_ETL_HEARTBEAT": str(self.lease_s / 6),
            "JUPYTER_ETL_LEASE": str(self.lease_s),
            **more,
        }

    @property
    def nursery(self) -> Nursery:
        """The process that all commands are forked from; it is started at first use."""
        if self._nursery is None:
            self._nursery = Nursery(self.environ(), self.folder)
        return self._nursery

    def call(self, *words: str, skew_s: float = 0.0, codes: tuple[int, ...] = (0,)) -> str:
        """Run one command of the product, and return its output.

        Args:
            words: The command.
            skew_s: Error of its clock in seconds.
            codes: The expected exit codes.
        """
        out, err = self.folder / "call.out", self.folder / "call.err"
        for path in (out, err):
            path.unlink(missing_ok=True)
        code = self.nursery.fork(*words, out=out, err=err, skew_s=skew_s).wait()
        if code not in codes:
            raise AssertionError(f"{words} ended with {code}: {err.read_text()}")
        return out.read_text()

    def notebook(self, name: str, *, rows: bool = True, files: bool = True) -> Path:
        """Write the notebook of a pipeline: rows for the shared table, and a file."""
        cells = [_START, *[_ROWS] * rows, *[_A_FILE.format(name=name)] * files]
        if self.linger_s:
            cells.append(f"time.sleep({self.linger_s})")
        path = self.folder / "notebooks" / f"{name}.ipynb"
        return write_notebook(path, *cells, kernel=self.kernel)

    def deploy(self, name: str, *when: str, rows: bool = True, files: bool = True) -> None:
        """Deploy a pipeline with unlimited retries, none of whose times is skipped."""
        path = self.notebook(name, rows=rows, files=files)
        options = ["--catchup", "all", "--overlap", "queue", "--retries", "1000", "--shared"]
        self.call("schedule", str(path), *when, *options)

    def start_scheduler(self, *words: str, workers: int = 2, skew_s: float = 0.0) -> int:
        """Start a scheduler and return its process id."""
        log, up = self.folder / "schedulers.log", ("up", "--workers", str(workers))
        process = self.nursery.fork(*up, *words, out=log, err=log, skew_s=skew_s)
        self.schedulers[process.pid] = process
        return process.pid

    def reap(self) -> dict[int, int]:
        """Forget the schedulers that have ended, and return their exit codes."""
        ended = {pid: one.poll() for pid, one in self.schedulers.items()}
        codes = {pid: code for pid, code in ended.items() if code is not None}
        for pid in codes:
            del self.schedulers[pid]
        return codes

    def processes(self) -> list[Process]:
        """Return the running processes of this world, which have a marker in their environment."""
        found = _marked(str(self.folder), self.schedulers)
        nursery = self._nursery.pid if self._nursery else 0
        return sorted((one for one in found if one.pid != nursery), key=lambda one: one.pid)

    def stop_schedulers(self) -> None:
        """Stop all schedulers like a user, and wait."""
        for process in self.schedulers.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.schedulers.values():
            process.wait(timeout=60)
        self.reap()

    def destroy(self) -> None:
        """Kill all running processes of this world."""
        for _ in range(20):
            living = self.processes()
            for one in living:
                _kill(one.pid)
            for process in self.schedulers.values():
                process.poll()
            if not living:
                break
            time.sleep(0.05)
        for process in self.schedulers.values():
            process.wait(timeout=60)
        self.schedulers.clear()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None


def wait_until(happens: Callable[[], bool], *, patience_s: float, step_s: float = 0.2) -> bool:
    """Wait for a condition; return whether it became true."""
    end = time.monotonic() + patience_s
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(step_s)
    return True


def _marked(folder: str, schedulers: Mapping[int, object]) -> Iterator[Process]:
    marker = f"CHAOS_WORLD={folder}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
            if marker not in variables:
                continue
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        pid, command = int(entry.name), b" ".join(words).decode(errors="replace")
        yield Process(pid=pid, role=_role(pid, variables, words, schedulers), command=command)


def _role(
    pid: int, variables: list[bytes], words: list[bytes], schedulers: Mapping[int, object]
) -> str:
    names = {one.partition(b"=")[0] for one in variables}
    if b"JUPYTER_ETL_ATTEMPT" in names:
        return "kernel"
    if RUNNER[-1].encode() in words:
        return "runner"
    # A prestarted runner for the next run, or its kernel.
    prestarted = prestarted_runner.__name__.encode() in words or b"JUPYTER_ETL_CHANNEL" in names
    if prestarted or FORK_SERVER[-1].encode() in words:
        return "fork_server"
    return "scheduler" if pid in schedulers else "command"


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
