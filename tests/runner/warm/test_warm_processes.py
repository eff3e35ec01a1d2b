"""Processes, files and logs of forked runners end, or stay bounded, with their runs."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

import psutil
import pytest

from fakes.notebooks import write_notebook
from fakes.patience import until
from fakes.warm_runs import is_alive, living_commands, run
from jupyter_etl.model import RunState
from jupyter_etl.runner.warm import prestarted_runner
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.runs.executors import RUNNER

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux"),
]


def test_the_kernel_of_a_killed_runner_dies_and_carries_its_mark(etl: Etl, here: Path) -> None:
    (here / "kill.py").write_text("")
    kill = (
        "import os, signal\n"
        "open('kernel', 'w').write(str(os.getpid()))\n"
        "open('environ', 'w').write(open('/proc/self/environ').read().strip(chr(0)))\n"
        "os.kill(os.getppid(), signal.SIGKILL)\n"
        "import time; time.sleep(60)"
    )
    path = write_notebook(here / "kill.ipynb", kill)
    made = etl.runs.run(path)
    assert made.state is RunState.FAILED
    assert "ended by SIGKILL before it could report" in made.error
    kernel = int((here / "kernel").read_text())
    until("the kernel's end", lambda: not is_alive(kernel))
    marked = (here / "environ").read_text()
    names = {line.partition("=")[0] for line in marked.split("\0")}
    assert {"JUPYTER_ETL_ATTEMPT", "JUPYTER_ETL_CHANNEL", "HOME"} <= names
    assert "JUPYTER_ETL_LEDGER" not in names


ESCAPE = """
import os, subprocess, sys, time
code = "import os, sys, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
code += "open(sys.argv[1], 'w').write(str(os.getpid())); os.closerange(0, 99); time.sleep(1000)"
subprocess.run([sys.executable, "-c", code, "escaped"], env={}, start_new_session=True)
while not (os.path.exists("escaped") and open("escaped").read()): time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("then", "cold", "state"),
    [
        ("", False, RunState.SUCCEEDED),
        ("", True, RunState.SUCCEEDED),
        ("1 / 0", False, RunState.FAILED),
        ("time.sleep(1000)", False, RunState.FAILED),
        ("os.kill(os.getppid(), 9); time.sleep(1000)", False, RunState.FAILED),
    ],
)
def test_a_process_without_environment_and_parents_ends_with_the_attempt(
    etl: Etl, here: Path, then: str, cold: bool, state: RunState
) -> None:
    path = write_notebook(here / "escape.ipynb", ESCAPE, then)
    made = etl.runs.run(path, cold=cold, timeout_s=4.0 if "sleep" in then else 60.0)
    assert made.state is state
    escaped = int((here / "escaped").read_text())
    until("the end of what has escaped", lambda: not is_alive(escaped))


def test_a_run_ends_after_the_last_word_of_its_kernel(etl: Etl, here: Path) -> None:
    hold = (
        "import atexit, fcntl, time\n"
        "held = open('held', 'w')\n"
        "fcntl.flock(held, fcntl.LOCK_EX)\n"
        "atexit.register(lambda: (time.sleep(0.2), open('last', 'w').write('word')))"
    )
    made, _, how = run(etl, write_notebook(here / "hold.ipynb", hold))
    assert (made.state, how["warm"]) == (RunState.SUCCEEDED, True)
    assert (here / "last").read_text() == "word"
    with (here / "held").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_kernel_that_closes_all_its_files_does_not_outlive_its_runner(
    etl: Etl, here: Path
) -> None:
    close = "import os\nopen('kernel', 'w').write(str(os.getpid()))\nos.closerange(3, 1000)"
    run(etl, write_notebook(here / "close.ipynb", close))
    kernel = int((here / "kernel").read_text())
    until("the kernel's end", lambda: not is_alive(kernel))


def test_many_runs_leave_nothing_behind(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "small.ipynb", "1")
    me = psutil.Process()
    run(etl, path)
    until("a rest", lambda: runner_roles(me) == ["prestarted"])
    before = me.num_fds(), len(living_commands(me))
    for _ in range(5):
        assert run(etl, path)[2]["warm"] is True
    until("the last runner's end", lambda: runner_roles(me) == ["prestarted"])
    assert (me.num_fds(), len(living_commands(me))) == before


def runner_roles(process: psutil.Process) -> list[str]:
    """Return "runner" for each runner with a run, and "prestarted" for each that waits for one."""
    roles = {RUNNER[-1]: "runner", prestarted_runner.__name__: "prestarted"}
    words = [word for child in living_commands(process) for word in child]
    return [roles[word] for word in words if word in roles]


@pytest.mark.parametrize("cold", [False, True])
def test_the_log_of_a_run_stays_small_whoever_writes_to_it(
    etl: Etl, here: Path, cold: bool
) -> None:
    flood = (
        "import os, subprocess\n"
        "for _ in range(300): os.write(2, b'x' * 99_999 + b'\\n')\n"
        "subprocess.run(['head', '-c', '30000000', '/dev/zero'])"
    )
    made, _, _ = run(etl, write_notebook(here / "flood.ipynb", flood), cold=cold)
    assert made.state is RunState.SUCCEEDED
    log = etl.settings.home / "runs" / f"{made.id:08d}" / "1" / "runner.log"
    assert 5_000_000 < log.stat().st_size <= 20_000_000
