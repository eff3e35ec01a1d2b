"""A platform for one measurement: a home, its facade, notebooks, and a scheduler as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.processes import Broken, environment, need, server, tail, wait_for
from fakes.notebooks import write_notebook
from jupyter_etl.model import Run, RunState
from jupyter_etl.runner.kernel.kernels import DEFAULT_KERNEL
from jupyter_etl.services import Etl, Settings

_PATIENCE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A home with its facade.

    Args:
        folder: Folder of all its files.
        etl: The facade.
    """

    folder: Path
    etl: Etl

    @property
    def home(self) -> Path:
        """The platform's home."""
        return self.etl.settings.home

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        return environment(self.home, JUPYTER_ETL_LEDGER=self.etl.settings.ledger)

    def notebook(self, name: str, *cells: str, kernel: str = DEFAULT_KERNEL) -> Path:
        """Write a notebook."""
        path = self.folder / "notebooks" / f"{name}.ipynb"
        return write_notebook(path, *cells, kernel=kernel)

    def deploy(self, name: str, *cells: str, when: str = "", kernel: str = DEFAULT_KERNEL) -> str:
        """Deploy a notebook of these cells and return the name of its pipeline."""
        path = self.notebook(name, *cells, kernel=kernel)
        done = self.etl.pipelines.schedule(path, when, retries=0)
        return done.pipeline.name

    def run(self, pipeline: str) -> tuple[float, Run]:
        """Request a run from the scheduler and wait for its end.

        Returns:
            Seconds from the request to the recorded end, and the run.

        Raises:
            Broken: It did not succeed.
        """
        asked = self.etl.clock.now()
        asked_for = self.etl.runs.trigger(pipeline)
        run = self.etl.runs.wait(asked_for.id, timeout_s=_PATIENCE_S)
        self.need_success(run)
        return (ended_at(run) - asked).total_seconds(), run

    def need_success(self, run: Run) -> None:
        """Raise `Broken` if a run did not succeed."""
        need(
            run.state is RunState.SUCCEEDED,
            f"run {run.id} is {run.state}: {run.error}\n{tail(self.folder / 'up.log')}",
        )

    def ended(self, states: Sequence[RunState] = (RunState.SUCCEEDED,)) -> list[Run]:
        """Return the runs in these states."""
        return self.etl.runs.list(states=states, limit=100_000)

    @contextmanager
    def scheduler(self, *, workers: int = 2, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start ``jupyter etl up``, wait until it reports its start, and finally stop it.

        Args:
            workers: Number of simultaneous attempts.
            env: Additional variables.
        """
        words = [sys.executable, "-m", "jupyter_etl.cli", "up", "--workers", str(workers)]
        log = self.folder / "up.log"
        with server(words, self.folder, env={**self.env, **env}, log=log) as process:
            wait_for(
                "no scheduler is alive",
                lambda: self.etl.schedulers() or None,
                seconds=60,
                log=log,
            )
            yield process


@contextmanager
def platform(folder: Path, *, ledger: str = "", disk_reserve: float = 0.0) -> Iterator[Platform]:
    """Create a home in an empty folder.

    Args:
        folder: The folder.
        ledger: URL of the ledger; "" for SQLite in the home.
        disk_reserve: Percentage of the disk; an impossibly large reserve prevents a scheduler from
            starting runs that it plans.
    """
    given = environment(folder / "etl", JUPYTER_ETL_DISK_RESERVE=str(disk_reserve))
    settings = Settings.from_env(given, ledger=ledger)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(Etl.open(settings)) as etl:
        yield Platform(folder=folder, etl=etl)


def printed(platform: Platform, run: Run) -> str:
    """Return the text that the first cell with output wrote to stdout; raises `Broken`."""
    book: dict[str, Any] = json.loads(platform.etl.runs.notebook(run.id))
    for cell in book["cells"]:
        for output in cell.get("outputs", ()):
            if output.get("name") == "stdout":
                return "".join(output["text"])
    raise Broken(f"the cells of run {run.id} printed nothing")


def ended_at(run: Run) -> datetime:
    """Return the end of a run; raises `Broken`."""
    if run.finished_at is None:
        raise Broken(f"run {run.id} has no end")
    return run.finished_at
