"""A runner that sleeps past its lease, and wakes up when another has done its work."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from fakes.executor import FakeExecutor
from fakes.notebooks import write_notebook
from jupyter_etl.model import Outcome, RunState
from jupyter_etl.ports import Claim, Executor
from jupyter_etl.scheduling.lost_attempts import LostAttemptRecovery
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.runs.executors import executors_for

pytestmark = pytest.mark.kernel

PATIENCE_S = 100


def until(what: str, happens: Callable[[], bool]) -> None:
    """Wait for something; the deadline only ends a test that has failed."""
    end = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def stop(etl: Etl, pid: int) -> None:
    """Stop a process at a moment at which it holds no lock of the ledger."""

    def stopped() -> bool:
        os.kill(pid, signal.SIGSTOP)
        path = etl.settings.home / "ledger.sqlite"
        with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as ledger:
            try:
                ledger.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                os.kill(pid, signal.SIGCONT)
                return False
            ledger.execute("ROLLBACK")
        return True

    until("a moment without a lock", stopped)


@pytest.fixture(autouse=True)
def leave_nothing(isolation: Path) -> Iterator[None]:
    """End the processes of this test's own home, and of no other."""
    yield
    for process in psutil.process_iter():
        try:
            if process.environ().get("JUPYTER_ETL_HOME") == str(isolation):
                process.kill()
        except psutil.Error:
            continue


def claim(etl: Etl, run_id: int) -> Claim:
    far = datetime(2999, 1, 1, tzinfo=UTC)
    (claimed,) = etl.store.claim("s", now=far, limit=1, run_id=run_id)
    return claimed


def recover(etl: Etl) -> None:
    """Watch as a scheduler on another machine would, which can end no process here."""
    clock = SystemClock()
    elsewhere = FakeExecutor(None, clock)
    recovery = LostAttemptRecovery(
        store=etl.store, executor=elsewhere, clock=clock, lease_s=1.0, draw=lambda: 0.0
    )
    until("the recovery", lambda: recovery.recover()[1] == 1)


def exits(executor: Executor, of: int) -> dict[int, int]:
    """Wait for so many runners to end, and return their exit codes by attempt."""
    codes: dict[int, int] = {}

    def ended() -> bool:
        codes.update({number: code for _, number, code in executor.ended()})
        return len(codes) == of

    until(f"{of} runners", ended)
    return codes


def test_a_runner_that_was_stopped_past_its_lease_publishes_nothing(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "sales.ipynb",
        "import os, time, pandas as pd, jupyter_etl as etl\n"
        "etl.publish('sales.daily', pd.DataFrame({'id': [1, 2]}), mode='append')",
        "with open('seen.txt', 'a') as seen:\n    seen.write(f'{os.getpid()}\\n')",
        "while not os.path.exists('go'):\n    time.sleep(0.05)",
    )
    etl.pipelines.schedule(path, "daily at 06:00")
    run = etl.runs.trigger("sales")
    executor = executors_for(replace(etl.settings, warm=False)).executor()
    executor.start(claim(etl, run.id))
    seen = here / "seen.txt"
    until("the first attempt", lambda: seen.exists() and seen.read_text().endswith("\n"))
    (first,) = etl.runs.attempts(run.id)
    assert first.pid is not None
    stop(etl, first.pid)
    try:
        recover(etl)
        assert etl.runs.get(run.id).state is RunState.QUEUED
        (here / "go").touch()
        executor.start(claim(etl, run.id))
        until("the second attempt", lambda: etl.runs.get(run.id).state is RunState.SUCCEEDED)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert exits(executor, 2) == {1: 1, 2: 0}
    outcomes = [attempt.outcome for attempt in etl.runs.attempts(run.id)]
    assert outcomes == [Outcome.LOST, Outcome.SUCCEEDED]
    assert len(etl.publications.history("sales.daily")) == 1
    rows = etl.publications.reader("sales.daily").batches.read_all()
    assert rows.column("id").to_pylist() == [1, 2]
    kernels = [int(line) for line in seen.read_text().split()]
    assert len(kernels) == 2
    until("the kernels' end", lambda: not any(map(psutil.pid_exists, kernels)))
    assert "given this run to another attempt" in etl.runs.log(run.id) + str(
        etl.runs.events(run.id)
    )
