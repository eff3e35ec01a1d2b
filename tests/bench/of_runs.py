"""Latency, throughput and idle cost of runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

from bench.figures import Figure, against, in_turn, percentile
from bench.living import Platform, ended_at, platform, printed
from bench.notebook_peers import (
    POLL_S,
    JobFailed,
    JupyterServer,
    finished_job,
    job,
    jupyter_scheduler,
    papermill_command,
    papermill_in_process,
    start_job,
)
from bench.peers import RUNS
from bench.processes import (
    Cost,
    Worker,
    cpu_of_all,
    descendants,
    environment,
    need,
    pss_of,
    wait_for,
    worker,
)
from bench.sizes import Size
from fakes.notebooks import write_notebook
from jupyter_etl.model import Run, RunState
from jupyter_etl.runner.kernel.kernels import DEFAULT_KERNEL

_WORKERS = 2
_REST_S = 2.0
"""Seconds after a run within which the next runner is prestarted."""
_MANY_A_SECOND = 20
"""Runs that are queued for each second of a window: more than can be executed in it."""
_INSTALLED = "installed"
"""Name of a kernel that was installed with ``python -m ipykernel install``."""
_KINDS = (
    ("one-cell notebook", "1 + 1", DEFAULT_KERNEL, 1 / 12, 1 / 35),
    ("one-cell notebook, kernel as ipykernel installs it", "1 + 1", _INSTALLED, 1 / 12, 1 / 35),
    ("notebook importing pandas and duckdb", "import pandas, duckdb", DEFAULT_KERNEL, 1 / 15, None),
)


def run(folder: Path, size: Size) -> Iterator[Figure]:
    """One run by a running scheduler, from the request to its end, compared with papermill."""
    with ExitStack() as stack:
        at = stack.enter_context(platform(folder))
        path = {"JUPYTER_PATH": _install_kernel(folder / "kernels")}
        stack.enter_context(patch.dict(os.environ, path))
        names = [
            at.deploy(f"n{n}", cell, kernel=kernel)
            for n, (_, cell, kernel, *_) in enumerate(_KINDS)
        ]
        stack.enter_context(at.scheduler(workers=_WORKERS, **path))
        env = RUNS.environ(environment())
        live = stack.enter_context(worker(folder, python=RUNS.python, env=env))
        for name, (what, cell, _, in_process, command) in zip(names, _KINDS, strict=True):
            peers = write_notebook(folder / "peers" / f"{name}.ipynb", cell)
            yield from _one_kind(at, live, name, peers, what, (in_process, command), size)
        yield _end_of_cold_run(at, size)


def _end_of_cold_run(at: Platform, size: Size) -> Figure:
    """Measure from the end of the last cell to that of the run, which follows the kernel's."""
    path = at.notebook("cold", "1 + 1")
    seconds = []
    for _ in range(size.cold):
        run = at.etl.runs.run(path, cold=True)
        at.need_success(run)
        book = json.loads(at.etl.runs.notebook(run.id))
        cell_end = datetime.fromisoformat(book["cells"][-1]["metadata"]["papermill"]["end_time"])
        seconds.append((ended_at(run) - cell_end.replace(tzinfo=UTC)).total_seconds())
    return Figure(
        what="end of a cold run after its last cell, p99",
        value=percentile(seconds, 0.99),
        unit="s",
        goal=0.3,
        detail=f"{len(seconds)} runs, p50 {percentile(seconds, 0.5):.3g} s",
    )


def _install_kernel(prefix: Path) -> str:
    """Install a kernel of this environment; return the folder in which Jupyter finds it."""
    words = ["-m", "ipykernel", "install", "--prefix", str(prefix), "--name", _INSTALLED]
    subprocess.run([sys.executable, *words], env=environment(), capture_output=True, check=True)
    return str(prefix / "share" / "jupyter")


def _one_kind(
    at: Platform,
    live: Worker,
    name: str,
    path: Path,
    what: str,
    goals: tuple[float, float | None],
    size: Size,
) -> Iterator[Figure]:
    made: list[Run] = []

    def ours() -> Cost:
        return _cost_of_run(at, name, made)

    # The first of each is slower: it fills preloaded modules and the disk cache.
    ours()
    papermill_in_process(live, path, at.folder)
    found = in_turn(ours, lambda: papermill_in_process(live, path, at.folder), size.pairs)
    yield against(f"{what}, to papermill in-process", found, "papermill in-process", goals[0])
    yield Figure(
        what=f"{what}, CPU, to papermill in-process",
        value=found.cpu,
        unit="x",
        detail=_warmth(at, made[1:]),
    )
    found = in_turn(ours, lambda: papermill_command(path, at.folder), size.pairs)
    yield against(f"{what}, to the papermill command", found, "the papermill command", goals[1])


def _cost_of_run(at: Platform, name: str, made: list[Run]) -> Cost:
    cpu = cpu_of_all()
    wall_s, run = at.run(name)
    made.append(run)
    # The runner that is prestarted now must not affect the next measurement.
    at.etl.clock.wait(_REST_S)
    return Cost(wall_s=wall_s, cpu_s=cpu_of_all() - cpu)


def _warmth(at: Platform, runs: Sequence[Run]) -> str:
    """Return how many runs had a warm kernel, and why the others had none."""
    said = [e for run in runs for e in at.etl.runs.events(run.id) if e["kind"] == "kernel"]
    cold = sorted({str(event["why"]) for event in said if not event["warm"]})
    warm = sum(bool(event["warm"]) for event in said)
    return "; ".join([f"{warm} of {len(runs)} kernels were warm", *cold])


def jobs(folder: Path, size: Size) -> Iterator[Figure]:
    """One run, compared with one job of jupyter-scheduler on a running server."""
    with ExitStack() as stack:
        at = stack.enter_context(platform(folder))
        name = at.deploy("n0", "1 + 1")
        stack.enter_context(at.scheduler(workers=_WORKERS))
        peer = stack.enter_context(jupyter_scheduler(_root(folder)))

        made: list[Run] = []

        def ours() -> Cost:
            return _cost_of_run(at, name, made)

        def theirs() -> Cost:
            return job(peer, "one.ipynb", folder / "peer")

        ours()
        theirs()
        found = in_turn(ours, theirs, max(1, size.pairs // 2))
        warmth = _warmth(at, made[1:])
    figure = against("one-cell notebook, to jupyter-scheduler", found, "jupyter-scheduler", None)
    yield replace(figure, detail=f"{figure.detail}; {warmth}")


def throughput(folder: Path, size: Size) -> Iterator[Figure]:
    """Runs per minute that do nothing, two at once, compared with jupyter-scheduler."""
    with platform(folder) as at:
        name = at.deploy("n0", "1 + 1")
        with at.scheduler(workers=_WORKERS):
            at.run(name)
            ours = _runs_a_minute(at, name, size)
    with jupyter_scheduler(_root(folder)) as peer:
        job(peer, "one.ipynb", folder / "peer")
        theirs, failed = _jobs_a_minute(peer, folder, size)
    without = f", {failed} more failed" if failed else ""
    yield Figure(
        what="no-op runs a minute, to jupyter-scheduler",
        value=ours / theirs,
        unit="x",
        goal=10.0,
        at_least=True,
        detail=f"{ours:.3g} against {theirs:.3g} a minute, two at once{without}",
    )
    yield Figure(what="no-op runs a minute", value=ours, unit="/min")


def _runs_a_minute(at: Platform, name: str, size: Size) -> float:
    """Queue many runs, and count those that end within the window."""
    before = at.etl.runs.count(states=[RunState.SUCCEEDED])
    many = round(_MANY_A_SECOND * size.window_s) + 2 * _WORKERS
    made = [at.etl.runs.trigger(name).id for _ in range(many)]
    wait_for(
        "no two runs ended",
        lambda: at.etl.runs.count(states=[RunState.SUCCEEDED]) >= before + _WORKERS or None,
        seconds=120,
        every_s=0.1,
        log=at.folder / "up.log",
    )
    begun = at.etl.clock.now()
    at.etl.clock.wait(size.window_s)
    end = at.etl.clock.now()
    left = at.etl.runs.count(states=[RunState.QUEUED])
    need(left > 0, f"all of {many} runs ended within the window")
    for run in at.ended([RunState.FAILED]):
        at.need_success(run)
    instants = [one.finished_at for one in at.ended() if one.id in set(made)]
    inside = [one for one in instants if one is not None and begun < one <= end]
    need(bool(inside), "no run ended within the window")
    return 60 * len(inside) / (end - begun).total_seconds()


def _jobs_a_minute(peer: JupyterServer, folder: Path, size: Size) -> tuple[float, int]:
    """Keep two jobs active until the window is over.

    Returns:
        The completed jobs per minute, and the number of failed ones.
    """
    begun = time.time()
    failed: list[JobFailed] = []

    def client(_number: int) -> list[float]:
        ended: list[float] = []
        while time.time() < begun + size.window_s:
            look = partial(finished_job, peer, start_job(peer, "one.ipynb"))
            log = folder / "peer" / "server.log"
            try:
                ended.append(
                    wait_for("a job is not completed", look, seconds=180, every_s=POLL_S, log=log)
                )
            except JobFailed as problem:
                failed.append(problem)
        return ended

    with ThreadPoolExecutor(_WORKERS) as pool:
        ended = [at for many in pool.map(client, range(_WORKERS)) for at in many]
    need(len(failed) <= len(ended) / 10, f"{len(failed)} jobs failed: {failed[:1]}")
    return 60 * len(ended) / (max(ended) - begun), len(failed)


def _root(folder: Path) -> Path:
    write_notebook(folder / "peer" / "one.ipynb", "1 + 1")
    return folder / "peer"


def latency(folder: Path, size: Size) -> Iterator[Figure]:
    """From the time a schedule is due to the first statement of its first cell."""
    with platform(folder) as at:
        at.deploy("fires", "import time\nprint(time.time())", when="every 2s")
        with at.scheduler(workers=_WORKERS):
            wait_for(
                f"fewer than {size.fires} runs ended",
                lambda: at.etl.runs.count(states=[RunState.SUCCEEDED]) >= size.fires + 1 or None,
                seconds=30 + size.fires * 6,
                every_s=1.0,
                log=at.folder / "up.log",
            )
        # The first one finds no warm runner.
        found = sorted(at.ended(), key=lambda run: run.id)[1:]
        late = [(float(printed(at, run)) - run.new.due_at.timestamp()) * 1000 for run in found]
    need(min(late) >= 0, f"a cell ran {-min(late):.3g} ms before it was due")
    detail = f"{len(late)} runs, the worst {max(late):.3g} ms"
    for share, name, goal in ((0.5, "p50", 150.0), (0.99, "p99", 500.0)):
        yield Figure(
            what=f"due to first cell running, idle, {name}",
            value=percentile(late, share),
            unit="ms",
            goal=goal,
            detail=detail,
        )


def prestart_s(size: Size) -> int:
    """Return the seconds after a run during which a prestarted runner is kept."""
    return round(2 * size.rest_s + _REST_S)


def rest(folder: Path, size: Size) -> Iterator[Figure]:
    """Cost of an idle scheduler after some runs."""
    ready_s = prestart_s(size)
    with platform(folder) as at:
        name = at.deploy("n0", "1 + 1")
        with at.scheduler(workers=_WORKERS, JUPYTER_ETL_PRESTART=str(ready_s)):
            at.run(name)
            at.etl.clock.wait(min(5.0, size.rest_s))
            # All descendants of this process, including a fork server that detached itself.
            cpu, begun = cpu_of_all(), time.perf_counter()
            at.etl.clock.wait(size.rest_s)
            used, passed = cpu_of_all() - cpu, time.perf_counter() - begun
            ready = descendants(os.getpid())
            with_runner = pss_of(ready)
            family = wait_for(
                "the ready runner stays",
                lambda: _fewer_than(len(ready)),
                seconds=ready_s + 60,
                every_s=0.5,
                log=at.folder / "up.log",
            )
            memory = pss_of(family)
    yield Figure(
        what="idle scheduler, share of a core",
        value=100 * used / passed,
        unit="%",
        goal=1.0,
        detail=f"{used:.2g} CPU s in {passed:.3g} s, {len(ready)} processes",
    )
    yield Figure(
        what="idle scheduler, memory with its fork server",
        value=memory / 1e6,
        unit="MB",
        goal=150.0,
        detail=f"PSS of {len(family)} processes, without a prestarted runner",
    )
    yield Figure(
        what="the same, with a prestarted runner and its kernel",
        value=with_runner / 1e6,
        unit="MB",
        detail=f"PSS of {len(ready)} processes, in the ten minutes after a run",
    )


def _fewer_than(processes: int) -> list[int] | None:
    family = descendants(os.getpid())
    return family if len(family) < processes else None


MEASURES = {"run": run, "jobs": jobs, "throughput": throughput, "latency": latency, "rest": rest}
