"""Attempts with real kernels. Each costs seconds: one run shows as much as it can."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from fakes.attempts import AttemptHarness, FakePublisher, notebook_text, outputs
from jupyter_etl.errors import Conflict, NotFound, PublishError
from jupyter_etl.model import AttemptReport, HeldBy, Outcome, PublicationKind, Read, RunState
from jupyter_etl.runner.channel.sockets import CHANNEL

pytestmark = pytest.mark.kernel

STAGE = """
import os
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.model import (CheckResult, CheckRule, CheckStatus, PublicationKind, PublishMode,
                               Read, Source, Staged)
channel = RunnerChannel(os.environ["JUPYTER_ETL_CHANNEL"])
def stage(name, kind="table", mode="replace", rows=2):
    folder = channel.stage_folder(name)
    (folder / "part.txt").write_text("data")
    return channel.publish(Staged(name=name, kind=PublicationKind(kind), folder=str(folder),
                                  files=("part.txt",), mode=PublishMode(mode), rows=rows))
def check(status):
    rule = CheckRule(text="rows > 0", kind="rows", argument="> 0")
    channel.report_checks([CheckResult(rule=rule, status=CheckStatus(status), dataset="orders",
                                       failed_rows=None, total_rows=0, message="0 rows")])
"""


def survivors(marker: str) -> list[str]:
    """Name the processes that still carry a marker in their command."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if marker in words and process.pid != os.getpid():
            found.append(" ".join(words))
    return found


def error_cell(notebook) -> int:
    """Return where papermill has put its mark in front of the cell that failed."""
    marks = [
        index
        for index, cell in enumerate(notebook.cells)
        if "papermill-error-cell-tag" in cell.metadata.get("tags", [])
    ]
    assert len(marks) == 2, "papermill marks the top and the cell"
    return marks[1]


def test_a_run_from_its_parameters_to_its_publications(harness: AttemptHarness, monkeypatch):
    monkeypatch.setenv("JUPYTER_ETL_LEDGER", "postgresql://etl:hush-ledger@db/etl")
    monkeypatch.setenv("JUPYTER_ETL_LEDGER_OPTIONS", "hush-options")
    monkeypatch.setenv("JUPYTER_ETL_ALERTS", "https://chat.example/hush-alerts")
    text = "1\nimport os; os._exit(3)\n\"'''\\ {x} ünï"
    cells = [
        ("markdown", "# Title"),
        "word = 'a'\ncount = 1\nflag = False\nnothing = None",
        "import json; print(json.dumps([word, count, flag, nothing]))",
        "import os; print(dict(os.environ)); print(os.getcwd())",
        STAGE,
        "channel.report_read(Read(source='wh', table='orders', rows=2)); check('warn')",
        "stage('sales.daily'); stage('sales.daily', rows=5); stage('brief', 'report')",
        "try:\n    stage('sales.more', mode='append'); stage('sales.more', mode='append')\n"
        "except Exception as e:\n    print(type(e).__name__, e.message)",
        "print(channel.context)",
    ]
    parameters = {"word": text, "count": 7, "flag": True, "nothing": None}
    body = notebook_text(cells, parameters=1)
    report, claim = harness.run_text(body, parameters=parameters)

    assert report.outcome is Outcome.SUCCEEDED, report.error
    executed = harness.executed(claim)
    said = outputs(executed)
    assert json.dumps([text, 7, True, None]) in said
    assert "hush" not in said
    assert CHANNEL in said
    assert str(harness.notebooks) in said
    assert "PublishError 'sales.more' was published before in this run" in said
    assert "id=1" in said
    assert "attempt=1" in said

    staged = [commit["staged"] for commit in harness.table.commits]
    assert [(one.name, one.rows) for one in staged] == [("sales.daily", 5), ("sales.more", 2)]
    assert [commit["token"] for commit in harness.table.commits] == [
        "run-1.1/sales.daily",
        "run-1.1/sales.more",
    ]
    [brief] = harness.report.commits
    assert Path(brief["staged"].options["notebook"]).name == "executed.ipynb"
    run = harness.store.load_run(1)
    assert run.state is RunState.SUCCEEDED
    assert {version.name for version in run.published} == {"sales.daily", "sales.more", "brief"}
    assert run.reads == (Read(source="wh", table="orders", rows=2),)
    assert [str(check.status) for check in run.checks] == ["warn"]
    assert (run.cell, run.cells) == (8, 8)
    assert run.output == str(harness.folder(claim) / "executed.ipynb")
    assert harness.store.load_attempts(1)[0].peak_rss_bytes > 20_000_000

    finished = harness.events(claim, "cell_finished")
    assert [event["cell"] for event in finished] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [event["done"] for event in finished] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {event["of"] for event in finished} == {8}
    kinds = [event["kind"] for event in harness.events(claim)]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert kinds.count("staged") == 4
    assert not Path(os.environ.get(CHANNEL, "/nowhere")).exists()


def test_a_cell_that_fails_and_a_second_start(harness: AttemptHarness):
    cells = [
        STAGE,
        "stage('t')\nprint('here')",
        ("markdown", "x"),
        "print(undefined)",
        "print('no')",
    ]
    report, claim = harness.run_text(notebook_text(cells))
    assert report.outcome is Outcome.FAILED
    assert report.error == "NameError: name 'undefined' is not defined"
    assert report.failed_cell == 3
    assert harness.judged == [("NameError", report.error)]
    assert harness.table.commits == []
    executed = harness.executed(claim)
    assert error_cell(executed) == 4, "behind the mark at the top"
    said = outputs(executed)
    assert "here" in said
    assert "no" not in said.splitlines()
    run = harness.store.load_run(1)
    assert (run.state, run.cell, run.published) == (RunState.FAILED, 3 - 1, ())
    assert harness.events(claim, "cell_finished")[-1]["ok"] is False

    before = (harness.folder(claim) / "executed.ipynb").read_bytes()
    with pytest.raises(Conflict):
        harness.run(claim)
    assert (harness.folder(claim) / "executed.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("code", "outcome", "error"),
    [
        ("import sys; sys.exit(0)", Outcome.SUCCEEDED, ""),
        ("import sys; sys.exit(1)", Outcome.FAILED, "SystemExit: 1"),
        ("input('name? ')", Outcome.FAILED, "input() was called in cell 2"),
        ("import os; os._exit(3)", Outcome.FAILED, "died in cell 2: it ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", Outcome.FAILED, "killed by SIGKILL"),
    ],
)
def test_other_ways_to_end(harness: AttemptHarness, code, outcome, error):
    report, claim = harness.run_text(notebook_text([STAGE + "stage('t')", code, "print('behind')"]))
    assert report.outcome is outcome
    assert error in report.error
    assert len(harness.table.commits) == (outcome is Outcome.SUCCEEDED)
    executed = harness.executed(claim)
    assert "behind" not in outputs(executed)
    if outcome is Outcome.FAILED:
        assert report.failed_cell == 1
        assert error_cell(executed) == 2


@pytest.mark.parametrize(
    ("cells", "failed", "staged"),
    [
        (["check('error')", "stage('t'); print('on')"], 1, ["t"]),
        (["stage('s')", "check('error'); stage('t')", "print('on')"], 2, ["s", "t"]),
        (["check('pass')", "check('error')", "stage('t'); print('on')"], 2, ["t"]),
        (["check('error')", "print('on')"], 1, []),
    ],
)
def test_a_failed_check_holds_all_outputs_and_later_cells_are_executed(
    harness: AttemptHarness, cells: list[str], failed: int, staged: list[str]
):
    report, claim = harness.run_text(notebook_text([STAGE, *cells]))
    assert (report.outcome, report.failed_cell) == (Outcome.HELD, failed)
    assert report.error == "a check of 'orders' failed: 0 rows"
    logged = " ".join(event["message"] for event in harness.events(claim, "log"))
    assert f"jupyter etl held {claim.run.id}" in logged
    assert "on" in outputs(harness.executed(claim))
    assert [one.name for one in report.staged] == staged
    assert harness.table.commits == []
    run = harness.store.load_run(1)
    assert (run.state, run.held_by) == (RunState.HELD, (HeldBy.CHECK,))
    assert "error" in [check.status for check in run.checks]
    hold = harness.store.load_hold(1)
    assert (list(hold.names), [one.message for one in hold.checks]) == (staged, ["0 rows"])
    assert all(Path(one.folder, "part.txt").is_file() for one in hold.staged)


@pytest.mark.parametrize("status", ["pass", "warn"])
def test_a_later_result_of_the_same_rule_replaces_the_earlier(harness: AttemptHarness, status: str):
    cells = [STAGE, "check('error')", f"check('{status}')", "stage('t')"]
    report, _ = harness.run_text(notebook_text(cells))
    assert (report.outcome, report.failed_cell) == (Outcome.SUCCEEDED, None)
    assert len(harness.table.commits) == 1


def test_a_cell_that_fails_behind_a_failed_check_fails_the_run(harness: AttemptHarness):
    report, _ = harness.run_text(notebook_text([STAGE, "stage('t'); check('error')", "1 / 0"]))
    assert (report.outcome, report.failed_cell, report.staged) == (Outcome.FAILED, 2, ())
    assert report.error == "ZeroDivisionError: division by zero"
    with pytest.raises(NotFound):
        harness.store.load_hold(1)


def test_a_check_failure_that_the_notebook_raises_and_a_broken_commit(harness: AttemptHarness):
    raising = (
        "from jupyter_etl.errors import CheckFailed\nraise CheckFailed('2 rows are not unique')"
    )
    report, _ = harness.run_text(notebook_text([STAGE, "stage('t')", raising]))
    # Later cells were not executed, so the outputs are not complete.
    assert (report.outcome, report.failed_cell) == (Outcome.FAILED, 2)
    assert report.error == "2 rows are not unique"
    assert harness.table.commits == []

    harness.table = FakePublisher(
        PublicationKind.TABLE, problem=OSError(28, "No space left on device")
    )
    report, _ = harness.run_text(notebook_text([STAGE, "stage('whole'); stage('broken')"]))
    assert report.outcome is Outcome.FAILED
    assert "No space left on device" in report.error
    assert report.committed == ()
    assert [publication.name for publication in harness.store.load_publications()] == []

    harness.table = FakePublisher(
        PublicationKind.TABLE, problem=PublishError("the contract is broken")
    )
    report, claim = harness.run_text(notebook_text([STAGE, "stage('broken')"]))
    assert (report.outcome, report.error) == (Outcome.FAILED, "the contract is broken")
    assert harness.executed(claim).cells


GRANDCHILDREN = """
import subprocess, signal, time
subprocess.Popen(["sleep", "{marker}"])
subprocess.Popen(["setsid", "sleep", "{marker}"])
subprocess.Popen(["sh", "-c", "setsid sleep {marker} & "])
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""


def test_a_timeout_that_the_kernel_ignores(harness: AttemptHarness):
    marker = "61803"
    stubborn = """
import threading
stop = time.monotonic() + 120
while time.monotonic() < stop:
    try:
        print("tick", flush=True); time.sleep(100)
    except KeyboardInterrupt:
        print("no", flush=True)
"""
    cells = [GRANDCHILDREN.format(marker=marker), stubborn, "print('behind')"]
    for timeout_s in (6.0, 20.0, 50.0):
        report, claim = harness.run_text(notebook_text(cells), timeout_s=timeout_s)
        assert report.outcome is Outcome.TIMED_OUT
        # A slow machine may need the first of them for the start of the kernel.
        if "tick" in outputs(harness.executed(claim)):
            break
    assert report.error.startswith(f"timed out after {timeout_s:g} s in cell 2")
    assert report.failed_cell == 1
    executed = harness.executed(claim)
    assert "tick" in outputs(executed)
    assert error_cell(executed) == 2
    assert survivors(marker) == []


def test_a_cancellation_interrupts_and_leaves_no_process_behind(harness: AttemptHarness):
    marker = "27182"
    cells = [STAGE, "stage('t')", GRANDCHILDREN.format(marker=marker), "time.sleep(100)"]
    claim = harness.claim(notebook_text(cells))
    asked: list[float] = []

    def cancel_when_sleeping() -> None:
        while not any(event["cell"] == 3 for event in harness.events(claim, "cell_started")):
            time.sleep(0.05)
        asked.append(time.monotonic())
        harness.store.request_cancel(claim.run.id, now=claim.run.created_at)

    thread = threading.Thread(target=cancel_when_sleeping)
    thread.start()
    report = harness.run(claim)
    thread.join()
    assert (report.outcome, report.error) == (Outcome.CANCELLED, "cancelled in cell 4")
    assert harness.store.load_run(1).state is RunState.CANCELLED
    assert harness.table.commits == []
    assert survivors(marker) == []
    assert "KeyboardInterrupt" in json.dumps(harness.executed(claim))


def test_an_attempt_that_was_replaced_fences_itself(harness: AttemptHarness):
    cells = [STAGE, "stage('t')\nimport time", "time.sleep(100)"]
    claim = harness.claim(notebook_text(cells))

    def replace_when_sleeping() -> None:
        while not any(event["cell"] == 2 for event in harness.events(claim, "cell_started")):
            time.sleep(0.05)
        attempt = claim.attempt
        harness.store.finish_attempt(
            attempt.run_id,
            attempt.number,
            attempt.token,
            AttemptReport(outcome=Outcome.LOST),
            state=RunState.QUEUED,
            not_before=claim.run.created_at,
            now=claim.run.created_at,
        )

    thread = threading.Thread(target=replace_when_sleeping)
    thread.start()
    report = harness.run(claim)
    thread.join()
    assert report.outcome is Outcome.LOST
    assert harness.table.commits == []
    assert harness.store.load_run(1).state is RunState.QUEUED
    remarks = [event["message"] for event in harness.events(claim, "log")]
    assert any("stops and publishes nothing" in remark for remark in remarks)


def test_a_notebook_without_kernelspec_and_with_a_parameter_of_the_language(
    harness: AttemptHarness,
):
    body = notebook_text(["print('day is', day)", "%etl param day date = yesterday"], kernel=None)
    _, claim = harness.run_text(body, parameters={"day": "2026-01-01"})
    assert any("python3 is used" in str(e["message"]) for e in harness.events(claim, "log"))
    executed = harness.executed(claim)
    [injected] = [c for c in executed.cells if "injected-parameters" in c.metadata.tags]
    assert 'date.fromisoformat("2026-01-01")' in injected.source
    assert "day is 2026-01-01" in outputs(executed)
    assert [event["cell"] for event in harness.events(claim, "cell_started")] == [0, 1]
