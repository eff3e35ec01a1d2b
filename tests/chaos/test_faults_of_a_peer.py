"""Faults that were measured in jupyter-scheduler 2.12.1, and do not occur here.

Shown by other tests already:

- Two schedulers on one store run a time twice:
  ``scheduling/test_scheduler*.py::test_two_schedulers_make_one_run``,
  ``runner/test_runs_end_to_end.py::test_two_schedulers_and_one_due_time_are_one_run``.
- Times that passed while nothing ran vanish at the restart:
  ``scheduling/test_scheduler*.py::test_after_an_outage_a_new_scheduler_catches_up``.
- A run whose environment is missing ends as completed:
  ``runner/test_runs_end_to_end.py::TestBadInputOfARun::test_an_unknown_kernel``.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import record
from chaos.world import World, wait_until
from fakes.clock import FakeClock
from fakes.executor import FakeExecutor
from fakes.ledger import new_ledger
from fakes.notebooks import code, write_notebook
from jupyter_etl.cli.main import main
from jupyter_etl.ledger import open_store
from jupyter_etl.model import Outcome, Policy, Run, RunState
from jupyter_etl.ports import Store
from jupyter_etl.scheduling.occurrences import next_occurrence
from jupyter_etl.scheduling.scheduler import Scheduler
from jupyter_etl.services.etl import Etl
from scheduling.examples import cron, pipeline

PATIENCE_S = 60.0


class Nobody:
    """A notifier that sends nothing."""

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        return


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(new_ledger(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(folder=tmp_path)
    yield made
    made.destroy()


def scheduler(store: Store, clock: FakeClock, executor: FakeExecutor, id: str) -> Scheduler:
    return Scheduler(
        store=store, executor=executor, clock=clock, notifier=Nobody(), id=id, host=id, pid=1,
        workers=2, lease_s=30.0, poll_s=1.0, draw=lambda: 0.5,
    )  # fmt: skip


def deploy(store: Store, clock: FakeClock, **policy: object) -> None:
    minutely = cron("* * * * *")
    declared = pipeline(
        schedule=minutely,
        policy=Policy(**policy),  # type: ignore[arg-type]
        next_due=next_occurrence(minutely, clock.now()),
        content_hash=store.save_snapshot("{}"),
    )
    store.deploy(declared, now=clock.now())


def test_what_is_deployed_later_is_seen_by_every_scheduler(store: Store) -> None:
    clock = FakeClock()
    executor = FakeExecutor(store, clock, finish_at_once=True)
    one, two = (scheduler(store, clock, executor, id) for id in ("one", "two"))
    one.poll()
    two.poll()
    deploy(store, clock)
    clock.advance(60)
    two.poll()
    assert [run.state for run in store.load_runs()] == [RunState.SUCCEEDED]
    clock.advance(60)
    one.poll()
    assert [run.state for run in store.load_runs()] == [RunState.SUCCEEDED] * 2


def test_a_run_whose_scheduler_and_runner_are_dead_ends_at_its_time_limit(store: Store) -> None:
    clock = FakeClock()
    deploy(store, clock, retries=0)
    clock.advance(60)
    scheduler(store, clock, FakeExecutor(store, clock), "one").poll()
    assert store.load_runs()[0].state is RunState.RUNNING
    heir = scheduler(store, clock, FakeExecutor(store, clock), "two")
    for _ in range(50):
        clock.advance(1)
        heir.poll()
    run = store.load_runs()[-1]
    assert (run.state, run.outcome) == (RunState.FAILED, Outcome.LOST)
    assert run.finished_at is not None
    assert "no heartbeat" in run.error


@pytest.mark.kernel
@pytest.mark.chaos
def test_a_run_can_be_stopped_after_its_scheduler_was_killed(world: World) -> None:
    path = world.folder / "notebooks" / "long.ipynb"
    write_notebook(path, "import time\ntime.sleep(600)", kernel="chaos")
    world.call("schedule", str(path))
    world.call("trigger", "long")
    pid = world.start_scheduler(workers=1)

    def kernels() -> list[int]:
        return [one.pid for one in world.processes() if one.role == "kernel"]

    def in_its_cell() -> bool:
        # Excludes the kernel that is prestarted before the notebook is known.
        events = (path.read_text() for path in world.folder.rglob("events.jsonl"))
        return any('"cell_started"' in text for text in events)

    assert wait_until(in_its_cell, patience_s=PATIENCE_S), "the run never began"
    os.kill(pid, signal.SIGKILL)
    world.schedulers[pid].wait()
    world.reap()
    assert kernels(), "the run outlives its scheduler"
    world.call("cancel", "1")
    assert wait_until(lambda: not world.processes(), patience_s=PATIENCE_S), world.processes()
    [(state, finished)] = record.rows(world.ledger_url, "SELECT state, finished_at FROM runs")
    assert state == "cancelled"
    assert finished is not None


@pytest.mark.kernel
def test_a_cell_that_fails_is_a_failed_run_with_its_time(etl: Etl, here: Path) -> None:
    run = etl.runs.run(write_notebook(here / "bad.ipynb", "1 / 0"))
    assert (run.state, run.outcome) == (RunState.FAILED, Outcome.FAILED)
    assert run.finished_at is not None
    assert run.error.startswith("ZeroDivisionError")
    missing = etl.runs.run(write_notebook(here / "none.ipynb", "1", kernel="fortran"))
    assert (missing.state, missing.finished_at is not None) == (RunState.FAILED, True)


@pytest.mark.kernel
def test_a_word_is_a_value_and_no_name(
    home: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = code("region = 'US'", "parameters")
    write_notebook(here / "words.ipynb", parameters, "assert region == 'EU', region")
    main(["run", "words.ipynb", "-p", "region=EU", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["outcome"], answer["error"]) == ("succeeded", None)
