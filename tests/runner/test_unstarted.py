"""Faults of the platform before the notebook started, distinguished from those of the notebook."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from fakes.attempts import AttemptHarness, notebook_text
from fakes.clock import FakeClock
from jupyter_etl.errors import DeclarationError, ExecutionError, StorageError, StoreError
from jupyter_etl.model import Outcome, VerdictKind
from jupyter_etl.runner import preparation
from jupyter_etl.runner.events import EventLog, read_events
from jupyter_etl.runner.outcome import outcome_before_start
from jupyter_etl.scheduling.verdicts import judge

HOME = Path("/srv/etl")


def os_error(code: int, path: str | None = None) -> OSError:
    return OSError(code, os.strerror(code), path)


def caused_by(problem: Exception) -> ExecutionError:
    error = ExecutionError("The files cannot be written.")
    error.__cause__ = problem
    return error


OF_PLATFORM = {
    "no space": os_error(errno.ENOSPC, "/tmp/kernel.json"),
    "read-only": os_error(errno.EROFS, "/tmp/kernel.json"),
    "quota": os_error(errno.EDQUOT),
    "i/o error": os_error(errno.EIO),
    "stale handle": os_error(errno.ESTALE, "/srv/data"),
    "too many files": os_error(errno.EMFILE),
    "no memory": os_error(errno.ENOMEM),
    "home not permitted": os_error(errno.EACCES, "/srv/etl/runs/00000001/1/snapshot.ipynb"),
    "home gone": os_error(errno.ENOENT, "/srv/etl/runs/00000001/1/snapshot.ipynb"),
    "home is a file": os_error(errno.ENOTDIR, "/srv/etl/runs"),
    "wrapped": caused_by(os_error(errno.EROFS, "/srv/etl/bundles")),
    "lake": StorageError("The lake is not there."),
    "ledger": StoreError("The ledger cannot be reached."),
}
OF_OTHERS = {
    "another file": os_error(errno.ENOENT, "/srv/data/orders.csv"),
    "a file beside": os_error(errno.EACCES, "/srv/etl-data/orders.csv"),
    "a kernel that is not there": os_error(errno.ENOENT, "/opt/python"),
    "another's lake": StorageError("It belongs to another ledger.", retryable=False),
    "a newer ledger": StoreError("Its schema is newer.", retryable=False),
    "declaration": DeclarationError("A parameter is unknown."),
    "kernel": RuntimeError("Kernel died before replying to kernel_info"),
    "wrapped": caused_by(ValueError("x")),
}


@pytest.mark.parametrize("name", OF_PLATFORM)
def test_a_fault_of_the_platform_does_not_count(name: str) -> None:
    ending = outcome_before_start(OF_PLATFORM[name], HOME)
    assert ending is not None
    assert (ending.outcome, ending.began) == (Outcome.FAILED, False)
    assert ending.failure is not None
    assert ending.failure.retryable
    verdict = judge(ending.failure)
    assert (verdict.kind, verdict.retryable) == (VerdictKind.PLATFORM, True)
    assert ending.error


@pytest.mark.parametrize("name", OF_OTHERS)
def test_any_other_fault_counts(name: str) -> None:
    assert outcome_before_start(OF_OTHERS[name], HOME) is None


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_an_attempt_that_can_write_nothing_is_reported_as_not_begun(
    harness: AttemptHarness, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(path: Path, content: bytes, **more: object) -> None:
        raise os_error(code, str(path))

    claim = harness.claim(notebook_text(["1"]))
    harness.folder(claim)
    monkeypatch.setattr(preparation, "write_atomically", refuse)
    monkeypatch.setattr(EventLog, "_append", lambda self, line: refuse(self._path, line))
    report = harness.run(claim)
    assert (report.outcome, report.began) == (Outcome.FAILED, False)
    assert os.strerror(code) in report.error


def test_an_event_that_does_not_fit_is_left_out_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = EventLog(path, FakeClock())
    events.log("before")
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Half of the next line can still be written.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, hard))
    try:
        events.log("cut")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == whole
    events.log("after")
    assert [event["message"] for event in read_events(path)] == ["before", "after"]
