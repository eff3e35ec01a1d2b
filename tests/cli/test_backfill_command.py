"""``jupyter etl backfill``; the runners are played by the test."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from contracts.store_values import finish, start
from fakes.command import CommandResult
from fakes.notebooks import write_notebook
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.services import Etl
from jupyter_etl.services.settings import host_name

Command = Callable[..., CommandResult]
RANGE = "2026-01-01..2026-01-03"


@pytest.fixture
def sales(command: Command, here: Path) -> str:
    write_notebook(here / "sales.ipynb", "%etl param day date = yesterday", "print(day)")
    assert command("schedule", "sales.ipynb", "@daily", "--tz", "UTC").code == 0
    return "sales"


def test_a_dry_run(sales: str, command: Command) -> None:
    said = command("backfill", sales, RANGE, "--dry-run")
    assert said.code == 0
    assert said.out.splitlines() == [
        "sales: 3 of 3 partitions to run.",
        "  From 2026-01-01 to 2026-01-03 in UTC.",
        "  No run of sales has succeeded yet, so there is no estimate.",
    ]
    assert said.err == "  Nothing was queued: this is a dry run.\n"
    assert command("runs").out == "There are no runs yet.\n"


def test_queued_and_again(sales: str, command: Command) -> None:
    said = command("backfill", sales, RANGE, "-p", "day=2026-01-01", "--parallel", "2", "--json")
    assert said.code == 0
    assert "No scheduler is alive" in said.err
    found = said.json
    assert found.keys() == {
        *("pipeline", "timezone", "planned", "done", "active", "parallel", "median_s"),
        *("estimate_s", "partitions", "runs"),
    }
    assert (found["planned"], found["runs"], found["median_s"]) == (3, [1, 2, 3], None)
    assert found["partitions"][0] == {
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-02T00:00:00Z",
        "step": "run",
        "run": None,
    }
    newest, *_ = command("runs", "--json").json
    assert (newest["cause"], newest["state"]) == ("backfill", "queued")
    assert newest["logical_key"] == "2026-01-03T00:00:00Z..2026-01-04T00:00:00Z"
    again = command("backfill", sales, RANGE)
    assert again.out == "sales: 0 of 3 partitions to run, 3 active and left alone.\n"


def test_refused(sales: str, command: Command) -> None:
    for words, says in (
        (("absent", RANGE), "absent"),
        ((sales, "soon"), "soon"),
        ((sales, "2026-01-01..2099-01-01"), "10,000"),
        ((sales, RANGE, "-p", "n=1"), "'n'"),
        ((sales, RANGE, "--by", "week"), "2025-12-29..2026-01-04"),
    ):
        said = command("backfill", *words)
        assert (said.code, said.out) == (2, "")
        assert says in said.err
    alone = command("backfill", sales, RANGE, "--wait")
    assert alone.code == 1
    assert "jupyter etl up" in alone.err
    assert command("runs", "--json").json == []


def play(etl: Etl, bad: int, stop: Event) -> None:
    """Be a scheduler whose run of that number fails."""
    while not stop.is_set():
        for claim in etl.store.claim("test", now=datetime.now(UTC), limit=1):
            report, state = None, RunState.SUCCEEDED
            if claim.run.id == bad:
                report, state = AttemptReport(outcome=Outcome.FAILED, error="oh"), RunState.FAILED
            start(etl.store, claim, now=datetime.now(UTC))
            finish(etl.store, claim, report, state=state, now=datetime.now(UTC))
        stop.wait(0.05)


def test_waiting(sales: str, command: Command) -> None:
    etl = Etl.open()
    stop = Event()
    alive = SchedulerInfo(
        id="s", host=host_name(), pid=os.getpid(), workers=1, seen_at=datetime.now(UTC)
    )
    etl.store.save_scheduler(alive)
    player = Thread(target=play, args=(etl, 2, stop))
    player.start()
    try:
        said = command("backfill", sales, RANGE, "--wait")
        repaired = command("backfill", sales, RANGE, "--wait", "--json")
    finally:
        stop.set()
        player.join()
        etl.store.remove_scheduler("s")
        etl.close()
    # For what is done nobody waits, so no scheduler is needed.
    done = command("backfill", sales, "2026-01-01", "--wait")
    assert (done.code, done.err) == (0, "")
    assert done.out == "sales: 0 of 1 partition to run, 1 done.\n"
    assert said.code == 1
    assert "2 of 3 runs succeeded.\n" in said.out
    assert "  Run 2, 2026-01-02T00:00:00Z..2026-01-03T00:00:00Z: failed. oh\n" in said.out
    # Its number is the same: nothing differs, so the run is queued once more, and fails once more.
    assert (repaired.code, repaired.json["runs"], repaired.json["failed"]) == (1, [2], [2])
    assert repaired.json["done"] == 2


@pytest.mark.kernel
@pytest.mark.slow
def test_each_partition_sees_its_own_interval(sales: str, command: Command, here: Path) -> None:
    cells = (
        "%etl param day date = yesterday",
        "%etl param given date = 2020-01-01",
        "assert given == day",
        "import jupyter_etl as etl\nfirst, last = etl.run.start, etl.run.end",
        "assert etl.run.logical_at == last",
        "%%etl sql local rows <<\nselect {{day}} as day, {{start}} = {{first}} as a, "
        "{{end}} = {{last}} as b, {{logical_at}} = {{end}} as c",
        "%etl publish table a.b rows --partition day",
    )
    write_notebook(here / "sales.ipynb", *cells)
    assert command("schedule", "sales.ipynb", "@daily", "--tz", "Europe/Berlin").code == 0
    given = ("-p", "given=yesterday")
    assert command("backfill", sales, "2026-03-28..2026-03-29", *given).code == 0
    assert command("up", "--until-idle").code == 0
    rows = command("read", "a.b", "--json").json
    assert sorted(row["day"][:10] for row in rows) == ["2026-03-28", "2026-03-29"]
    assert all(row["a"] and row["b"] and row["c"] for row in rows)
    assert "2 done" in command("backfill", sales, "2026-03-28..2026-03-29", "--dry-run").out
