"""The peers that execute notebooks, used as by their users."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.peers import RUNS
from bench.processes import Broken, Cost, Worker, cpu_of_all, environment, need, server, wait_for

_PATIENCE_S = 180.0
POLL_S = 0.1
"""Seconds between two polls of a server's REST API: each takes it time."""


def executed(path: Path, cells: int) -> None:
    """Raise `Broken` unless all code cells of a notebook were executed."""
    book = json.loads(path.read_text())
    counts = [cell["execution_count"] for cell in book["cells"] if cell["cell_type"] == "code"]
    need(len(counts) >= cells and None not in counts, f"{path.name} was not executed: {counts}")


def papermill_command(notebook: Path, folder: Path) -> Cost:
    """Execute a notebook with the command ``papermill``."""
    out = folder / "by-command.ipynb"
    words = [str(RUNS.command / "papermill"), "--no-progress-bar", str(notebook), str(out)]
    cpu, begun = cpu_of_all(), time.perf_counter()
    done = subprocess.run(
        words, env=RUNS.environ(environment()), capture_output=True, text=True, check=False
    )
    cost = Cost(wall_s=time.perf_counter() - begun, cpu_s=cpu_of_all() - cpu)
    need(done.returncode == 0, f"papermill: {done.stderr[-2000:]}")
    executed(out, 1)
    return cost


def papermill_in_process(live: Worker, notebook: Path, folder: Path) -> Cost:
    """Execute a notebook with ``papermill.execute_notebook`` in a process that has imported it."""
    out = folder / "in-process.ipynb"
    cost = live.do(
        "import papermill\n"
        f"papermill.execute_notebook({str(notebook)!r}, {str(out)!r}, progress_bar=False)"
    )
    executed(out, 1)
    return cost


@dataclass(frozen=True, kw_only=True)
class JupyterServer:
    """A running Jupyter server.

    Args:
        url: Root URL, with a slash.
        token: Token of its REST API.
    """

    url: str
    token: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request to its REST API; raises `Broken` if it is refused."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"token {self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as problem:
            raise Broken(f"{path}: {problem.code} {problem.read()[:2000]!r}") from None

    def answers(self, path: str) -> bool | None:
        """Return whether it responds; None if it does not yet."""
        try:
            self.ask(path)
        except (OSError, Broken):
            return None
        return True


@contextmanager
def jupyter_server(
    python: Path | str,
    folder: Path,
    *,
    env: dict[str, str],
    answers: str,
    options: Sequence[str] = (),
) -> Iterator[JupyterServer]:
    """Start ``jupyter server`` and finally stop it.

    Args:
        python: Interpreter of its environment.
        folder: Its root.
        env: Environment of its process.
        answers: A path that responds once the server is ready.
        options: Command-line options.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token, log = secrets.token_hex(16), folder / "server.log"
    words = [
        *(str(python), "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
        *options,
    ]
    private = {}
    for name in ("DATA", "CONFIG", "RUNTIME"):
        path = folder / f"jupyter-{name.lower()}"
        path.mkdir(mode=0o700)
        private[f"JUPYTER_{name}_DIR"] = str(path)
    with server(words, folder, env=env | private, log=log):
        living = JupyterServer(url=f"http://127.0.0.1:{port}/", token=token)
        wait_for("the server does not answer", lambda: living.answers(answers), seconds=60, log=log)
        yield living


@contextmanager
def jupyter_scheduler(folder: Path) -> Iterator[JupyterServer]:
    """Start a Jupyter server with jupyter-scheduler."""
    env = RUNS.environ(environment())
    with jupyter_server(RUNS.python, folder, env=env, answers="scheduler/jobs") as living:
        yield living


class JobFailed(Broken):
    """A job of jupyter-scheduler ended without success."""


def start_job(living: JupyterServer, notebook: str) -> str:
    """Post a job and return its id.

    Args:
        living: Server with jupyter-scheduler.
        notebook: Path below its root.
    """
    made = living.ask(
        "scheduler/jobs",
        {
            "name": "bench",
            "input_uri": notebook,
            "runtime_environment_name": _environment(living),
            "output_formats": ["ipynb"],
        },
    )
    return str(made["job_id"])


@cache
def _environment(living: JupyterServer) -> str:
    found = living.ask("scheduler/runtime_environments")
    return str(found[0]["name"])


def finished_job(living: JupyterServer, job: str) -> float | None:
    """Return the recorded end of a job in seconds since 1970; None before.

    Raises:
        JobFailed: It ended without completing.
    """
    found = living.ask(f"scheduler/jobs/{job}")
    # STOPPED is also the state of a job before it has begun.
    if found["status"] == "FAILED":
        raise JobFailed(f"the job failed: {found.get('status_message')}")
    return found["end_time"] / 1000 if found["status"] == "COMPLETED" else None


def job(living: JupyterServer, notebook: str, folder: Path) -> Cost:
    """Run one job; measures from the POST to its recorded end."""
    cpu, asked = cpu_of_all(), time.time()
    made = start_job(living, notebook)
    ended = wait_for(
        "the job is not completed",
        lambda: finished_job(living, made),
        seconds=_PATIENCE_S,
        every_s=POLL_S,
        log=folder / "server.log",
    )
    return Cost(wall_s=ended - asked, cpu_s=cpu_of_all() - cpu)
