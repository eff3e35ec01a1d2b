"""The runner's sign of life, judged with a clock that the test moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.attempts import AttemptBench, notebook_text
from fakes.clock import FakeClock
from fakes.patience import until
from jupyter_etl.errors import StoreError
from jupyter_etl.model import AttemptReport, Beat, Outcome, RunState, Verdict, VerdictKind
from jupyter_etl.runner.commit import outlast
from jupyter_etl.runner.completion import finish
from jupyter_etl.runner.events import EventLog, read_events
from jupyter_etl.runner.watchdogs.cancellation import Halt, HaltReason
from jupyter_etl.runner.watchdogs.heartbeat import Beats


class FakeLedger:
    """Answers beats as told."""

    def __init__(self) -> None:
        self.answer: Beat | StoreError = Beat(valid=True, cancel=False)
        self.cells: list[int | None] = []

    def beat(self, run_id: int, number: int, token: str, *, cell: int | None = None) -> Beat:
        self.cells.append(cell)
        if isinstance(self.answer, StoreError):
            raise self.answer
        return self.answer


@pytest.fixture
def made(bench: AttemptBench, tmp_path: Path):
    ledger, clock, halt = FakeLedger(), FakeClock(), Halt()
    events = EventLog(tmp_path / "events.jsonl", clock)
    claim = bench.claim(notebook_text(["1"]))
    beats = Beats(
        store=ledger,  # type: ignore[arg-type]
        claim=claim,
        clock=clock,
        halt=halt,
        events=events,
        beat_s=5.0,
        lease_s=30.0,
    )
    return beats, ledger, clock, halt, tmp_path / "events.jsonl"


def test_a_valid_beat_goes_on(made):
    beats, _, _, halt, _ = made
    assert beats.beat()
    assert halt.reason is None


def test_a_stale_token_fences(made):
    beats, ledger, _, halt, path = made
    ledger.answer = Beat(valid=False, cancel=True)
    assert not beats.beat()
    assert halt.reason is HaltReason.FENCED
    assert "another attempt" in str(read_events(path))


def test_a_beat_after_the_end_of_the_attempt_is_refused_without_a_word(made):
    beats, ledger, _, halt, path = made
    beats.finishing()
    ledger.answer = Beat(valid=False, cancel=False)
    assert not beats.beat()
    assert halt.reason is None
    assert read_events(path) == []


def test_an_attempt_that_ends_is_not_said_to_be_given_away(bench: AttemptBench, tmp_path: Path):
    claim, clock, halt = bench.claim(notebook_text(["1"])), FakeClock(), Halt()
    bench.store.start_attempt(
        claim.run.id, 1, claim.attempt.token, host="h", pid=1, cells=1, now=clock.now()
    )
    events = EventLog(tmp_path / "events.jsonl", clock)
    beats = Beats(
        store=bench.store, claim=claim, clock=clock, halt=halt, events=events,
        beat_s=5.0, lease_s=30.0,
    )  # fmt: skip

    def decide(*_: object) -> tuple[RunState, None]:
        return RunState.SUCCEEDED, None

    report = AttemptReport(outcome=Outcome.SUCCEEDED)
    ended = finish(
        report, claim=claim, store=bench.store, clock=clock, events=events, beats=beats,
        decide=decide, judge=lambda *_, **__: Verdict(kind=VerdictKind.UNKNOWN, evidence=""),
    )  # fmt: skip
    assert ended == report
    # As the thread does that has not heard of the end.
    assert not beats.beat()
    assert halt.reason is None
    assert read_events(tmp_path / "events.jsonl") == []


def test_a_request_to_cancel_is_heard_and_fencing_outranks_it(made):
    beats, ledger, _, halt, _ = made
    ledger.answer = Beat(valid=True, cancel=True)
    assert beats.beat()
    assert halt.reason is HaltReason.CANCELLED
    ledger.answer = Beat(valid=False, cancel=False)
    assert not beats.beat()
    assert halt.reason is HaltReason.FENCED
    halt.ask(HaltReason.TIMED_OUT)
    assert halt.reason is HaltReason.FENCED


def test_an_outage_shorter_than_the_lease_is_survived(made):
    beats, ledger, clock, halt, path = made
    ledger.answer = StoreError("no route to the ledger")
    clock.advance(29)
    assert beats.beat()
    ledger.answer = Beat(valid=True, cancel=False)
    assert beats.beat()
    ledger.answer = StoreError("no route to the ledger")
    clock.advance(29)
    assert beats.beat()
    assert halt.reason is None
    remarks = [str(event["message"]) for event in read_events(path)]
    assert ["cannot be reached" in remark for remark in remarks] == [True, False, True]


def test_an_outage_longer_than_the_lease_fences(made):
    beats, ledger, clock, halt, path = made
    ledger.answer = StoreError("no route to the ledger")
    clock.advance(30)
    assert not beats.beat()
    assert halt.reason is HaltReason.FENCED
    assert "for 30 s" in str(read_events(path))


def test_waiting_for_the_ledger_ends_with_the_lease(made):
    beats, ledger, clock, _, _ = made
    calls = []

    def ask() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise StoreError("locked")
        return "done"

    assert outlast(ask, beats) == "done"
    ledger.answer = StoreError("down")
    clock.advance(31)
    calls.clear()
    with pytest.raises(StoreError, match="locked"):
        outlast(ask, beats)
    assert len(calls) == 1


def test_waiting_is_not_tried_where_it_is_vain(made):
    beats, *_ = made

    def ask() -> None:
        raise StoreError("a newer schema", retryable=False)

    with pytest.raises(StoreError):
        outlast(ask, beats)


def test_progress_is_told_at_once(made):
    beats, ledger, *_ = made
    with beats:
        beats.progress(7)
        until("the beat", lambda: 7 in ledger.cells)
