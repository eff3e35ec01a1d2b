"""Notebooks that end their run: `exit()`, `quit()`, `sys.exit()`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import papermill
import pytest

from fakes.attempts import AttemptHarness, notebook_text, outputs
from fakes.notebooks import code, write_notebook
from jupyter_etl.model import FailureKind, Outcome
from jupyter_etl.runner.kernel.exits import Exit, exit_of, kernel_code, stop_at_exit

ENDED = "the notebook ended the run in cell {} with {}; later cells were not executed"

STAGE = """
import os
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.model import PublicationKind, PublishMode, Staged
channel = RunnerChannel(os.environ["JUPYTER_ETL_CHANNEL"])
def stage(name):
    folder = channel.stage_folder(name)
    (folder / "part.txt").write_text("data")
    return channel.publish(Staged(name=name, kind=PublicationKind("table"), folder=str(folder),
                                  files=("part.txt",), mode=PublishMode("replace"), rows=1))
stage('early')
"""


def asked(keep: object, **more: object) -> dict[str, object]:
    return {"payload": [{"source": "ask_exit", "keepkernel": keep}], **more}


def raised(text: str) -> dict[str, object]:
    return {"status": "error", "ename": "SystemExit", "evalue": text, "payload": []}


@pytest.mark.parametrize(
    ("reply", "may_raise", "ended"),
    [
        (asked(None), False, Exit(how="exit()")),
        (asked(False), True, Exit(how="exit()")),
        (asked(True), False, Exit(how="exit()")),
        (asked(0), False, Exit(how="exit()")),
        (asked(None, status="error", ename="NotebookExit"), True, Exit(how="exit()")),
        (asked(1), False, Exit(how="exit()", failure="1")),
        (asked(2), True, Exit(how="exit()", failure="2")),
        (asked("no rows"), False, Exit(how="exit()", failure="no rows")),
        (raised(""), False, Exit(how="sys.exit()")),
        (raised("0"), False, Exit(how="sys.exit()")),
        (raised("None"), False, Exit(how="sys.exit()")),
        (raised("0"), True, None),
        (raised("1"), False, None),
        (raised("no rows"), False, None),
        ({"status": "ok", "payload": [{"source": "page", "data": {}}]}, False, None),
        ({"status": "error", "ename": "ValueError", "evalue": ""}, False, None),
    ],
)
def test_what_a_reply_says(reply: dict[str, Any], may_raise: bool, ended: Exit | None) -> None:
    assert exit_of(reply, may_raise=may_raise) == ended


class Shell(SimpleNamespace):
    """The part of IPython's shell that `exit()` uses."""

    def __init__(self, status: object) -> None:
        self.payloads: list[dict[str, object]] = []
        app = SimpleNamespace(close=None, reset_io=lambda: None, io_loop=SimpleNamespace())
        super().__init__(
            keepkernel_on_exit=status,
            kernel=SimpleNamespace(
                parent=app,
                session=SimpleNamespace(send=None),
                iopub_socket=None,
                iopub_thread=SimpleNamespace(schedule=lambda _: None),
            ),
            events=SimpleNamespace(register=lambda *_: None),
            payload_manager=SimpleNamespace(write_payload=self.payloads.append),
        )


@pytest.mark.parametrize(
    ("status", "sent"), [(None, None), (True, True), (3, 3), ("why", "why"), (Path("a"), "a")]
)
@pytest.mark.parametrize("by_code", [False, True])
def test_the_kernel_shows_it_and_leaves_the_cell(
    status: object, sent: object, by_code: bool
) -> None:
    shell = Shell(status)
    if by_code:
        names: dict[str, object] = {"get_ipython": lambda: shell}
        exec(kernel_code(may_exit=True), names)  # noqa: S102 - as a kernel does
        assert set(names) == {"get_ipython", "__builtins__"}
    else:
        stop_at_exit(shell)
    with pytest.raises(BaseException) as left:
        shell.ask_exit()
    assert not isinstance(left.value, Exception), "code that catches errors does not catch it"
    assert shell.payloads == [{"source": "ask_exit", "keepkernel": sent}]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("cell", "how"),
    [
        ("for n in range(3):\n    print('once')\n    exit()\nprint('behind')", "exit()"),
        ("def leave():\n    try:\n        quit()\n    except Exception:\n        pass\n"
         "print('once')\nleave()\nprint('behind')", "exit()"),
        ("import asyncio\nprint('once')\ntry:\n    exit(keep_kernel=True)\nexcept BaseException:\n"
         "    pass\nawait asyncio.sleep(0.3)", "exit()"),
        ("import sys\nprint('once')\nsys.exit()", "sys.exit()"),
    ],
)  # fmt: skip
def test_a_run_ends_as_a_success_and_publishes_what_was_staged(
    harness: AttemptHarness, cell: str, how: str
) -> None:
    cells = [STAGE, ("markdown", "# Text"), cell, "stage('late'); print('behind')"]
    report, claim = harness.run_text(notebook_text(cells))
    assert (report.outcome, report.error, report.failed_cell) == (Outcome.SUCCEEDED, "", None)
    assert [commit["staged"].name for commit in harness.table.commits] == ["early"]
    executed = harness.executed(claim)
    shown = outputs(executed)
    assert shown.count("once") == 1
    assert "behind" not in shown
    assert f"[etl] the notebook ended the run with {how}" in shown
    assert "NotebookExit" not in shown
    assert executed.cells[2].metadata.papermill["status"] == "completed"
    assert harness.events(claim, "log")[0]["message"] == ENDED.format(3, how)
    assert harness.events(claim, "cell_finished")[-1]["ok"] is True


@pytest.mark.kernel
def test_a_status_is_a_failure(harness: AttemptHarness) -> None:
    report, claim = harness.run_text(notebook_text([STAGE, "exit('no rows')", "print('behind')"]))
    assert (report.outcome, report.failed_cell) == (Outcome.FAILED, 1)
    assert report.error == "SystemExit: no rows"
    assert harness.judged == [("SystemExit", report.error)]
    assert harness.table.commits == []
    assert "behind" not in outputs(harness.executed(claim))


@pytest.mark.kernel
def test_a_cell_that_may_raise_ends_the_run_by_exit_alone(
    harness: AttemptHarness, tmp_path: Path
) -> None:
    path = write_notebook(
        tmp_path / "tagged.ipynb",
        code("import sys; sys.exit()", "raises-exception"),
        code("print('goes on'); exit()", "raises-exception"),
        "print('behind')",
    )
    report, claim = harness.run_text(path.read_text("utf-8"))
    assert (report.outcome, report.error) == (Outcome.SUCCEEDED, "")
    shown = outputs(harness.executed(claim))
    assert "goes on" in shown
    assert "behind" not in shown


@pytest.mark.kernel
def test_a_cold_kernel_ends_without_taking_itself_apart(harness: AttemptHarness) -> None:
    cell = """
import atexit, threading, time
from types import SimpleNamespace

def note(name):
    open(name, 'w').close()

class Module:
    def __del__(self):
        note('taken apart')

kept = Module()
kept.itself = kept
app = get_ipython().kernel.parent
app.heartbeat.context = SimpleNamespace(term=lambda: note('closed'))
atexit.register(note, 'registered')
threading.Thread(target=lambda: (time.sleep(0.3), note('thread'))).start()
"""
    report, _ = harness.run_text(notebook_text([cell]))
    assert (report.outcome, report.error) == (Outcome.SUCCEEDED, "")
    left = {path.name for path in harness.notebooks.iterdir()}
    assert {"registered", "thread"} <= left
    assert not {"taken apart", "closed"} & left


EXPECTED = {
    "ZeroDivisionError": "1 / 0",
    "SystemExit": "import sys; sys.exit(3)",
    "KeyError": "raise KeyError('x')",
}


@pytest.mark.kernel
def test_expected_exceptions_do_not_fail_the_run(harness: AttemptHarness, tmp_path: Path) -> None:
    tagged = [code(raised, "raises-exception") for raised in EXPECTED.values()]
    path = write_notebook(tmp_path / "tagged.ipynb", STAGE, *tagged, "print('behind')")
    report, claim = harness.run_text(path.read_text("utf-8"))
    assert (report.outcome, report.error, report.failed_cell) == (Outcome.SUCCEEDED, "", None)
    assert len(harness.table.commits) == 1
    executed = harness.executed(claim)
    assert "behind" in outputs(executed)
    outputs_of = [cell.outputs for cell in executed.cells[1:-1]]
    errors = [[one.ename for one in shown if one.output_type == "error"] for shown in outputs_of]
    assert errors == [[name] for name in EXPECTED]
    assert "papermill-error-cell" not in nbformat.writes(executed)
    assert len(executed.cells) == len(EXPECTED) + 2


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("cells", "failed", "error"),
    [
        ([code("1 / 0", "raises-exception"), "[][0]"], 1, "IndexError"),
        ([code("exit('no rows')", "raises-exception"), "print('behind')"], 0, "SystemExit"),
        ([code("1 / 0", "raises-error"), "print('behind')"], 0, "ZeroDivisionError"),
    ],
)
def test_other_exceptions_fail_the_run_beside_it(
    harness: AttemptHarness, tmp_path: Path, cells: list[object], failed: int, error: str
) -> None:
    path = write_notebook(tmp_path / "tagged.ipynb", *cells)
    report, _ = harness.run_text(path.read_text("utf-8"))
    assert (report.outcome, report.failed_cell) == (Outcome.FAILED, failed)
    assert error in report.error


@pytest.mark.kernel
def test_code_that_ends_the_kernel_is_the_notebooks_fault(harness: AttemptHarness) -> None:
    report, _ = harness.run_text(notebook_text([STAGE, "import os; os._exit(0)"]))
    assert report.outcome is Outcome.FAILED
    assert report.error == "the kernel died in cell 2: it ended with exit code 0"
    assert harness.judged == [(FailureKind.KERNEL_EXITED, report.error)]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("cell", "problem"), [("exit()\nprint('behind')", ""), ("exit(4)", "SystemExit: 4")]
)
def test_papermills_engine_ends_alike(
    tmp_path: Path, isolation: Path, cell: str, problem: str
) -> None:
    source = write_notebook(tmp_path / "in.ipynb", "print('before')", cell, "print('behind')")
    out = tmp_path / "out.ipynb"
    options = {"engine_name": "jupyter_etl", "kernel_name": "python3", "progress_bar": False}
    if problem:
        with pytest.raises(papermill.PapermillExecutionError, match=problem):
            papermill.execute_notebook(str(source), str(out), **options)
    else:
        papermill.execute_notebook(str(source), str(out), **options)
    shown = outputs(nbformat.read(out, as_version=4))
    assert "before" in shown
    assert "behind" not in shown
    assert ("ended the run with exit()" in shown) == (not problem)
