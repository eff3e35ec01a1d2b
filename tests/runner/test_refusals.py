"""What is refused before a kernel starts: clear, early, on record. No kernel is started here."""

from __future__ import annotations

import json
import shutil

import pytest

from fakes.attempts import AttemptHarness, notebook_text, with_token
from jupyter_etl.errors import Conflict
from jupyter_etl.model import Outcome, RunState


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch):
    """Make the start of a kernel a failure of the test."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr("jupyter_client.provisioning.local_provisioner.launch_kernel", refuse)


def test_an_unknown_kernel_is_named_with_those_installed(harness: AttemptHarness):
    report, _ = harness.run_text(notebook_text(["1"], kernel="cobol74"))
    assert report.outcome is Outcome.FAILED
    assert "The kernel 'cobol74' is not installed" in report.error
    assert "python3" in report.error
    assert harness.judged == [("NoSuchKernel", report.error)]
    assert harness.store.load_run(1).state is RunState.FAILED


def test_an_unknown_parameter_is_refused_with_the_known_ones(harness: AttemptHarness):
    body = notebook_text(["region = 'EU'\nlimit = 3", "print(region)"], parameters=0)
    report, _ = harness.run_text(body, parameters={"regoin": "US"})
    assert report.outcome is Outcome.FAILED
    assert "regoin" in report.error
    assert "region" in report.error.replace("regoin", "")
    assert "limit" in report.error


@pytest.mark.parametrize("body", ["", "{", "[]", '{"cells": 3}', "just text", '{"nbformat": 4'])
def test_what_is_no_notebook_is_refused(harness: AttemptHarness, body):
    report, claim = harness.run_text(body)
    assert report.outcome is Outcome.FAILED
    assert harness.judged[0][0] == "DeclarationError"
    assert report.output == ""
    assert harness.events(claim)[-1]["kind"] == "finished"


def test_a_missing_folder_is_reported(harness: AttemptHarness):
    claim = harness.claim(notebook_text(["1"]))
    harness.folder(claim)
    shutil.rmtree(harness.notebooks)
    report = harness.run(claim)
    assert report.outcome is Outcome.FAILED
    assert "folder is missing" in report.error


def test_a_stale_token_starts_nothing_and_writes_nothing(harness: AttemptHarness):
    claim = with_token(harness.claim(notebook_text(["1"])), "0" * 32)
    with pytest.raises(Conflict):
        harness.run(claim)
    names = {path.name for path in harness.folder(claim).iterdir()}
    assert names == {"context.json", "stage"}


def test_a_missing_snapshot_is_reported(harness: AttemptHarness, monkeypatch):
    claim = harness.claim(notebook_text(["1"]))

    def gone(content_hash: str) -> str:
        from jupyter_etl.errors import NotFound

        raise NotFound("No snapshot has that hash.")

    monkeypatch.setattr(harness.store, "load_snapshot", gone)
    report = harness.run(claim)
    assert (report.outcome, report.error) == (Outcome.FAILED, "No snapshot has that hash.")


def test_a_translator_that_is_missing_is_reported(harness: AttemptHarness, monkeypatch):
    notebook = json.loads(notebook_text(["x = 1"], parameters=0))
    notebook["metadata"]["language_info"] = {"name": "brainfuck"}
    report, _ = harness.run_text(json.dumps(notebook), parameters={"x": 1})
    # The kernel's own name decides first, as in papermill; python3 has no translator of its own.
    assert report.outcome is Outcome.FAILED
    assert "No parameter translator" in report.error
