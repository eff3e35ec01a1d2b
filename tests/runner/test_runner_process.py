"""Runners as processes of their own: stopped, killed, started by the local executor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fakes import attempt_process
from fakes.attempts import AttemptHarness, notebook_text
from fakes.patience import until
from jupyter_etl.model import Outcome, RunState
from jupyter_etl.ports import Claim
from jupyter_etl.runner.local_executor import LocalExecutor

pytestmark = pytest.mark.kernel

SLEEP = "import time, os, subprocess\nopen('pid.txt', 'w').write(str(os.getpid()))\ntime.sleep(100)"


@pytest.fixture
def executor(harness: AttemptHarness):
    command = [sys.executable, str(attempt_process.__file__), str(harness.store_url)]
    tests = str(Path(attempt_process.__file__).parents[1])
    paths = os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])
    made = LocalExecutor(harness.home, env={"PYTHONPATH": paths}, command=command)
    yield made
    made.close()


def start_sleeping(harness: AttemptHarness, executor: LocalExecutor) -> tuple[Claim, int, int]:
    """Start a runner; return its claim and the processes of runner and kernel."""
    claim = harness.claim(notebook_text(["print('first')", SLEEP]))
    executor.start(claim)
    note = harness.notebooks / "pid.txt"
    until("the sleeping cell", lambda: note.exists() and bool(note.read_text()))
    runner = harness.store.load_attempts(claim.run.id)[0].pid
    assert runner is not None
    return claim, runner, int(note.read_text())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_sigterm_cancels_and_keeps_the_notebook(harness: AttemptHarness, executor: LocalExecutor):
    claim, runner, kernel = start_sleeping(harness, executor)
    os.kill(runner, signal.SIGTERM)
    ended: list[tuple[int, int, int]] = []
    until("the runner's end", lambda: bool(ended.extend(executor.ended()) or ended))
    assert ended == [(claim.run.id, 1, 1)]
    assert executor.ended() == []
    assert gone(kernel)
    run = harness.store.load_run(claim.run.id)
    assert (run.state, run.outcome) == (RunState.CANCELLED, Outcome.CANCELLED)
    assert "first" in str(harness.executed(claim))


def test_a_killed_runner_takes_its_kernel_along(harness: AttemptHarness, executor: LocalExecutor):
    claim, runner, kernel = start_sleeping(harness, executor)
    os.kill(runner, signal.SIGKILL)
    until("the kernel's end", lambda: gone(kernel))
    ended: list[tuple[int, int, int]] = []
    until("the runner's end", lambda: bool(ended.extend(executor.ended()) or ended))
    assert ended == [(claim.run.id, 1, -signal.SIGKILL)]
    assert "first" in str(harness.executed(claim)), "the cell that was done is on disk"


def test_a_runner_outlives_the_process_that_started_it(harness: AttemptHarness):
    claim = harness.claim(notebook_text(["import time; time.sleep(1)"]))
    tests = str(Path(attempt_process.__file__).parents[1])
    code = (
        "import sys, msgspec\n"
        "from pathlib import Path\n"
        "from jupyter_etl.runner.local_executor import LocalExecutor\n"
        "from jupyter_etl.ports import Claim\n"
        "claim = msgspec.json.decode(sys.stdin.read(), type=Claim)\n"
        "executor = LocalExecutor(Path(sys.argv[1]), command=sys.argv[2:])\n"
        "executor.start(claim); executor.close()\n"
    )
    import msgspec

    script = str(attempt_process.__file__)
    subprocess.run(
        [sys.executable, "-c", code, str(harness.home), sys.executable, script, harness.store_url],
        input=msgspec.json.encode(claim),
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]),
        },
        check=True,
    )
    until("success", lambda: harness.store.load_run(claim.run.id).state is RunState.SUCCEEDED)
