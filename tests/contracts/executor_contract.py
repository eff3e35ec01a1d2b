"""Tests of every `Executor`; an implementation's test class inherits `ExecutorContract`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from fakes.attempts import AT
from fakes.patience import until
from jupyter_etl.errors import ExecutionError
from jupyter_etl.model import Attempt, NewRun, Partition, Run, RunState
from jupyter_etl.ports import Claim, Executor

RUNNER = """
import os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
(folder / "seen.part").write_bytes((folder / "context.json").read_bytes())
(folder / "seen.part").rename(folder / "seen.json")
(folder / "pid").write_text(f"{os.getpid()} {os.getsid(0)} {os.environ.get('LANTERN')}")
print("the runner's words", flush=True)
while not (folder / "stop").exists():
    time.sleep(0.02)
sys.exit(int((folder / "stop").read_text() or 0))
"""
"""Stand-in for a runner: reports its start, and exits on request."""


def claim_of(run_id: int, *, number: int = 1) -> Claim:
    """Return the claim of an attempt that is in no ledger."""
    new = NewRun(
        pipeline="p",
        content_hash="0" * 64,
        notebook="/nb.ipynb",
        logical_key=f"manual:{run_id}",
        logical_at=AT,
        interval=Partition(start=AT, end=AT),
        due_at=AT,
        owner="sam",
    )
    run = Run(
        id=run_id,
        new=new,
        state=RunState.DISPATCHED,
        outcome=None,
        attempts=number,
        not_before=AT,
        cancel_requested=False,
        created_at=AT,
    )
    attempt = Attempt(
        run_id=run_id, number=number, token="a" * 32, claimed_by="test", claimed_at=AT
    )
    return Claim(run=run, attempt=attempt)


class ExecutorContract:
    """Inherit this, and override the two fixtures."""

    @pytest.fixture
    def make(self) -> Callable[[Sequence[str]], Executor]:
        """Return a factory: an executor whose runner is the given command and a folder."""
        raise AssertionError("an executor's test class gives its own fixture")

    @pytest.fixture
    def folder_of(self) -> Callable[[Claim], Path]:
        """Return a function that returns the attempt's folder."""
        raise AssertionError("an executor's test class gives its own fixture")

    @pytest.fixture
    def runner(self, tmp_path: Path) -> list[str]:
        """Return the command of a stand-in for a runner."""
        import sys

        script = tmp_path / "runner.py"
        script.write_text(RUNNER)
        return [sys.executable, str(script)]

    @pytest.fixture
    def executor(self, make, runner) -> Iterator[Executor]:
        """Return an executor of stand-ins."""
        made = make(runner)
        yield made
        made.close()

    def test_the_runner_gets_the_claim_and_start_does_not_wait(self, executor, folder_of):
        claim = claim_of(1)
        executor.start(claim)
        seen = folder_of(claim) / "seen.json"
        assert not (folder_of(claim) / "stop").exists(), "start waits for nobody"
        until("the runner", seen.exists)
        assert executor.ended() == []
        assert msgspec.json.decode(seen.read_bytes(), type=Claim) == claim
        _stop(folder_of(claim))
        _ended(executor, 1)

    def test_each_end_is_reported_once_with_its_exit_code(self, executor, folder_of):
        claims = [claim_of(1), claim_of(2), claim_of(2, number=2)]
        for code, claim in enumerate(claims):
            executor.start(claim)
            _stop(folder_of(claim), code)
        assert sorted(_ended(executor, 3)) == [(1, 1, 0), (2, 1, 1), (2, 2, 2)]
        assert executor.ended() == []

    def test_runners_live_on_when_it_is_closed(self, make, runner, folder_of):
        executor = make(runner)
        claim = claim_of(3)
        executor.start(claim)
        note = folder_of(claim) / "pid"
        until("the runner", lambda: note.exists() and note.read_text())
        executor.close()
        pid = int(note.read_text().split()[0])
        os.kill(pid, 0)
        _stop(folder_of(claim))
        until("its end", lambda: not _alive(pid))

    def test_a_cleanup_ends_the_runner_of_this_attempt_alone(self, executor, folder_of):
        lost, other = claim_of(5), claim_of(5, number=2)
        for claim in (lost, other):
            executor.start(claim)
        notes = [folder_of(claim) / "pid" for claim in (lost, other)]
        until("the runners", lambda: all(note.exists() and note.read_text() for note in notes))
        executor.clean_up(lost)
        assert [reported[:2] for reported in _ended(executor, 1)] == [(5, 1)]
        assert _alive(int(notes[1].read_text().split()[0]))
        executor.clean_up(lost)
        _stop(folder_of(other))
        assert _ended(executor, 1) == [(5, 2, 0)]

    def test_what_cannot_be_started_is_an_execution_error(self, make):
        executor = make(["/nowhere/no-such-runner"])
        with pytest.raises(ExecutionError):
            executor.start(claim_of(4))
        assert executor.ended() == []
        executor.close()


def _stop(folder: Path, code: int = 0) -> None:
    (folder / ".stop").write_text(str(code))
    (folder / ".stop").rename(folder / "stop")


def _ended(executor: Executor, count: int) -> list[tuple[int, int, int]]:
    reported: list[tuple[int, int, int]] = []

    def enough() -> bool:
        reported.extend(executor.ended())
        return len(reported) >= count

    until(f"{count} ends", enough)
    return reported


def _alive(pid: int) -> bool:
    try:
        # A child of this process remains a zombie until it is reaped.
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
