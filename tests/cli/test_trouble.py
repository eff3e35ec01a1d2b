"""Output of the commands about a paused pipeline and an unresponsive source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.store_ends import FAILED, dead
from contracts.store_values import a_run, finish, start
from fakes.command import CommandResult
from fakes.notebooks import write_notebook
from jupyter_etl.model import FAILURES_TO_PAUSE, AttemptReport, Cause, RunState
from jupyter_etl.model.source import FAILURES
from jupyter_etl.services.etl import Etl

Command = Callable[..., CommandResult]


def fail(etl: Etl, report: AttemptReport, *, times: int) -> None:
    """Let planned runs of ``sales`` fail now."""
    for _ in range(times):
        now = etl.clock.now()
        run = replace(
            a_run(f"tick {etl.runs.count()}", pipeline="sales", cause=Cause.SCHEDULE), due_at=now
        )
        made = etl.store.add_run(run, now=now)
        (claim,) = etl.store.claim("s", now=now, limit=1, run_id=made.id)
        start(etl.store, claim, now=now)
        finish(etl.store, claim, report, state=RunState.FAILED, now=now)


@pytest.fixture
def paused(etl: Etl, here: Path) -> Etl:
    etl.pipelines.schedule(write_notebook(here / "sales.ipynb", "n = 1"), "daily at 06:00")
    fail(etl, FAILED, times=FAILURES_TO_PAUSE)
    return etl


def test_a_pipeline_that_the_platform_paused(paused: Etl, command: Command) -> None:
    (row,) = command("pipelines", "--json").json
    assert row["paused"] is True
    assert row["pause_note"].startswith("Paused by the platform after 5 failures in a row")
    assert "Paused by the platform" in command("pipelines").out
    assert "the platform paused: sales" in command("doctor").out
    said = command("status")
    assert "sales: Paused by the platform" in said.err
    assert "jupyter etl resume sales" in said.err
    facts = command("status", "--json").json
    assert (facts["paused"], facts["paused_by_platform"]) == (1, ["sales"])
    assert "is resumed" in command("resume", "sales").out
    assert command("status", "--json").json["paused_by_platform"] == []
    (row,) = command("pipelines", "--json").json
    assert (row["paused"], row["pause_note"]) == (False, None)


def test_a_source_that_is_silent(etl: Etl, here: Path, command: Command) -> None:
    etl.sources.declare("wh", "wh.csv", base=here)
    etl.sources.declare("trips", "trips.csv", base=here)
    before = etl.clock.now()
    fail(etl, dead("wh"), times=FAILURES - 1)
    assert command("status", "--json").json["silent_sources"] == []
    fail(etl, dead("wh"), times=1)
    tries = {row["source"]: row["next_try_at"] for row in command("sources", "--json").json}
    assert tries["trips"] is None
    assert datetime.fromisoformat(tries["wh"]) - before > timedelta(seconds=29)
    assert command("status", "--json").json["silent_sources"] == ["wh"]
    assert "wh (3 failures in a row)" in command("doctor").out
    assert "wh did not answer 3 times in a row; the next run tries it at" in command("status").err
