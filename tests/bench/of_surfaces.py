"""Overhead of the surfaces: imports, magics, the gateway, the panel's REST API."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench.figures import Figure, percentile
from bench.living import platform
from bench.many import deploy_many, queue_many
from bench.notebook_peers import jupyter_server
from bench.of_data import SHELL
from bench.processes import Worker, environment, need, server, wait_for, worker
from bench.sizes import Size
from jupyter_etl.model import RunState

_CLIENTS = 4
_IMPORT = "import jupyter_etl"
_LOAD = """
from IPython.core.interactiveshell import InteractiveShell
import time
shell = InteractiveShell.instance()
begun = time.perf_counter()
shell.run_line_magic("load_ext", "jupyter_etl")
print(time.perf_counter() - begun)
assert "etl" in shell.magics_manager.magics["line"]
"""
_COMMANDS = (
    ("load", 'shell.run_line_magic("etl", "load orders -n 10")', 'etl.load("orders", limit=10)'),
    (
        "check",
        'shell.run_cell_magic("etl", "check frame", "id: unique")',
        'etl.check("frame", "id: unique")',
    ),
    ("param", 'shell.run_line_magic("etl", "param n int = 1")', 'etl.param("n int = 1")'),
)


def start_up(folder: Path, size: Size) -> Iterator[Figure]:
    """Cost of an import in a new process, and of ``%load_ext`` in a new shell."""
    env = environment(folder / "etl")

    def python(code: str) -> tuple[float, str]:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        return time.perf_counter() - begun, done.stdout

    pairs = [(python(_IMPORT)[0], python("pass")[0]) for _ in range(size.starts + 1)][1:]
    yield Figure(
        what="import jupyter_etl",
        value=statistics.median(ours - bare for ours, bare in pairs) * 1000,
        unit="ms",
        goal=150.0,
        detail=f"over {statistics.median(bare for _, bare in pairs) * 1000:.3g} ms of python",
    )
    times = [float(python(_LOAD)[1].split()[-1]) for _ in range(size.starts)]
    yield Figure(
        what="%load_ext jupyter_etl, cold",
        value=statistics.median(times) * 1000,
        unit="ms",
        goal=400.0,
    )


def magic(folder: Path, size: Size) -> Iterator[Figure]:
    """Overhead of ``%etl`` on the underlying call; the largest of three commands."""
    (folder / "orders.csv").write_text("id,amount\n" + "".join(f"{n},1.5\n" for n in range(100)))
    with platform(folder) as at, worker(folder, env=at.env) as live:
        live.do(SHELL + 'etl.source("orders", "orders.csv")\n')
        live.do('shell.user_ns["frame"] = frame = etl.load("orders")\nvalue = len(frame)')
        over = {name: _overhead(live, typed, call, size.calls) for name, typed, call in _COMMANDS}
    yield Figure(
        what="overhead of a magic over its call",
        value=max(over.values()),
        unit="ms",
        goal=20.0,
        detail=", ".join(f"{name} {ms:.2g} ms" for name, ms in over.items()),
    )


def _overhead(live: Worker, magic_call: str, call: str, times: int) -> float:
    live.do(magic_call)
    live.do(call)
    pairs = [(live.do(magic_call).wall_s, live.do(call).wall_s) for _ in range(times)]
    return statistics.median(ours - bare for ours, bare in pairs) * 1000


def serve(folder: Path, size: Size) -> Iterator[Figure]:
    """The gateway: rows of a large table, with four clients."""
    with platform(folder) as at:
        with worker(folder, env=at.env) as live:
            live.do(
                "import numpy as np, pandas as pd, jupyter_etl as etl\n"
                f"frame = pd.DataFrame({{'id': np.arange({size.rows}), 'x': 1.5}})\n"
                "etl.publish('bench.rows', frame, live=True)"
            )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = [sys.executable, "-m", "jupyter_etl.gateway", "--port", str(port)]
        log = folder / "serve.log"
        with server(words, folder, env=at.env, log=log):
            token = wait_for("the service does not answer", lambda: _token(at.home, port),
                             seconds=60, log=log)  # fmt: skip
            # The first response waits for imports.
            _ask_with_clients(port, token, replace(size, calls=1))
            times = _ask_with_clients(port, token, size)
    yield Figure(
        what=f"a page of 100 rows of {size.of_rows}, {_CLIENTS} clients, p95",
        value=percentile(times, 0.95) * 1000,
        unit="ms",
        detail=f"p50 {percentile(times, 0.5) * 1000:.3g} ms of {len(times)}",
    )


def _token(home: Path, port: int) -> str | None:
    path = home / "serve.token"
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        answers = connection.getresponse().status == 200
        connection.close()
    except OSError:
        return None
    return path.read_text().strip() if answers else None


def _ask_with_clients(port: int, token: str, size: Size) -> list[float]:
    step = max(1, size.rows // (size.calls * _CLIENTS))

    def client(number: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        head, times = {"Authorization": f"Bearer {token}"}, []
        for turn in range(size.calls):
            offset = max(0, min(size.rows - 100, step * (turn * _CLIENTS + number)))
            begun = time.perf_counter()
            connection.request("GET", f"/tables/bench.rows?limit=100&offset={offset}", headers=head)
            answer = connection.getresponse()
            rows = json.loads(answer.read()).get("rows", ())
            times.append(time.perf_counter() - begun)
            need(answer.status == 200 and len(rows) == 100, f"{answer.status}, {len(rows)} rows")
            need(rows[0][0] == offset, f"row {rows[0][0]} instead of {offset}")
        connection.close()
        return times

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return [one for many in pool.map(client, range(_CLIENTS)) for one in many]


def panel(folder: Path, size: Size) -> Iterator[Figure]:
    """Response times of the panel's REST API with much data."""
    with platform(folder) as at:
        now = at.etl.clock.now()
        names = deploy_many(
            at, size.pipelines, cron="0 6 * * *", now=now, due=now + timedelta(days=1)
        )
        queue_many(at, names, size.runs, state=RunState.SUCCEEDED)
        options = ["--ServerApp.jpserver_extensions={'jupyter_etl': True}"]
        with jupyter_server(
            sys.executable, folder, env=at.env, answers="etl/v1/summary", options=options
        ) as living:
            summary = living.ask("etl/v1/summary")
            need(summary["pipelines"] == size.pipelines, f"the summary says {summary}")
            for what, path, many in (
                ("summary", "summary", None),
                ("pipelines, first page", "pipelines?limit=100", min(100, size.pipelines)),
                ("runs, first page", "runs?limit=100", min(100, size.runs)),
                ("runs, a page in the middle", f"runs?limit=100&offset={size.runs // 2}", 100),
            ):
                times = []
                for _ in range(size.calls):
                    begun = time.perf_counter()
                    answer = living.ask(f"etl/v1/{path}")
                    times.append((time.perf_counter() - begun) * 1000)
                    found = many if many is None else len(answer["items"])
                    need(found == many, f"{path} has {found} items")
                yield _answer_time(what, times)


def _answer_time(what: str, times: Sequence[float]) -> Figure:
    return Figure(
        what=f"panel's REST: {what}",
        value=percentile(times, 0.95),
        unit="ms",
        detail=f"p95 of {len(times)}, p50 {percentile(times, 0.5):.3g} ms",
    )


MEASURES = {"start_up": start_up, "magic": magic, "serve": serve, "panel": panel}
