"""How long it takes until a notebook has run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from figures import Figure, against, in_turn, median_of, python
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_etl.app import Etl, Settings
from jupyter_etl.model import Pipeline, RunState, Schedule, ScheduleKind

_KERNEL = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


def _notebook(folder: Path, *cells: str) -> Path:
    path = folder / "one.ipynb"
    book = new_notebook(metadata=_KERNEL, cells=[new_code_cell(cell) for cell in cells])
    nbformat.write(book, path)
    return path


def _etl(folder: Path) -> Etl:
    return Etl.open(Settings.from_env(home=str(folder / "etl"), autostart=False))


def one_run(folder: Path) -> Iterator[Figure]:
    """One run of a small notebook through the platform, against papermill."""
    import papermill

    etl = _etl(folder)
    for label, cell, goal in (
        ("one-cell notebook", "1 + 1", 1 / 12),
        ("notebook importing pandas and duckdb", "import pandas, duckdb", 1 / 15),
    ):
        path = _notebook(folder, cell)

        def ours(path: Path = path) -> None:
            assert etl.runs.run(path).state is RunState.SUCCEEDED

        def in_process(path: Path = path) -> None:
            papermill.execute_notebook(str(path), str(folder / "out.ipynb"), progress_bar=False)

        def command(path: Path = path) -> None:
            words = [sys.executable, "-m", "papermill", str(path), str(folder / "out.ipynb")]
            subprocess.run(words, check=True, capture_output=True)

        ours()
        in_process()
        peer = "papermill in-process"
        yield against(f"{label}, against {peer}", in_turn(ours, in_process, 3), goal, peer)
        peer = "the papermill command"
        goal_of_command = 1 / 35 if "one" in label else None
        found = in_turn(ours, command, 3)
        yield against(f"{label}, against {peer}", found, goal_of_command, peer)
    etl.close()


def start_up(folder: Path) -> Iterator[Figure]:
    """What an import costs."""
    env = {**os.environ, "JUPYTER_ETL_HOME": str(folder)}
    for what, code, goal in (
        ("import jupyter_etl", "import jupyter_etl", 150.0),
        (
            "%load_ext jupyter_etl, cold",
            "from IPython.core.interactiveshell import InteractiveShell as S\n"
            "s = S.instance()\nimport time\nt = time.perf_counter()\n"
            "s.run_line_magic('load_ext', 'jupyter_etl')\nprint(time.perf_counter() - t)",
            400.0,
        ),
    ):
        if "print" in code:
            times = sorted(float(python(code, folder, env).split()[-1]) for _ in range(5))
            value = times[2]
        else:
            bare = median_of(lambda: python("pass", folder, env), 5)
            value = median_of(lambda code=code: python(code, folder, env), 5) - bare
        yield Figure(what=what, value=value * 1000, unit="ms", goal=goal)


def idle_tick(folder: Path) -> Iterator[Figure]:
    """What a look at the ledger costs while nothing is due."""
    etl = _etl(folder)
    now = datetime.now(UTC)
    schedule = Schedule(kind=ScheduleKind.CRON, text="0 6 * * *", cron="0 6 * * *")
    body = etl.store.save_snapshot("{}")
    one = Pipeline(
        name="p", notebook="/p.ipynb", content_hash=body, owner="me", schedule=schedule,
        next_due=now + timedelta(hours=1),
    )  # fmt: skip
    count = 2000
    for n in range(count):
        etl.store.deploy(replace(one, name=f"p{n}", notebook=f"/p{n}.ipynb"), now=now)
    assert etl.store.load_due(now) == []
    value = median_of(lambda: etl.store.load_due(now), 200)
    etl.close()
    yield Figure(
        what=f"idle tick with {count:,} schedules, SQLite", value=value * 1000, unit="ms", goal=1.0
    )


RUNS: dict[str, Callable[[Path], Iterator[Figure]]] = {
    "one_run": one_run,
    "start_up": start_up,
    "idle_tick": idle_tick,
}
