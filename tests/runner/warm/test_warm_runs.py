"""Runs whose processes are forks of the fork server: nothing of one can be seen by the next."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from fakes.notebooks import write_notebook
from fakes.patience import until
from fakes.warm_runs import run
from jupyter_etl.model import RunState
from jupyter_etl.runner.warm import prestarted_runner
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import Settings

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux"),
]


SEE = """
import gc, json, os, random, signal, sys, tempfile, threading
import numpy
seen = {
    "names": sorted(name for name in globals() if name.startswith("left")),
    "modules": sorted(name for name in sys.modules if name.startswith("left")),
    "path": [path for path in sys.path if "left" in path],
    "env": {name: value for name, value in os.environ.items() if name.startswith("LEFT")},
    "cwd": os.getcwd(),
    "files": sorted(
        os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    ),
    "temporary": tempfile.gettempdir(),
    "handlers": [str(signal.getsignal(number)) for number in (signal.SIGUSR1, signal.SIGTERM)],
    "umask": os.umask(0o022),
    "threads": sorted(t.name.rstrip("0123456789") for t in threading.enumerate()),
    "argv": sys.argv[:2],
    "main": sorted(vars(sys.modules["__main__"]).get("left", "")),
    "decimal": __import__("decimal").getcontext().prec,
    "switch": sys.getswitchinterval(),
    "recursion": sys.getrecursionlimit(),
    "garbage": gc.isenabled(),
    "ipython": {
        "names": sorted(globals()),
        "cells": [len(In), len(Out), get_ipython().execution_count],
        "history": [list(one) for one in get_ipython().history_manager.get_tail(9, raw=False)],
        "last": str(get_ipython().last_execution_result),
        "before": str(get_ipython().last_execution_succeeded),
    },
    "numpy": numpy.geterr()["divide"],
    "pandas": __import__("pandas").get_option("display.max_rows"),
}
os.umask(seen["umask"])
random_numbers = [random.random(), float(numpy.random.rand()), os.urandom(4).hex()]
print(json.dumps([seen, random_numbers]))
"""

LEAVE = """
import decimal, gc, os, random, signal, sys, tempfile, threading, types
import numpy, pandas
left = ["a value"]
left_frame = pandas.DataFrame({"a": [1]})
sys.modules["left_module"] = types.ModuleType("left_module")
sys.path.insert(0, "/left/behind")
os.environ["LEFT"] = "here"
os.chdir("/")
opened = open(os.path.join(tempfile.gettempdir(), "left-open"), "w")
tempfile.tempdir = "/"
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.umask(0o777)
threading.Thread(target=__import__("time").sleep, args=(60,), name="left", daemon=True).start()
random.seed(1)
numpy.random.seed(1)
numpy.seterr(divide="raise")
pandas.set_option("display.max_rows", 7)
decimal.getcontext().prec = 3
sys.setswitchinterval(0.5)
sys.setrecursionlimit(777)
gc.disable()
"""

LIBRARIES = """
import threading, ssl
import duckdb, matplotlib, numpy, pandas, pyarrow, pyarrow.parquet
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.savefig("plot.png")
frame = pandas.DataFrame({"a": numpy.arange(200_000)})
frame.to_parquet("a.parquet")
assert pyarrow.parquet.read_table("a.parquet").num_rows == 200_000
assert duckdb.sql("select sum(a) from 'a.parquet'").fetchall()[0][0] == 19999900000
assert duckdb.sql("select count(*) from frame").fetchall()[0][0] == 200_000
square = numpy.random.rand(400, 400)
assert numpy.allclose(square @ numpy.linalg.inv(square), numpy.eye(400), atol=1e-4)
from sklearn.ensemble import RandomForestClassifier
forest = RandomForestClassifier(n_estimators=8, n_jobs=2).fit(frame[:500], frame.a[:500] % 2)
assert forest.predict(frame[:4]).shape == (4,)
import multiprocessing
with multiprocessing.Pool(2) as pool:
    assert pool.map(abs, [-1, -2, -3]) == [1, 2, 3]
print("all work")
"""


def test_nothing_of_one_run_can_be_seen_by_the_next(etl: Etl, here: Path) -> None:
    look = write_notebook(here / "look.ipynb", SEE)
    leave = write_notebook(here / "leave.ipynb", SEE, LEAVE)
    first, printed, how = run(etl, look)
    assert how["warm"] is True
    before, random_before = json.loads(printed)
    assert before["cwd"] == str(here)
    between, _, how = run(etl, leave)
    assert (between.state, how["warm"]) == (RunState.SUCCEEDED, True)
    last, printed, how = run(etl, look)
    assert (first.state, last.state, how["warm"]) == (RunState.SUCCEEDED, RunState.SUCCEEDED, True)
    after, random_after = json.loads(printed)
    for seen in (before, after):
        # Sockets and folders carry numbers of their own; no file of the other run is among them.
        seen["files"] = [name for name in seen["files"] if not name.startswith(("socket:", "anon"))]
        seen["files"] = sorted(Path(name).name for name in seen["files"] if "pipe:" not in name)
        seen["argv"] = [Path(seen["argv"][0]).name, seen["argv"][1]]
    assert after == before
    assert not set(random_before) & set(random_after)


def test_a_warm_kernel_gets_the_same_facts_as_a_cold_one(etl: Etl, here: Path) -> None:
    look = write_notebook(here / "look.ipynb", SEE)
    run(etl, look)
    ready = until("a runner that has warmed up", rested)
    (made, warm, how), (_, cold, why) = run(etl, look), run(etl, look, cold=True)
    assert etl.runs.events(made.id)[0]["pid"] == ready
    assert how == {**how, "warm": True, "why": ""}
    assert why == {**why, "warm": False, "why": "the pipeline asks for a cold start"}
    seen_warm, seen_cold = json.loads(warm)[0], json.loads(cold)[0]
    for seen in (seen_warm, seen_cold):
        del seen["files"]
    assert seen_warm == seen_cold


def test_a_warm_kernel_ends_a_run_by_exit_as_a_cold_one_does(etl: Etl, here: Path) -> None:
    leave = write_notebook(
        here / "leave.ipynb", "print('before')\nexit()\nprint('after')", "print('behind')"
    )
    reported = []
    for cold in (False, True):
        made, printed, how = run(etl, leave, cold=cold)
        assert (made.state, printed, how["warm"]) == (RunState.SUCCEEDED, "before\n", not cold)
        reported.append([e["message"] for e in etl.runs.events(made.id) if e["kind"] == "log"])
    assert reported[0] == reported[1]
    assert "ended the run in cell 1 with exit()" in reported[0][0]


def rested() -> int | None:
    """Return the process id of a runner that waits and has nothing left to do."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if prestarted_runner.__name__ in process.cmdline():
                before = process.cpu_times()
                time.sleep(0.5)
                return process.pid if process.cpu_times() == before else None
    return None


def test_libraries_that_start_threads_work_in_a_fork(etl: Etl, here: Path) -> None:
    made, printed, how = run(etl, write_notebook(here / "libraries.ipynb", LIBRARIES))
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    assert printed == "all work\n"
    assert how["warm"] is True


def test_requests_over_tls_work_in_a_fork(
    etl: Etl, here: Path, https: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = https.split()
    fetch = f"import requests\nprint(requests.get({url!r}, verify={authority!r}).text)"
    for _ in range(2):
        made, printed, how = run(etl, write_notebook(here / "fetch.ipynb", fetch))
        assert (made.state, printed, how["warm"]) == (RunState.SUCCEEDED, "served\n", True)


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """Serve one word over TLS; return the address and the file of who vouches for it."""
    import http.server
    import ssl
    import threading

    import trustme

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"served")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"https://localhost:{server.server_address[1]} {tmp_path / 'authority.pem'}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_code_that_a_user_has_kernels_start_with_is_not_executed_ahead_of_the_run(
    etl: Etl, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "when.py").write_text("import time\nstarted_at = time.time()\n")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    path = write_notebook(here / "when.ipynb", "print(started_at)")
    run(etl, path)
    # Long enough for the next runner to be ready.
    time.sleep(1.0)
    asked_at = time.time()
    _, printed, how = run(etl, path)
    assert how["warm"] is True
    assert float(printed) >= asked_at


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda spec: {**spec, "env": {"PYTHONHASHSEED": "7"}}, "sets PYTHONHASHSEED"),
        (lambda spec: {**spec, "argv": [spec["argv"][0], "-B", *spec["argv"][1:]]}, "option -B"),
    ],
)
def test_a_kernel_that_is_not_the_same_starts_cold(
    etl: Etl, here: Path, change: Callable[[dict[str, object]], dict[str, object]], why: str
) -> None:
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = change({"argv": argv, "display_name": "Other", "language": "python"})
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / "other"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    path = write_notebook(here / "other.ipynb", "print(1)", kernel="other")
    made, printed, how = run(etl, path)
    assert (made.state, printed, how["warm"]) == (RunState.SUCCEEDED, "1\n", False)
    assert why in str(how["why"])


def test_a_kernel_as_ipykernel_installs_it_is_warm(
    etl: Etl, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An interpreter of the same environment, with the option that ipykernel writes.
    (tmp_path / "linked").symlink_to(Path(sys.executable).parent.parent)
    python = tmp_path / "linked" / "bin" / "python3"
    argv = [str(python), "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f"]
    spec = {"argv": [*argv, "{connection_file}"], "display_name": "Mine", "language": "python"}
    folder = tmp_path / "jupyter" / "kernels" / "mine"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec | {"metadata": {"debugger": True}}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    path = write_notebook(here / "mine.ipynb", "print(6 * 7)", kernel="mine")
    _, printed, how = run(etl, path)
    assert printed.strip() == "42"
    assert how == {**how, "warm": True, "why": ""}


def test_switched_off_for_all(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_WARM", "0")
    etl = Etl.open(Settings.from_env())
    made, printed, how = run(etl, write_notebook(here / "a.ipynb", "print(1)"))
    etl.close()
    assert (made.state, printed) == (RunState.SUCCEEDED, "1\n")
    assert how == {**how, "warm": False, "why": "warm starts are switched off"}
