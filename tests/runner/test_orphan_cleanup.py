"""No process of a run outlives its runner: what ends on its own, and what the cleanup ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.executor_contract import claim_of
from fakes import attempt_process, shell_kernel
from fakes.attempts import AttemptHarness, notebook_text, outputs
from fakes.patience import PATIENCE_S, until
from jupyter_etl.model import Outcome, RunState
from jupyter_etl.ports import Claim
from jupyter_etl.runner.folders import save_claim
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.runner.local_executor import LocalExecutor
from jupyter_etl.system.processes import (
    carriers,
    living,
    members,
    process_of,
    resident_bytes,
    used_bytes,
)

FLOOD = """\
for _ in range(20_000): print('x' * 1000)
open('high', 'w').close()
while True: print('x' * 1000)
"""
FLOOD_S = 2.0
SLEEP = "import time; print('up', flush=True); time.sleep(1000)"


@pytest.fixture
def executor(harness: AttemptHarness) -> Iterator[LocalExecutor]:
    command = [sys.executable, str(attempt_process.__file__), str(harness.store_url)]
    tests = str(Path(attempt_process.__file__).parents[1])
    paths = os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])
    made = LocalExecutor(harness.home, env={"PYTHONPATH": paths}, command=command)
    yield made
    made.close()


def start(code: str, *words: str, **env: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, env={**os.environ, **env}
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    return child


def test_a_cleanup_identifies_the_runner_by_its_folder_and_no_other_process(tmp_path: Path):
    executor = LocalExecutor(tmp_path, command=[sys.executable, "-c", SLEEP])
    folder = str(save_claim(tmp_path, claim_of(1)))
    stranger = start(SLEEP, "elsewhere")
    runner = start(SLEEP, folder)
    reader = start(SLEEP, "--follow", folder)
    kernel = start(SLEEP, **{ATTEMPT: folder})
    other = start(SLEEP, **{ATTEMPT: folder + "0"})
    try:
        claim = claim_of(1)
        attempt = replace(claim.attempt, pid=stranger.pid, host=os.uname().nodename)
        executor.clean_up(Claim(run=claim.run, attempt=attempt))
        assert (runner.wait(PATIENCE_S), kernel.wait(PATIENCE_S)) == (-9, -9)
        assert [one.poll() for one in (stranger, reader, other)] == [None, None, None]
        # A runner that was started by another command is known by its number and its folder.
        attempt = replace(attempt, pid=reader.pid, host="elsewhere")
        executor.clean_up(Claim(run=claim.run, attempt=attempt))
        assert reader.poll() is None
        attempt = replace(attempt, host=os.uname().nodename)
        executor.clean_up(Claim(run=claim.run, attempt=attempt))
        assert reader.wait(PATIENCE_S) == -9
    finally:
        for child in (stranger, runner, reader, kernel, other):
            child.kill()
            child.communicate()


def test_carriers_are_found_where_no_session_is_seen(monkeypatch: pytest.MonkeyPatch):
    # So it is in a container that was entered from outside.
    monkeypatch.setattr(os, "getsid", lambda pid: 0)
    kernel = start(SLEEP, **{ATTEMPT: "here"})
    try:
        assert carriers((ATTEMPT, "here")) == {kernel.pid}
    finally:
        kernel.kill()
        kernel.communicate()


def test_memory_that_is_shared_counts_once_and_mapped_files_do_not(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"x" * 60_000_000)
    code = (
        "import mmap, os, sys, time\n"
        "kept = b'x' * 60_000_000\n"
        "file = open(sys.argv[1], 'rb')\n"
        "mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "sum(mapped[at] for at in range(0, len(mapped), 4096))\n"
        "first = os.fork()\n"
        "second = first and os.fork()\n"
        "if second: print('up', flush=True)\n"
        "time.sleep(1000)\n"
    )
    child = start(code, str(tmp_path / "file"))
    try:
        family = members(process_of(child.pid))
        assert len(family) == 3
        assert resident_bytes(family) > 240_000_000, "three times the text, once the file"
        assert 60_000_000 < used_bytes(family) < 90_000_000
    finally:
        for pid in members(process_of(child.pid)):
            os.kill(pid, signal.SIGKILL)
        child.communicate()


@pytest.mark.kernel
def test_a_flood_costs_the_runner_nothing(harness: AttemptHarness, executor: LocalExecutor):
    body = notebook_text(["print('first')", FLOOD])
    claim = harness.claim(body)
    executor.start(claim)
    until("the flood", (harness.notebooks / "high").exists)
    time.sleep(FLOOD_S)
    harness.store.request_cancel(claim.run.id, now=claim.run.created_at)
    runner = harness.store.load_attempts(claim.run.id)[0].pid
    peak = 0

    def ended() -> bool:
        nonlocal peak
        said = re.search(r"VmHWM:\s+(\d+) kB", _status(runner))
        peak = max(peak, int(said[1]) * 1024 if said else 0)
        return bool(executor.ended())

    until("the end", ended)
    # The flood itself is gigabytes; a busy machine lets some of it wait.
    assert 50_000_000 < peak < 400_000_000
    run = harness.store.load_run(claim.run.id)
    assert (run.state, run.outcome) == (RunState.CANCELLED, Outcome.CANCELLED)
    assert run.error == "cancelled in cell 2"
    file = harness.folder(claim) / "executed.ipynb"
    assert 1_000_000 < file.stat().st_size < 2_000_000
    said = outputs(harness.executed(claim))
    assert "first" in said
    assert "B of output omitted; of a cell, at most 1 MB are kept" in said


@pytest.mark.kernel
def test_what_a_killed_runner_leaves(harness: AttemptHarness, executor: LocalExecutor):
    shell_kernel.install("shell")
    cell = "(setsid sleep 1000 >/dev/null &); sleep 1000"
    body = notebook_text([cell], kernel="shell").replace('"python"', '"bash"')
    claim = harness.claim(body)
    marker = (ATTEMPT, str(harness.folder(claim)))
    executor.start(claim)
    until("the kernel and its sleepers", lambda: len(carriers(marker)) >= 3)
    [attempt] = harness.store.load_attempts(claim.run.id)
    assert attempt.pid is not None
    kernels = {pid for pid in carriers(marker) if _parent(pid) == attempt.pid}
    # Its supervisor would kill what it has left.
    os.kill(_parent(attempt.pid), signal.SIGKILL)
    os.kill(attempt.pid, signal.SIGKILL)
    until("the kernel, which has nobody to tell it", lambda: not list(living(kernels)))
    assert list(living(carriers(marker))), "they have left its session, and live on"
    executor.clean_up(Claim(run=claim.run, attempt=attempt))
    assert list(living(carriers(marker))) == []
    until("the runner's end", executor.ended)


@pytest.mark.kernel
def test_a_cleanup_ends_a_stopped_runner(harness: AttemptHarness, executor: LocalExecutor):
    shell_kernel.install("shell")
    body = notebook_text(["sleep 1000"], kernel="shell").replace('"python"', '"bash"')
    claim = harness.claim(body)
    executor.start(claim)
    until("the cell", lambda: harness.events(claim, "cell_started"))
    [attempt] = harness.store.load_attempts(claim.run.id)
    assert attempt.pid is not None
    os.kill(attempt.pid, signal.SIGSTOP)
    # What was claimed is enough: the ledger need not have told where it runs.
    executor.clean_up(claim)
    assert list(living([attempt.pid])) == []
    assert list(living(carriers((ATTEMPT, str(harness.folder(claim)))))) == []
    until("the runner's end", executor.ended)


def _status(pid: int | None) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    said = re.search(r"PPid:\s+(\d+)", _status(pid))
    return int(said[1]) if said else 0
