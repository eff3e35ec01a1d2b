"""Folders, events, cells, processes and outcomes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading

import nbformat
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.attempts import AttemptHarness, SystemClock, notebook_text
from jupyter_etl.errors import ExecutionError, NotFound
from jupyter_etl.model import Outcome
from jupyter_etl.runner.cells import cell_title, deployed_indices
from jupyter_etl.runner.events import EventLog, read_events
from jupyter_etl.runner.folders import attempt_folder, load_claim, save_claim, write_atomically
from jupyter_etl.runner.kernel.kernels import kernel_environment
from jupyter_etl.runner.outcome import one_line, outcome_of_cancellation, outcome_of_error
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason
from jupyter_etl.runner.watchdogs.termination import Guard
from jupyter_etl.system.processes import kill_tree, members, process_of, resident_bytes


def test_a_claim_is_kept_private_and_comes_back_whole(harness: AttemptHarness):
    claim = harness.claim(notebook_text(["1"]), parameters={"a": [1, {"b": None}]})
    folder = save_claim(harness.home, claim)
    assert folder == attempt_folder(harness.home, claim.run.id, 1)
    assert folder.parts[-3:] == ("runs", "00000001", "1")
    assert stat.S_IMODE((folder / "context.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert load_claim(folder) == claim


def test_a_folder_without_claim_is_refused(tmp_path):
    with pytest.raises(ExecutionError, match="not a claim"):
        load_claim(tmp_path)
    (tmp_path / "context.json").write_text('{"run": 1}')
    with pytest.raises(ExecutionError, match="not a claim"):
        load_claim(tmp_path)


def test_a_home_that_cannot_be_written_is_reported(harness: AttemptHarness, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExecutionError, match="cannot be written"):
        save_claim(tmp_path / "file", harness.claim(notebook_text(["1"])))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "f"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "text is no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


def test_events_of_many_threads_are_whole_lines(tmp_path):
    path = tmp_path / "events.jsonl"
    assert read_events(path) == []
    log = EventLog(path, SystemClock())

    def log_number(number: int) -> None:
        for step in range(50):
            log.add("log", message="x" * 200, number=number, step=step)

    threads = [threading.Thread(target=log_number, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with path.open("ab") as file:
        file.write(b'{"at": "being writ')
    events = read_events(path)
    assert len(events) == 300
    assert len(read_events(path, after=298)) == 2
    for number in range(6):
        assert [e["step"] for e in events if e["number"] == number] == list(range(50))


MARK, INJECTED, PARAMETERS = "papermill-error-cell-tag", "injected-parameters", "parameters"
tags = st.sampled_from([(), (), (MARK,), (PARAMETERS,), ("other",)])


@settings(deadline=None)  # the first example imports papermill
@given(cells=st.lists(tags, max_size=8), injected_before=st.booleans(), inject=st.booleans())
def test_cells_are_found_again_after_what_papermill_does(cells, injected_before, inject):
    from papermill.execute import remove_error_markers
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    all_tags = [*cells, (INJECTED,)] if injected_before else cells
    made = [
        nbformat.v4.new_code_cell(f"# {number}", metadata={"tags": list(each)})
        for number, each in enumerate(all_tags)
    ]
    spec = {"name": "python3", "display_name": "Python"}
    metadata = {"kernelspec": spec, "language_info": {"name": "python"}}
    notebook = load_notebook_node(nbformat.v4.new_notebook(cells=made, metadata=metadata))
    deployed = list(notebook.cells)
    executed = parameterize_notebook(notebook, {"x": 1}) if inject else notebook
    executed = remove_error_markers(executed)
    indices = deployed_indices(deployed, executed.cells)
    assert len(indices) == len(executed.cells)
    for cell, index in zip(executed.cells, indices, strict=True):
        if cell.source.startswith("# Parameters"):
            replaced = injected_before
            assert (index is not None) == replaced
        else:
            assert cell.source == f"# {index}"


def test_people_count_cells_from_one():
    assert cell_title(0) == "cell 1"
    assert cell_title(None) == "the cell of injected parameters"


def test_what_only_the_platform_may_know_stays_with_it(monkeypatch):
    monkeypatch.setenv("JUPYTER_ETL_LEDGER", "x")
    monkeypatch.setenv("JUPYTER_ETL_LEDGER_POOL", "x")
    monkeypatch.setenv("JUPYTER_ETL_ALERTS", "x")
    monkeypatch.setenv("JUPYTER_ETL_HOME", "home")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    env = kernel_environment({"JUPYTER_ETL_CHANNEL": "/tmp/x"})
    assert env["JUPYTER_ETL_CHANNEL"] == "/tmp/x"
    assert env["MPLBACKEND"] == "Agg"
    assert env["PATH"] == os.environ["PATH"]
    assert env["JUPYTER_ETL_HOME"] == "home"
    assert not [k for k in env if k.startswith(("JUPYTER_ETL_LEDGER", "JUPYTER_ETL_ALERTS"))]


TREE = """
import subprocess, sys, time
subprocess.Popen(["sleep", "1000"])
subprocess.Popen(["setsid", "sleep", "1000"])
leaves = ["sh", "-c", "setsid sh -c 'echo left; exec sleep 1000' &"]
with subprocess.Popen(leaves, stdout=subprocess.PIPE) as shell:
    shell.stdout.readline()
print("up", flush=True)
time.sleep(1000)
"""


def test_a_tree_is_killed_with_those_who_left_it():
    marker = ("ETL_TEST_MARKER", f"{os.getpid()}-tree")
    child = subprocess.Popen(
        [sys.executable, "-c", TREE],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, marker[0]: marker[1]},
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        handle = process_of(child.pid)
        assert len(members(handle)) == 3, "but for the one that left tree and session"
        assert resident_bytes(members(handle)) > 1_000_000
        assert kill_tree(handle, marker) == 4
        child.wait()
        assert kill_tree(None, marker) == 0
    assert resident_bytes([child.pid]) == 0


def test_a_stranger_with_a_reused_number_is_left_alone():
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with child:
        handle = psutil.Process(child.pid)
        handle._create_time = 1.0  # type: ignore[attr-defined]
        handle._ident = (child.pid, 1.0)  # type: ignore[attr-defined]
        assert kill_tree(handle, ("ETL_TEST_MARKER", "nobody")) == 0
        assert child.poll() is None
        child.kill()


def test_the_guard_kills_what_does_not_listen():
    cancellation = Cancellation()
    code = "import signal, time\nsignal.signal(2, 1)\nprint('up', flush=True)\ntime.sleep(1000)"
    marker = ("ETL_TEST_MARKER", f"{os.getpid()}-guard")
    with Guard(cancellation, timeout_s=1000, marker=marker, grace_s=0.4) as guard:
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
        )
        with child:
            assert child.stdout is not None
            child.stdout.readline()
            guard.kernel_started(child.pid)
            cancellation.ask(CancellationReason.CANCELLED)
            assert child.wait() == -9
    assert cancellation.reason is CancellationReason.CANCELLED


def test_the_guard_shows_when_the_time_is_over():
    cancellation = Cancellation()
    with Guard(cancellation, timeout_s=0.01, marker=("ETL_TEST_MARKER", "x"), grace_s=0.0):
        assert cancellation.wait(100)
    assert cancellation.reason is CancellationReason.TIMED_OUT


def test_a_guard_that_was_not_needed_gives_no_reason():
    cancellation = Cancellation()
    with Guard(cancellation, timeout_s=1000, marker=("ETL_TEST_MARKER", "x")):
        pass
    assert cancellation.reason is None


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("name 'x' is not defined", "NameError: name 'x' is not defined"),
        ("\x1b[31mred\x1b[0m\nmore", "NameError: red"),
        ("", "NameError"),
        ("  spaced \t out ", "NameError: spaced out"),
        ("y" * 1000, f"NameError: {'y' * 488}…"),
    ],
)
def test_an_error_is_one_line(value, line):
    assert one_line("NameError", value) == line


def test_endings_show_what_a_judge_needs():
    assert (
        outcome_of_cancellation(CancellationReason.TIMED_OUT, 2, 90.0).error
        == "timed out after 1 min 30 s in cell 3"
    )
    assert outcome_of_cancellation(CancellationReason.CANCELLED, None, 1.0).error == "cancelled"
    assert outcome_of_cancellation(CancellationReason.FENCED, 1, 1.0).outcome is Outcome.LOST
    ending = outcome_of_error(NotFound("no x.", hint="Make x."), None)
    assert ending.failure is not None
    assert (ending.failure.error_type, ending.error) == ("NotFound", "no x. Make x.")
    ending = outcome_of_error(KeyError("k"), None)
    assert ending.failure is not None
    assert ending.failure.error_type == "KeyError"
    assert "could not be executed" in ending.error
