"""The arithmetic of limits, and the watch on memory without a kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.patience import PATIENCE_S
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Failure, FailureKind, Outcome, VerdictKind
from jupyter_etl.runner.limits import (
    Limits,
    address_space_bytes,
    group_memory_bytes,
    machine_memory_bytes,
)
from jupyter_etl.runner.outcome import (
    AttemptOutcome,
    error_of_cancellation,
    outcome_of_cancellation,
    refused_memory,
)
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason
from jupyter_etl.runner.watchdogs.memory import MemoryWatch
from jupyter_etl.runner.watchdogs.termination import Guard
from jupyter_etl.scheduling.verdicts import judge

BOMB = "kept = []\nfor _ in range(200): kept.append(b'x' * 5_000_000)\nimport time; time.sleep(100)"


def test_the_memory_of_the_machine_or_of_its_group(tmp_path: Path):
    own, groups = tmp_path / "own", tmp_path / "groups"
    assert group_memory_bytes(groups, own) > 10**8, "no groups at all"
    own.write_text("4:memory:/outer/inner\n0::/slice/scope\n")
    machine = group_memory_bytes(groups, own)
    for name, text in (
        ("memory/outer/memory.limit_in_bytes", "50000000\n"),
        ("memory/outer/inner/memory.limit_in_bytes", "9223372036854771712\n"),
        ("slice/scope/memory.max", "max\n"),
        ("slice/memory.max", "70000000\n"),
    ):
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    assert group_memory_bytes(groups, own) == 50_000_000, "the least of all above"
    own.write_text("0::/slice/scope\n")
    assert group_memory_bytes(groups, own) == 70_000_000
    own.write_text("0::/somewhere/that/a/container/does/not/see\n")
    assert group_memory_bytes(groups, own) == machine
    (groups / "memory.max").write_text("60000000\n")
    assert group_memory_bytes(groups, own) == 60_000_000, "the root that a container sees"


def test_a_policy_precedes_the_setting_and_0_is_no_limit():
    assert Limits(memory_bytes=5).memory_for(3) == 3
    assert Limits(memory_bytes=5).memory_for(None) == 5
    assert Limits(memory_bytes=0).memory_for(None) is None
    assert Limits(memory_bytes=0).memory_for(7) == 7
    assert Limits().memory_for(None) == int(machine_memory_bytes() * 0.8)


def test_the_address_space_is_far_above_the_memory():
    assert address_space_bytes(None) is None
    assert (address_space_bytes(2 * 10**9) or 0) > 100 * 10**9


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (2_000_000_000, "2 GB"),
        (2_147_483_648, "2.15 GB"),
        (1_234_567, "1.23 MB"),
        (123_456_789, "123 MB"),
        (999_999, "1 MB"),
    ],
)
def test_what_was_measured_is_reported_to_three_digits(size, text):
    assert rounded_size(size) == text


def test_the_watch_ends_what_takes_too_much():
    cancellation = Cancellation()
    child = subprocess.Popen([sys.executable, "-c", BOMB], start_new_session=True)
    with child, MemoryWatch(cancellation, limit_bytes=150_000_000, marker=("NO", "ONE")) as watch:
        watch.kernel_started(child.pid)
        assert child.wait() == -9
    assert cancellation.reason is CancellationReason.OUT_OF_MEMORY
    assert cancellation.detail == watch.verdict
    assert cancellation.detail.endswith(" used, the limit is 150 MB")
    assert watch.peak_bytes > watch.kernel_peak_bytes > 150_000_000


def test_the_watch_measures_where_nothing_is_limited():
    cancellation = Cancellation()
    with MemoryWatch(cancellation, limit_bytes=None, marker=("NO", "ONE")) as watch:
        while not watch.peak_bytes:
            pass
    assert cancellation.reason is None
    assert watch.verdict == ""


def test_memory_is_described_in_one_sentence():
    said = "2.1 GB used, the limit is 2 GB"
    ending = outcome_of_cancellation(CancellationReason.OUT_OF_MEMORY, 4, 60.0, said)
    text = "out of memory in cell 5: 2.1 GB used, the limit is 2 GB"
    assert ending.failure == Failure(kind=FailureKind.OUT_OF_MEMORY, message=text, retryable=False)
    assert (ending.outcome, ending.failed_cell) == (Outcome.FAILED, 4)
    refused, other = (
        AttemptOutcome(
            failure=Failure(kind=FailureKind.ERROR, error_type=name, message="why"), failed_cell=4
        )
        for name in ("numpy._ArrayMemoryError", "ValueError")
    )
    failure = refused_memory(refused, said).failure
    assert failure is not None
    assert (failure.kind, failure.message) == (FailureKind.OUT_OF_MEMORY, f"{text} (why)")
    assert refused_memory(refused, "") is refused, "no limit of ours"
    assert refused_memory(other, said) is other


def test_a_kernel_that_was_ended_shows_why():
    cancellation = Cancellation()
    assert error_of_cancellation(cancellation, 0) == ""
    cancellation.ask(CancellationReason.CANCELLED)
    assert "the run was cancelled" in error_of_cancellation(cancellation, 0)
    cancellation.ask(CancellationReason.OUT_OF_MEMORY, "never heard")
    assert cancellation.detail == "", "the first reason stays"


def test_a_watch_that_fails_stops_the_attempt_and_is_the_platforms_fault():
    cancellation = Cancellation()
    # More seconds than a lock can wait for: no surface lets them through, and a ledger may hold them.
    with Guard(cancellation, timeout_s=1e12, marker=("NOBODY", "has this")):
        assert cancellation.wait(PATIENCE_S)
    assert cancellation.reason is CancellationReason.UNGUARDED
    ended = outcome_of_cancellation(cancellation.reason, 1, 1e12, cancellation.detail)
    assert (ended.outcome, ended.failed_cell) == (Outcome.FAILED, 1)
    failure = ended.failure
    assert failure is not None
    assert (failure.kind, failure.retryable) == (FailureKind.UNGUARDED, True)
    said = "the watchdog of time and cancellation failed in cell 2: Overflow"
    assert failure.message.startswith(said)
    verdict = judge(failure)
    assert (verdict.kind, verdict.retryable) == (VerdictKind.PLATFORM, True)
    assert "the watchdog of the run failed" in error_of_cancellation(cancellation, 1)
