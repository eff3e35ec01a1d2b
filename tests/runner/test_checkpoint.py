"""The folder of a checkpoint, without a kernel: its files are written here as a kernel writes them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.attempts import AttemptHarness, FakePolicy, notebook_text
from jupyter_etl.errors import NotFound
from jupyter_etl.model import (
    CheckResult,
    CheckRule,
    CheckStatus,
    Outcome,
    PublicationKind,
    Read,
    Reported,
    Staged,
)
from jupyter_etl.ports import Claim
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.checkpoints.checkpoint import (
    DESCRIPTION,
    Keeper,
    discard_checkpoint,
    discard_superseded,
    load_checkpoint,
)
from jupyter_etl.runner.checkpoints.resume import start_of
from jupyter_etl.runner.folders import CHECKPOINT, EXECUTED, SNAPSHOT, STAGE
from jupyter_etl.runner.preparation import Prepared, prepare

CELLS = ["a = 1", "b = 2", "c = 1 / 0"]
INDEX = {"python": "cpython 3.11", "names": ["a"], "left_out": {"b": "no"}, "uses": {}, "bytes": 9}


class Attempt:
    """A failed attempt whose kernel has written its variables."""

    def __init__(self, harness: AttemptHarness) -> None:
        self.claim = harness.claim(notebook_text(CELLS))
        self.folder = harness.folder(self.claim)
        self.prepared = self.prepare()
        (self.folder / EXECUTED).write_text(notebook_text(CELLS))
        self.record = RunRecord(harness.context(self.claim))
        self.keeper = Keeper(
            folder=self.folder, attempt=1, record=self.record, prepared=self.prepared
        )

    def prepare(self) -> Prepared:
        new = self.claim.run.new
        return prepare(notebook_text(CELLS), new, self.folder / SNAPSHOT)

    def stage(self, name: str) -> Staged:
        folder = self.folder / STAGE / f"{name}-x"
        (folder / "day=1").mkdir(parents=True)
        (folder / "day=1" / "part.parquet").write_text(name)
        staged = Staged(
            name=name,
            kind=PublicationKind.TABLE,
            folder=str(folder),
            files=("day=1/part.parquet",),
            rows=1,
        )
        self.record.publish(staged)
        return staged

    def written(self) -> None:
        assert "keep(get_ipython(), " in self.keeper.code()
        (self.folder / CHECKPOINT / "names.json").write_text(json.dumps(INDEX))
        (self.folder / CHECKPOINT / "names.pickle").write_bytes(b"values")
        self.keeper.written()


@pytest.fixture
def attempt(harness: AttemptHarness) -> Attempt:
    return Attempt(harness)


def next_claim(claim: Claim) -> Claim:
    return replace(claim, attempt=replace(claim.attempt, number=2))


def test_the_next_attempt_begins_with_all_that_was_said(
    attempt: Attempt, harness: AttemptHarness
) -> None:
    first = attempt.stage("first")
    rule = CheckRule(text="id: unique", kind="unique", column="id")
    check = CheckResult(
        rule=rule, status=CheckStatus.PASS, dataset="df", failed_rows=0, total_rows=1, message=""
    )
    attempt.record.report_checks([check])
    attempt.record.report_read(Read(source="wh", rows=3))
    attempt.keeper.cell_starts()
    attempt.stage("by the cell that failed")
    attempt.written()
    assert (attempt.folder / CHECKPOINT).stat().st_mode & 0o777 == 0o700
    reported = attempt.keeper.finish(Outcome.FAILED, 2)
    assert reported == "saved 1 variables (9 B), to resume at cell 3; left out: b (no)"
    kept = load_checkpoint(attempt.folder)
    assert (kept.failed_cell, kept.before, kept.kernel) == (2, tuple(CELLS[:2]), "python3")
    assert not (attempt.folder / STAGE).exists(), "moved, so that it is not removed"
    description = attempt.folder / CHECKPOINT / DESCRIPTION
    written = description.read_bytes()
    description.write_bytes(written.replace(b'"reported":', b'"said":'))
    assert load_checkpoint(attempt.folder) == kept, "written by an earlier version"

    second = harness.folder(next_claim(attempt.claim))
    for _ in range(2):
        # A second time after an attempt that was lost.
        start = start_of(
            1,
            folder=second,
            snapshot=notebook_text(CELLS),
            prepared=attempt.prepared,
            policy=FakePolicy(),
        )
    assert (start.cell, start.attempt, len(start.taken_over)) == (2, 1, 2)
    assert f"restore(get_ipython(), '{attempt.folder / CHECKPOINT}')" in start.code
    assert start.reported.checks == (check,)
    assert start.reported.reads == (Read(source="wh", rows=3),)
    (staged,) = start.reported.staged
    assert staged == replace(first, folder=str(second / STAGE / "first-x"))
    assert Path(staged.folder, "day=1", "part.parquet").read_text() == "first"
    attempt.record.take_over(Reported())
    assert attempt.record.staged == []


@pytest.mark.parametrize(
    ("outcome", "cell"),
    [
        (Outcome.CANCELLED, 2),
        (Outcome.TIMED_OUT, 2),
        (Outcome.LOST, None),
        (Outcome.SUCCEEDED, None),
        (Outcome.FAILED, None),
    ],
)
def test_nothing_is_kept_unless_a_cell_failed(
    attempt: Attempt, outcome: Outcome, cell: int | None
) -> None:
    attempt.written()
    assert attempt.keeper.finish(outcome, cell) == ""
    assert not (attempt.folder / CHECKPOINT).exists()
    with pytest.raises(NotFound, match=r"attempt 1 saved no variables.*--checkpoint"):
        load_checkpoint(attempt.folder)


@pytest.mark.parametrize("problem", ["it took longer than 30 s", ""])
def test_why_nothing_was_kept_is_kept(attempt: Attempt, problem: str) -> None:
    attempt.keeper.code()
    (attempt.folder / CHECKPOINT / "names.pickle").write_bytes(b"half")
    # Where the kernel says that all is well, but has written no index, nothing can be believed.
    attempt.keeper.written(problem)
    reported = attempt.keeper.finish(Outcome.HELD, 2)
    assert reported.startswith(f"no variables were saved: {problem}")
    assert load_checkpoint(attempt.folder).problem == reported
    assert [file.name for file in (attempt.folder / CHECKPOINT).iterdir()] == ["checkpoint.json"]


def why_not(attempt: Attempt, second: Path) -> str:
    start = start_of(
        1,
        folder=second,
        snapshot=notebook_text(CELLS),
        prepared=attempt.prepared,
        policy=FakePolicy(),
    )
    assert (start.cell, start.code, start.reported) == (None, "", Reported())
    return start.note.removeprefix(
        "This attempt could not resume at the failed cell, and starts from the first one: "
    )


def test_why_an_attempt_starts_from_the_first_cell(
    attempt: Attempt, harness: AttemptHarness
) -> None:
    second = harness.folder(next_claim(attempt.claim))
    assert why_not(attempt, second).startswith("attempt 1 saved no variables;")
    attempt.stage("t")
    attempt.keeper.cell_starts()
    attempt.written()
    attempt.keeper.finish(Outcome.FAILED, 2)
    description = attempt.folder / CHECKPOINT / "checkpoint.json"
    whole = description.read_bytes()
    description.write_bytes(whole[:50])
    assert why_not(attempt, second).startswith("the checkpoint of attempt 1 is damaged: ")
    description.write_bytes(whole)
    (attempt.folder / EXECUTED).rename(attempt.folder / "hidden")
    assert why_not(attempt, second).startswith("the variables of attempt 1 cannot be read: ")
    (attempt.folder / "hidden").rename(attempt.folder / EXECUTED)
    (attempt.folder / CHECKPOINT / STAGE / "t-x").rename(attempt.folder / "t-x")
    assert why_not(attempt, second).startswith("the variables of attempt 1 cannot be read: ")
    attempt.folder.rename(attempt.folder.parent / "gone")
    assert why_not(attempt, second) == "the folder of attempt 1 is missing, or on another machine."


def test_unused_checkpoints_are_removed(attempt: Attempt, harness: AttemptHarness) -> None:
    attempt.written()
    attempt.keeper.finish(Outcome.FAILED, 2)
    whole = attempt.folder / CHECKPOINT
    folders = {1: attempt.folder}
    for number in (2, 3):
        claim = replace(attempt.claim, attempt=replace(attempt.claim.attempt, number=number))
        folders[number] = harness.folder(claim)
        shutil.copytree(whole, folders[number] / CHECKPOINT)

    def kept() -> list[int]:
        return [number for number, folder in folders.items() if (folder / CHECKPOINT).exists()]

    third = replace(claim, run=replace(claim.run, resume_from=1))
    empty = harness.folder(replace(claim, attempt=replace(claim.attempt, number=4)))
    discard_superseded(empty, third, Outcome.FAILED)
    assert kept() == [1, 2, 3], "an attempt that kept nothing supersedes nothing"
    discard_superseded(folders[3], third, Outcome.FAILED)
    assert kept() == [1, 3]
    discard_superseded(folders[3], third, Outcome.SUCCEEDED)
    assert kept() == [3], "a success has kept nothing itself"


def test_discarding_twice_is_discarding_once(attempt: Attempt) -> None:
    attempt.written()
    for _ in range(2):
        discard_checkpoint(attempt.folder)
        assert not (attempt.folder / CHECKPOINT).exists()
