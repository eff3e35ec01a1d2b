"""The log of a run, whatever its outcome."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.logged_runs import AT, RunHarness
from fakes.notebooks import write_notebook
from jupyter_etl.errors import NotFound
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.runner.folders import EVENTS, LOG
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.run_log.run_log import TailReader

STAMP = re.compile(r"2026-01-31 06:\d\d:\d\d\.\d{3} CET  ")


@pytest.fixture
def harness(etl: Etl) -> RunHarness:
    return RunHarness(etl)


def queued(harness: RunHarness) -> int:
    return harness.queued().id


def not_yet(harness: RunHarness) -> int:
    run = harness.queued()
    claim = harness.started(run)
    harness.ended(claim, state=RunState.QUEUED, not_before=datetime(2999, 1, 1, tzinfo=UTC))
    return run.id


def skipped(harness: RunHarness) -> int:
    return harness.queued(state=RunState.SKIPPED, note="another run was going on").id


def cancelled_before_start(harness: RunHarness) -> int:
    run = harness.queued()
    harness.etl.runs.cancel(run.id)
    return run.id


def claimed(harness: RunHarness) -> int:
    run = harness.queued()
    harness.claimed(run)
    return run.id


def running(harness: RunHarness) -> int:
    run = harness.queued()
    claim = harness.started(run)
    harness.event(claim, "kernel", warm=False, why="the pipeline asks for a cold start")
    harness.event(claim, "cell_started", cell=2, done=0, of=3, label="orders = %etl load wh.orders")
    harness.event(
        claim, "read", read={"source": "wh", "table": "orders", "rows": 5, "seconds": 120}
    )
    with (harness.folder(claim) / EVENTS).open("a") as file:
        file.write('{"at": "2026-01-31T05:00:09+00:00", "kind": "cell_fin')
    harness.etl.runs.cancel(run.id)
    return run.id


def failed(harness: RunHarness) -> int:
    run = harness.queued()
    claim = harness.started(run)
    trace = "Traceback\n  File x\n\x1b[31mKeyError\x1b[0m: 'x'"
    harness.event(
        claim, "cell_finished", cell=2, done=1, of=3, ok=False, seconds=1.5, traceback=trace
    )
    (harness.folder(claim) / LOG).write_bytes(b"\x1b]0;evil\x07hello\nwith\xffout an end")
    harness.event(claim, "staged", name="sales.daily", publication="table", rows=12)
    harness.event(claim, "log", message="no variables were saved")
    harness.event(claim, "something new", of="a later version")
    harness.event(claim, "cell_started", without="what it needs")
    harness.ended(claim)
    return run.id


def refused(harness: RunHarness) -> int:
    """The runner wrote no event: its kernel could not be found, for one."""
    run = harness.queued()
    claim = harness.started(run)
    harness.ended(claim, AttemptReport(outcome=Outcome.FAILED, error="No kernel is named 'r'."))
    return run.id


def lost(harness: RunHarness) -> int:
    run = harness.queued()
    report = AttemptReport(outcome=Outcome.LOST, error="the runner ended with exit code 137")
    harness.ended(harness.claimed(run), report)
    return run.id


def several(harness: RunHarness) -> int:
    run = harness.queued()
    harness.ended(harness.started(run), state=RunState.QUEUED, not_before=harness.now)
    harness.ended(
        harness.started(run), AttemptReport(outcome=Outcome.CANCELLED), RunState.CANCELLED
    )
    return run.id


def pruned(harness: RunHarness) -> int:
    run = harness.queued()
    claim = harness.started(run)
    harness.ended(claim)
    shutil.rmtree(harness.folder(claim))
    return run.id


QUEUED = (
    "run 1 of daily-sales (version 3) queued on request, due 2026-01-31 06:00:00 CET, owner sam"
)
KINDS: dict[str, tuple[Callable[[RunHarness], int], list[str]]] = {
    "queued": (queued, ["waits for a scheduler, and none is alive; start one: jupyter etl up"]),
    "waits for its next attempt": (
        not_yet,
        ["attempt 1 failed", "waits until 2999-01-01 01:00:00 CET before it is tried again"],
    ),
    "skipped": (skipped, ["skipped: another run was going on"]),
    "cancelled before start": (cancelled_before_start, ["cancelled before it started"]),
    "claimed": (claimed, ["--- Attempt 1 ---", "claimed by scheduler 01234567"]),
    "running": (
        running,
        [
            "--- Attempt 1 ---",
            "claimed by scheduler 01234567",
            "attempt 1 started on vm7, process 12",
            "the kernel is ready, started cold: the pipeline asks for a cold start",
            "cell 3 started: orders = %etl load wh.orders",
            "read wh.orders: 5 rows in 2 min 00 s",
            "its cancellation was requested",
        ],
    ),
    "failed": (
        failed,
        [
            "attempt 1 started",
            "cell 3 failed after 1.50 s\n    Traceback\n      File x\n    KeyError: 'x'\n",
            "staged table sales.daily, 12 rows, not visible yet",
            "no variables were saved",
            "attempt 1 failed after 8.00 s in cell 3: KeyError: 'x'",
            "cause: A column is missing\n",
            "output of the processes",
            "    | hello\n    | with\ufffdout an end",
        ],
    ),
    "refused": (refused, ["attempt 1 failed after 3.00 s: No kernel is named 'r'."]),
    "lost": (lost, ["claimed by", "attempt 1 lost: the runner ended with exit code 137"]),
    "several attempts": (
        several,
        ["--- Attempt 1 ---", "attempt 1 failed", "--- Attempt 2 ---", "attempt 2 cancelled"],
    ),
    "pruned": (
        pruned,
        [
            "attempt 1 started on vm7",
            "the files of this attempt are no longer on this machine",
            "read wh.orders: 1,204 rows in 0.42 s, version 7",
            "checked orders: 0 of 1 rules passed",
            "check error: orders: 3 of 9 rows: a > 5 is false",
            "attempt 1 failed after 3.00 s in cell 3: KeyError: 'x'",
        ],
    ),
}


@pytest.mark.parametrize(("make", "expected"), KINDS.values(), ids=KINDS)
def test_every_run_has_a_log(
    harness: RunHarness, make: Callable[[RunHarness], int], expected: list[str]
) -> None:
    log = harness.etl.runs.log(make(harness))
    at = 0
    for part in [QUEUED, *expected]:
        assert part in log[at:], f"{part!r} is not in:\n{log[at:]}"
        at = log.index(part, at) + len(part)
    assert "\x1b" not in log
    assert "cell_fin" not in log


@pytest.mark.parametrize(("make", "_expected"), KINDS.values(), ids=KINDS)
def test_times_carry_their_zone_and_do_not_go_back(
    harness: RunHarness, make: Callable[[RunHarness], int], _expected: list[str]
) -> None:
    run = make(harness)
    log = harness.etl.runs.open_log(run)
    timed = [line for line in log.new_lines() if line.at is not None]
    assert timed == sorted(timed, key=lambda line: line.at or AT)
    stamped = [line for line in harness.etl.runs.log(run).split("\n") if STAMP.match(line)]
    assert len(stamped) >= 1


@pytest.mark.parametrize(("make", "_expected"), KINDS.values(), ids=KINDS)
def test_what_was_read_is_not_read_again(
    harness: RunHarness, make: Callable[[RunHarness], int], _expected: list[str]
) -> None:
    log = harness.etl.runs.open_log(make(harness))
    assert log.new_lines(rest=True)
    assert log.new_lines(rest=True) == []


def test_a_log_is_followed_piece_by_piece(harness: RunHarness) -> None:
    log = harness.etl.runs.open_log(harness.queued().id)
    assert [line.kind for line in log.new_lines()] == ["run", "run"]
    claim = harness.started(log.run)
    assert [line.kind for line in log.new_lines()] == ["attempt", "started", "started"]
    harness.event(claim, "cell_started", cell=0, done=0, of=1, label="1 + 1")
    with (harness.folder(claim) / LOG).open("a") as output:
        output.write("one\ntw")
        output.flush()
        assert [line.text for line in log.new_lines()] == [
            "cell 1 started: 1 + 1",
            "output of the processes",
            "one",
        ]
        output.write("o\n")
    assert [line.text for line in log.new_lines()] == ["two"]
    harness.ended(claim, AttemptReport(outcome=Outcome.SUCCEEDED), RunState.SUCCEEDED)
    assert [line.text for line in log.new_lines()] == ["attempt 1 succeeded after 4.00 s"]
    assert list(log.follow()) == [[]]


def test_of_a_long_log_the_end_is_shown(harness: RunHarness) -> None:
    run = harness.queued()
    claim = harness.started(run)
    for number in range(10):
        harness.event(claim, "log", message=f"{number} " + "x" * 100_000)
    (harness.folder(claim) / LOG).write_text("first\n" + "y" * 300_000 + "\nlast\n")
    harness.ended(claim)
    log = harness.etl.runs.log(run.id)
    assert len(log) < 700_000
    assert QUEUED in log
    assert "attempt 1 started on vm7" in log
    assert " 9 xxx" in log
    assert " 2 xxx" not in log
    assert "| last" in log
    assert "first" not in log
    assert len(re.findall(r"bytes omitted; the complete log is /", log)) == 2


@pytest.mark.parametrize(
    ("parts", "rest", "lines", "skipped"),
    [
        ([b""], False, [[]], 0),
        ([b"a\nb\n"], False, [["a", "b"]], 0),
        ([b"a\nb"], False, [["a"]], 0),
        ([b"a\nb"], True, [["a", "b"]], 0),
        ([b"a", b"b\n"], False, [[], ["ab"]], 0),
        ([b"a\n\nb\n"], False, [["a", "", "b"]], 0),
        ([b"123456789\nabc\n"], False, [["abc"]], 10),
        ([b"a\n", b"123456789\nabc\n"], False, [["a"], ["abc"]], 10),
        ([b"0123456789abcdef\n"], False, [[]], 17),
        ([b"0123456789abcdef"], True, [["6789abcdef"]], 6),
    ],
)
def test_the_tail_of_a_file(
    tmp_path: Path, parts: list[bytes], rest: bool, lines: list[list[str]], skipped: int
) -> None:
    path = tmp_path / "log"
    tail = TailReader(path, 10)
    assert tail.lines() == []
    found = []
    for part in parts:
        with path.open("ab") as file:
            file.write(part)
        found.append(tail.lines(rest=rest))
    assert (found, tail.skipped) == (lines, skipped)


def test_a_run_is_found_by_number_and_by_pipeline(harness: RunHarness, here: Path) -> None:
    etl = harness.etl
    first = harness.queued()
    harness.later()
    second = harness.queued()
    harness.later()
    named = harness.queued(pipeline="2026")
    etl.pipelines.schedule(write_notebook(here / "monthly.ipynb", "1"))
    assert [etl.runs.find(target).id for target in (first.id, "1", "daily-sales", "2026", "3")] == [
        *(first.id, first.id, second.id, named.id, named.id)
    ]
    for target, said in {
        "daily-sale": "'daily-sales'",
        "monthl": "'monthly'",
        "99": "newest is run 3",
        "9" * 40: "newest is run 3",
        "monthly": "has no runs yet",
        "zzz": "newest is run 3",
    }.items():
        with pytest.raises(NotFound, match=re.escape(said)):
            etl.runs.find(target)
