"""The runner's heartbeat, with a clock that the test moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.attempts import AttemptHarness, notebook_text
from fakes.clock import FakeClock
from fakes.patience import until
from jupyter_etl.errors import StoreError
from jupyter_etl.model import AttemptReport, Heartbeat, Outcome
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.events import read_events
from jupyter_etl.runner.folders import EVENTS
from jupyter_etl.runner.report import finish
from jupyter_etl.runner.watchdogs.cancellation import CancellationReason


class FakeLedger:
    """Answers heartbeats as configured."""

    def __init__(self) -> None:
        self.answer: Heartbeat | StoreError = Heartbeat(valid=True, cancel=False)
        self.cells: list[int | None] = []

    def heartbeat(
        self, run_id: int, number: int, token: str, *, cell: int | None = None
    ) -> Heartbeat:
        self.cells.append(cell)
        if isinstance(self.answer, StoreError):
            raise self.answer
        return self.answer


@pytest.fixture
def context(harness: AttemptHarness, tmp_path: Path) -> AttemptContext:
    return harness.context(
        harness.claim(notebook_text(["1"])),
        folder=tmp_path,
        store=FakeLedger(),
        clock=FakeClock(),
        heartbeat_s=5.0,
        lease_s=30.0,
    )


@pytest.fixture
def made(context: AttemptContext):
    path = context.folder / EVENTS
    return context.heartbeats, context.store, context.clock, context.cancellation, path


def test_a_valid_heartbeat_continues(made):
    heartbeats, _, _, cancellation, _ = made
    assert heartbeats.heartbeat()
    assert cancellation.reason is None


def test_a_stale_token_fences(made):
    heartbeats, ledger, _, cancellation, path = made
    ledger.answer = Heartbeat(valid=False, cancel=True)
    assert not heartbeats.heartbeat()
    assert cancellation.reason is CancellationReason.FENCED
    assert "another attempt" in str(read_events(path))


def test_a_heartbeat_after_the_end_of_the_attempt_is_rejected_silently(made):
    heartbeats, ledger, _, cancellation, path = made
    heartbeats.finishing()
    ledger.answer = Heartbeat(valid=False, cancel=False)
    assert not heartbeats.heartbeat()
    assert cancellation.reason is None
    assert read_events(path) == []


def test_an_attempt_that_ends_is_not_said_to_be_given_away(harness: AttemptHarness, tmp_path: Path):
    claim, clock = harness.claim(notebook_text(["1"])), FakeClock()
    harness.store.start_attempt(
        claim.run.id, 1, claim.attempt.token, host="h", pid=1, cells=1, now=clock.now()
    )
    context = harness.context(claim, folder=tmp_path, clock=clock)
    report = AttemptReport(outcome=Outcome.SUCCEEDED)
    ended = finish(context, harness.policy, report)
    assert ended == report
    # As the thread does that does not know of the end.
    assert not context.heartbeats.heartbeat()
    assert context.cancellation.reason is None
    assert read_events(tmp_path / EVENTS) == []


def test_a_cancellation_is_received_and_fencing_outranks_it(made):
    heartbeats, ledger, _, cancellation, _ = made
    ledger.answer = Heartbeat(valid=True, cancel=True)
    assert heartbeats.heartbeat()
    assert cancellation.reason is CancellationReason.CANCELLED
    ledger.answer = Heartbeat(valid=False, cancel=False)
    assert not heartbeats.heartbeat()
    assert cancellation.reason is CancellationReason.FENCED
    cancellation.ask(CancellationReason.TIMED_OUT)
    assert cancellation.reason is CancellationReason.FENCED


def test_an_outage_shorter_than_the_lease_is_survived(made):
    heartbeats, ledger, clock, cancellation, path = made
    ledger.answer = StoreError("no route to the ledger")
    clock.advance(29)
    assert heartbeats.heartbeat()
    ledger.answer = Heartbeat(valid=True, cancel=False)
    assert heartbeats.heartbeat()
    ledger.answer = StoreError("no route to the ledger")
    clock.advance(29)
    assert heartbeats.heartbeat()
    assert cancellation.reason is None
    remarks = [str(event["message"]) for event in read_events(path)]
    assert ["cannot be reached" in remark for remark in remarks] == [True, False, True]


def test_an_outage_longer_than_the_lease_fences(made):
    heartbeats, ledger, clock, cancellation, path = made
    ledger.answer = StoreError("no route to the ledger")
    clock.advance(30)
    assert not heartbeats.heartbeat()
    assert cancellation.reason is CancellationReason.FENCED
    assert "for 30 s" in str(read_events(path))


def test_waiting_for_the_ledger_ends_with_the_lease(context, made):
    _, ledger, clock, _, _ = made
    calls = []

    def ask() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise StoreError("locked")
        return "done"

    assert context.ask_ledger(ask) == "done"
    ledger.answer = StoreError("down")
    clock.advance(31)
    calls.clear()
    with pytest.raises(StoreError, match="locked"):
        context.ask_ledger(ask)
    assert len(calls) == 1


def test_waiting_is_not_tried_where_it_is_vain(context):
    def ask() -> None:
        raise StoreError("a newer schema", retryable=False)

    with pytest.raises(StoreError):
        context.ask_ledger(ask)


def test_progress_is_reported_at_once(made):
    heartbeats, ledger, *_ = made
    with heartbeats:
        heartbeats.progress(7)
        until("the heartbeat", lambda: 7 in ledger.cells)
