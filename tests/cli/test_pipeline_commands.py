"""Commands that deploy and steer pipelines; no kernel is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.store_values import HOUR, a_run, claim_one
from contracts.store_values import finish as finish_attempt
from contracts.store_values import start as start_attempt
from fakes.command import Command, CommandResult, finish, refused, start
from fakes.notebooks import code, write_notebook
from jupyter_etl.cli import pipelines
from jupyter_etl.model import AttemptReport, OnLost, Outcome, RunState
from jupyter_etl.notebook import kernel_state


def test_steering_a_pipeline(deployed: str, command: Command) -> None:
    assert command("pause", deployed).out == "sales is paused.\n"
    assert "It is paused" in command("schedule", "sales.ipynb", "@daily").err
    assert command("resume", deployed).out.startswith("sales is resumed; next ")
    command("trigger", deployed)
    assert command("cancel", "1").out == "Run 1 is cancelled.\n"
    assert "queued again" in command("retry", "1").out
    command("cancel", "1")
    again = command("retry", "1", "--from-failed-cell").out
    assert again == "Run 1 of sales is queued again, from its first cell: it was never attempted.\n"
    assert "stay" in command("unschedule", deployed).out
    refused(command("pause", deployed), "sales")
    assert "There are no runs yet" not in command("runs").out


def test_why_a_run_failed_or_was_skipped(deployed: str, command: Command) -> None:
    etl = kernel_state.open_etl()
    now = etl.clock.now()
    skipped = a_run("k", pipeline=deployed, state=RunState.SKIPPED, note="Run 7 was not finished.")
    etl.store.add_run(skipped, now=now)
    command("trigger", deployed)
    claim = claim_one(etl.store, now=now + HOUR)
    start_attempt(etl.store, claim)
    bad = AttemptReport(outcome=Outcome.FAILED, error=f"KeyError: {'x' * 100}\nmore")
    finish_attempt(etl.store, claim, bad, state=RunState.FAILED)
    failed, other = command("runs", "--json").json
    assert (failed["error"], failed["note"]) == (bad.error, None)
    assert (other["error"], other["note"]) == (None, "Run 7 was not finished.")
    lines = command("runs").out.splitlines()
    assert lines[1].endswith(f"KeyError: {'x' * 49}…")
    assert lines[2].endswith("Run 7 was not finished.")
    for words in ("2", "has already failed"), ("1", "has already been skipped"):
        refused(command("cancel", words[0]), f"Run {words[0]} of sales", words[1], code=1)


def test_the_policy_of_a_schedule(command: Command, here: Path) -> None:
    write_notebook(here / "a.ipynb", '%etl schedule "daily at 05:00" --memory 1GB --priority 3')
    words = ("--on-lost", "fail", "--priority", "-100", "--memory", "1.5GiB", "--checkpoint")
    assert command("schedule", "a.ipynb", "daily at 06:00", *words).code == 0
    policy = kernel_state.open_etl().pipelines.get("a").policy
    assert (policy.on_lost, policy.priority, policy.checkpoint) == (OnLost.FAIL, -100, True)
    assert policy.memory_bytes == 3 * 2**29
    # Without a time the notebook's own line counts, with what the command says over it.
    assert command("schedule", "a.ipynb", "--priority", "4").code == 0
    policy = kernel_state.open_etl().pipelines.get("a").policy
    # What neither of them gives stays as it is deployed.
    assert (policy.memory_bytes, policy.priority, policy.checkpoint) == (10**9, 4, True)
    assert command("schedule", "a.ipynb", "--reset", "checkpoint").code == 0
    assert not kernel_state.open_etl().pipelines.get("a").policy.checkpoint
    said = command("schedule", "a.ipynb", "--after", "a.b,c.d", "--after-all", "--expect")
    assert "after each of a.b and c.d" in said.out
    refused(command("schedule", "a.ipynb", "@daily", "--memory", "1MB"), "1 MB", "64 MB")
    refused(command("schedule", "a.ipynb", "@daily", "--priority", "101"), "101", code=2)


def test_without_anything_the_next_step_is_reported(command: Command) -> None:
    assert "%etl source" in command("sources").out
    assert "%etl publish" in command("published").out
    assert "jupyter etl schedule" in command("pipelines").out
    assert command("runs").out == "There are no runs yet.\n"


def test_usage(command: Command) -> None:
    refused(command("rum"), "rum", "run")
    refused(command("run"), "NOTEBOOK")
    refused(command("runs", "--stat"), "--state")
    refused(command("logs", "nine"), "nine")
    refused(command("logs", "9"), "9")
    refused(command("trigger", "absent", "--wait"), "absent")


def test_the_version_needs_no_ledger(
    here: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    (here / "file").write_text("x" * 2000)
    monkeypatch.setenv("JUPYTER_ETL_LEDGER", f"sqlite:///{here / 'file'}")
    assert command("version").code == 0
    refused(command("runs"), "file", code=1)
    monkeypatch.setenv("JUPYTER_ETL_WORKERS", "many")
    assert command("version").code == 0
    refused(command("runs"), "JUPYTER_ETL_WORKERS", "many")


def test_waiting_without_a_scheduler_is_refused(deployed: str, command: Command) -> None:
    refused(command("trigger", deployed, "--wait"), "scheduler", "jupyter etl up", code=1)
    assert command("runs", "--json").json == []


def test_every_outcome_has_its_exit_code() -> None:
    from jupyter_etl.model import Outcome

    assert set(pipelines._CODES) == set(Outcome)


def test_what_would_fail_is_deployed_only_anyway(command: Command, here: Path) -> None:
    write_notebook(here / "lost.ipynb", "open('gone.csv')", "import no_such_package")
    said = command("schedule", "lost.ipynb", "@daily")
    assert (said.code, said.out) == (2, "")
    for word in ("lost.ipynb would fail in a run", "2 errors", "'gone.csv'", "'no_such_package'"):
        assert word in said.err
    assert "DeclarationError" not in said.err
    assert command("pipelines", "--json").json == []
    anyway = command("schedule", "lost.ipynb", "@daily", "--anyway")
    assert anyway.code == 0
    assert "'gone.csv'" in anyway.err


def test_what_could_not_be_checked_is_reported(command: Command, here: Path) -> None:
    write_notebook(here / "star.ipynb", "from math import *", "%etl publish table a.b pi")
    said = command("preflight", "star.ipynb")
    assert said.code == 0
    assert "1 cell could not be checked" in said.err
    assert "No problems found" not in said.out + said.err


class TestBadInput:
    """One sentence that names the thing, a next step, and nothing lost."""

    def schedule_refused(self, command: Command, *words: str) -> CommandResult:
        said = command("schedule", *words)
        assert command("pipelines", "--json").json == []
        return said

    def test_a_notebook_that_is_no_json(self, command: Command, here: Path) -> None:
        (here / "cut.ipynb").write_text('{"cells": [')
        for name in ("run", "preflight"):
            refused(command(name, "cut.ipynb"), "cut.ipynb")
        refused(self.schedule_refused(command, "cut.ipynb", "@daily"), "cut.ipynb")
        assert (here / "cut.ipynb").read_text() == '{"cells": ['
        assert command("runs", "--json").json == []

    def test_a_notebook_that_is_absent(self, command: Command, here: Path) -> None:
        write_notebook(here / "sales.ipynb", "1")
        refused(command("run", "sale.ipynb"), "sale.ipynb", "sales.ipynb")

    def test_no_kernelspec(self, command: Command, here: Path) -> None:
        write_notebook(here / "a.ipynb", "1", kernel=None)
        said = command("schedule", "a.ipynb", "@daily")
        assert said.code == 0
        assert "python3" in said.out + said.err

    def test_a_parameter_of_the_wrong_type(self, command: Command, here: Path) -> None:
        write_notebook(here / "a.ipynb", code("n = 1", "parameters"))
        refused(command("run", "a.ipynb", "-p", "n=many"), "n", "many")
        refused(command("run", "a.ipynb", "-p", "m=1"), "'m'", "n")
        refused(command("run", "a.ipynb", "-p", "m"), "m")
        refused(command("run", "a.ipynb", "--timeout", "0"), "0")
        refused(self.schedule_refused(command, "a.ipynb", "@daily", "-p", "n=x"), "n")
        assert command("runs", "--json").json == []

    def test_a_schedule_that_never_fires(self, command: Command, here: Path) -> None:
        write_notebook(here / "a.ipynb", "1")
        refused(self.schedule_refused(command, "a.ipynb", "0 0 30 2 *"), "0 0 30 2 *")
        refused(self.schedule_refused(command, "a.ipynb", "2001-01-01"), "2001-01-01")

    def test_a_name_taken_by_another_owner(
        self, deployed: str, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_ETL_OWNER", "kim")
        refused(command("schedule", "sales.ipynb", "@hourly"), "sales", "sam", code=1)
        (pipeline,) = command("pipelines", "--json").json
        assert (pipeline["owner"], pipeline["version"]) == ("sam", 1)

    def test_a_home_that_cannot_be_written(
        self, command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (here / "file").write_text("x")
        write_notebook(here / "a.ipynb", "1")
        monkeypatch.setenv("JUPYTER_ETL_HOME", str(here / "file" / "etl"))
        refused(command("run", "a.ipynb"), str(here / "file"), code=1)


@pytest.mark.slow
def test_serving_starts_the_service_in_this_place(home: Path, here: Path) -> None:
    said = finish(start("serve", "--host", "256.0.0.1", "--port", "0"))
    assert said.code == 1
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_unknown_facts_are_refused_before_the_ledger_is_made(isolation: Path, here: Path) -> None:
    assert finish(start("rum")).code == 2
    assert not isolation.exists()
