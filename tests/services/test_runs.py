"""Runs in the ledger, without a runner."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import Conflict, DeclarationError, NotFound
from jupyter_etl.model import Cause, Outcome, RunState, VerdictKind
from jupyter_etl.ports import Claim
from jupyter_etl.services.etl import Etl


@pytest.fixture
def pipeline(etl: Etl, here: Path) -> str:
    path = write_notebook(here / "sales.ipynb", code("n = 1\nm = 2", "parameters"))
    return etl.pipelines.schedule(path, "@daily", parameters={"n": 5}).pipeline.name


def test_a_trigger_is_a_run_of_the_deployed_version(etl: Etl, pipeline: str, here: Path) -> None:
    deployed = etl.pipelines.get(pipeline)
    write_notebook(here / "sales.ipynb", "edited = 1")
    run = etl.runs.trigger(pipeline, parameters={"m": 7})
    assert run.state is RunState.QUEUED
    assert (run.new.version, run.new.content_hash) == (1, deployed.content_hash)
    assert dict(run.new.parameters) == {"n": 5, "m": 7}
    assert (run.new.cause, run.new.owner) == (Cause.MANUAL, "sam")
    assert run.new.interval.start < run.new.interval.end
    assert etl.runs.get(run.id) == run
    assert etl.runs.trigger(pipeline).id != run.id
    assert [r.id for r in etl.runs.list(pipeline=pipeline)] == [run.id + 1, run.id]
    assert etl.runs.count(states=(RunState.QUEUED,)) == 2
    assert etl.runs.list(limit=1, offset=1)[0].id == run.id


def test_a_trigger_that_cannot_be(etl: Etl, pipeline: str) -> None:
    with pytest.raises(NotFound, match="sales"):
        etl.runs.trigger("sale")
    with pytest.raises(DeclarationError) as caught:
        etl.runs.trigger(pipeline, parameters={"x": 1})
    assert "'x'" in caught.value.message
    with pytest.raises(DeclarationError, match="seven"):
        etl.runs.trigger(pipeline, parameters={"m": "seven"})
    assert etl.runs.count() == 0


def test_cancel_and_retry(etl: Etl, pipeline: str) -> None:
    run = etl.runs.trigger(pipeline)
    with pytest.raises(Conflict) as caught:
        etl.runs.retry(run.id)
    assert f"jupyter etl cancel {run.id}" in caught.value.hint
    cancelled = etl.runs.cancel(run.id)
    assert cancelled.state is RunState.CANCELLED
    assert etl.runs.cancel(run.id).state is RunState.CANCELLED
    assert etl.runs.retry(run.id).state is RunState.QUEUED
    assert etl.runs.wait(run.id, timeout_s=0).state is RunState.QUEUED


def test_a_run_that_is_not_there(etl: Etl) -> None:
    for call in (etl.runs.get, etl.runs.cancel, etl.runs.retry, etl.runs.log, etl.runs.notebook):
        with pytest.raises(NotFound, match="99"):
            call(99)


def test_before_a_run_there_is_nothing_to_read(etl: Etl, pipeline: str) -> None:
    run = etl.runs.trigger(pipeline)
    assert etl.runs.events(run.id) == []
    assert etl.runs.attempts(run.id) == []
    with pytest.raises(NotFound, match="queued"):
        etl.runs.notebook(run.id)


def test_a_notebook_that_cannot_run_makes_no_run(etl: Etl, here: Path) -> None:
    (here / "cut.ipynb").write_text('{"cells": [')
    with pytest.raises(DeclarationError, match=r"cut\.ipynb"):
        etl.runs.run(here / "cut.ipynb")
    path = write_notebook(here / "a.ipynb", code("n = 1", "parameters"))
    with pytest.raises(DeclarationError, match="many"):
        etl.runs.run(path, parameters={"n": "many"})
    assert etl.runs.count() == 0


class CrashingExecutor:
    """Starts runners that fall over without a word."""

    def __init__(self) -> None:
        self.children: list[tuple[int, int]] = []

    def start(self, claim: Claim) -> None:
        self.children.append((claim.run.id, claim.attempt.number))

    def ended(self) -> Sequence[tuple[int, int, int]]:
        fallen = [(*key, 137) for key in self.children]
        self.children.clear()
        return fallen

    def clean_up(self, claim: Claim) -> None:
        """Nothing is left of what has fallen over."""

    def close(self) -> None:
        self.children.clear()


def test_a_runner_that_falls_over_ends_the_run(
    etl: Etl, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(etl.executors, "executor", CrashingExecutor)
    run = etl.runs.run(write_notebook(here / "a.ipynb", "1"))
    assert (run.state, run.outcome) == (RunState.FAILED, Outcome.LOST)
    assert run.verdict is not None
    assert run.verdict.kind is VerdictKind.PLATFORM
    assert "137" in run.error


class UnresponsiveExecutor(CrashingExecutor):
    """Starts nothing; the user loses patience at once."""

    def ended(self) -> Sequence[tuple[int, int, int]]:
        if self.children:
            self.children.clear()
            os.kill(os.getpid(), signal.SIGINT)
        return []


def test_an_interrupt_cancels_the_run(
    etl: Etl, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(etl.executors, "executor", UnresponsiveExecutor)
    # Nobody makes the attempt here, so that the second wait is interrupted too.
    asked: list[int] = []
    real = type(etl.runs).cancel

    def cancel(self, run_id: int):
        asked.append(run_id)
        real(self, run_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(type(etl.runs), "cancel", cancel)
    with pytest.raises(KeyboardInterrupt):
        etl.runs.run(write_notebook(here / "a.ipynb", "1"))
    assert etl.runs.get(asked[0]).cancel_requested
