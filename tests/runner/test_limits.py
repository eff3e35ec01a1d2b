"""Limits with real kernels: what exceeds them is ended and named, and no process stays behind."""

from __future__ import annotations

import re
import threading
import time

import pytest

from fakes import shell_kernel
from fakes.attempts import AttemptHarness, notebook_text, outputs
from jupyter_etl.model import AttemptReport, FailureKind, Outcome
from jupyter_etl.ports import Claim
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.runner.limits import Limits, address_space_bytes
from jupyter_etl.system.processes import carriers

pytestmark = pytest.mark.kernel

DAEMON = """
import os, sys, time
def daemon():
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 1024)
    time.sleep(1000)
    os._exit(0)
daemon()
"""
# It stops growing, so that a watch which comes late does not find more than is expected.
BOMB = "import time; kept = [b'x' * 20_000_000 for _ in range(20)]; time.sleep(1000)"


def left_behind(harness: AttemptHarness, claim: Claim) -> set[int]:
    return carriers((ATTEMPT, str(harness.folder(claim))))


def shell_text(*cells: str, kernel: str) -> str:
    return notebook_text(cells, kernel=kernel).replace('"python"', '"bash"')


def cancelled_in(harness: AttemptHarness, claim: Claim, cell: int) -> AttemptReport:
    """Make the attempt, and cancel it as soon as a cell has begun."""

    def cancel_when_begun() -> None:
        while not any(event["cell"] == cell for event in harness.events(claim, "cell_started")):
            time.sleep(0.05)
        harness.store.request_cancel(claim.run.id, now=claim.run.created_at)

    thread = threading.Thread(target=cancel_when_begun)
    thread.start()
    report = harness.run(claim)
    thread.join()
    return report


def test_a_child_that_takes_all_memory(harness: AttemptHarness):
    cells = [DAEMON, f"import subprocess\nsubprocess.run([sys.executable, '-c', {BOMB!r}])", "3"]
    report, claim = harness.run_text(notebook_text(cells), memory_bytes=300_000_000)
    assert report.outcome is Outcome.FAILED
    said = re.fullmatch(
        r"out of memory in cell 2: (\d+) MB used, the limit is 300 MB", report.error
    )
    assert said is not None, report.error
    assert 300 <= int(said[1]) < 600
    assert report.failed_cell == 1
    assert report.peak_rss_bytes is not None
    assert report.peak_rss_bytes > 300_000_000
    assert harness.judged == [(FailureKind.OUT_OF_MEMORY, report.error)]
    assert harness.executed(claim).cells[3].outputs[0].evalue == report.error
    assert left_behind(harness, claim) == set()


def test_an_allocation_that_is_refused_and_what_a_kernel_is_given(harness: AttemptHarness):
    given = (
        "import resource, signal\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0], 'bytes')\n"
        "print(open('/proc/self/oom_score_adj').read().strip(), 'points')\n"
        "print(signal.getsignal(signal.SIGPIPE), os.environ['JUPYTER_ETL_ATTEMPT'])\n"
    )
    libraries = (
        "import numpy, pandas, pyarrow, duckdb, matplotlib.pyplot\n"
        "print(duckdb.connect().execute('select sum(range) from range(1000000)').fetchone())"
    )
    body = notebook_text(["import os\n" + given, libraries, "bytearray(10**15)"])
    report, claim = harness.run_text(body, memory_bytes=400_000_000)
    said = outputs(harness.executed(claim))
    assert report.error.startswith("out of memory in cell 3: "), said
    assert report.error.endswith("MB used, the limit is 400 MB (MemoryError)")
    assert f"{address_space_bytes(400_000_000)} bytes" in said
    assert "500 points" in said
    assert str(harness.folder(claim)) in said
    assert "(499999500000,)" in said
    assert harness.judged == [(FailureKind.OUT_OF_MEMORY, report.error)]


def test_stuck_in_c_with_a_daemon(harness: AttemptHarness):
    stuck = "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"
    claim = harness.claim(notebook_text([DAEMON, stuck]))
    report = cancelled_in(harness, claim, 1)
    assert (report.outcome, report.error) == (Outcome.CANCELLED, "cancelled in cell 2")
    executed = harness.executed(claim)
    assert "the run was cancelled" in executed.cells[-1].outputs[-1].evalue
    assert left_behind(harness, claim) == set()


def test_what_is_shown_is_cut_and_reported(harness: AttemptHarness):
    harness.limits = Limits(cell_output_bytes=20_000, run_output_bytes=50_000)
    cells = [
        "for n in range(100): print('x' * 999, flush=True)",
        "display('y' * 30_000); display('small'); print('z' * 100_000)",
        "for n in range(300): print(f'\\rstep {n:04d}' + '.' * 100, end='', flush=True)",
        "print('a' * 100_000); raise ValueError('b' * 100_000)",
    ]
    report, claim = harness.run_text(notebook_text(cells))
    assert report.outcome is Outcome.FAILED
    assert report.error.startswith("ValueError: bbb")
    shown = [cell.outputs for cell in harness.executed(claim).cells if cell.cell_type == "code"]
    first, second, third, fourth = shown
    assert [len(one.text) for one in first[:1]] == [20_000], "one output, and its beginning"
    # What is refused before it is decoded counts with its envelope.
    note = r"\[etl\] 8\d(\.\d)? kB of output omitted; of a cell, at most 20 kB are kept"
    assert re.match(note, first[1].text)
    assert second[0].data["text/plain"] == "'small'"
    assert len(second[1].text) == 20_000 - len("text/plain'small'")
    assert "110 kB of output omitted" in second[2].text
    assert third[0].text.startswith("step 0299..."), "a line that was overwritten is gone"
    assert len(third) == 1
    assert "of all cells of a run, at most 50 kB are kept" in fourth[-1].text
    assert [one.output_type for one in fourth] == ["stream", "error", "stream"]
    assert (harness.folder(claim) / "executed.ipynb").stat().st_size < 300_000


@pytest.mark.parametrize("mode", ["signal", "message"])
def test_a_kernel_that_is_not_ipython(harness: AttemptHarness, mode):
    shell_kernel.install("shell", interrupt_mode=mode)
    body = shell_text(
        "echo here",
        "exec >/dev/null; (setsid sleep 1000 &); sleep 1000 & sleep 1000",
        kernel="shell",
    )
    claim = harness.claim(body)
    report = cancelled_in(harness, claim, 1)
    assert (report.outcome, report.error) == (Outcome.CANCELLED, "cancelled in cell 2")
    executed = harness.executed(claim)
    assert "here" in outputs(executed)
    assert executed.cells[-1].outputs[-1].ename == "Exit", "it could tell of the interrupt"
    assert left_behind(harness, claim) == set()


def test_a_kernel_that_is_not_ipython_and_ignores_everybody(harness: AttemptHarness):
    shell_kernel.install("shell")
    body = shell_text("trap '' INT TERM HUP; while true; do sleep 1; done", kernel="shell")
    claim = harness.claim(body)
    report = cancelled_in(harness, claim, 0)
    assert (report.outcome, report.error) == (Outcome.CANCELLED, "cancelled in cell 1")
    assert left_behind(harness, claim) == set()
