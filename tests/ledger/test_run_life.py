"""The life of a run as a state machine, against a model of what must hold."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from contracts.store_ends import dead
from contracts.store_values import NOW, a_run, an_output, finish, start, succeeded
from fakes.ledger import empty, new_ledger
from jupyter_etl.errors import Conflict
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.model import TERMINAL, AttemptReport, Heartbeat, Outcome, Read, RunState
from jupyter_etl.ports import Claim, Store


@dataclass
class Expected:
    """What is known of one run."""

    state: RunState = RunState.QUEUED
    attempts: int = 0
    cancel: bool = False
    published: int = 0
    live: Claim | None = field(default=None)


class RunStates(RuleBasedStateMachine):
    """Any order of calls by any number of schedulers and runners, late ones among them."""

    runs = Bundle("runs")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = self.open_empty()
        self.known: dict[int, Expected] = {}
        self.silent: dict[str, int] = {}

    def open_empty(self) -> Store:
        return open_store(new_ledger(self.folder))

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(target=runs, key=st.sampled_from("abc"))
    def add(self, key: str) -> int:
        run = self.store.add_run(a_run(key), now=NOW)
        self.known.setdefault(run.id, Expected())
        return run.id

    @rule(target=claims, by=st.sampled_from(["one", "two", "three"]), limit=st.integers(1, 3))
    def claim(self, by: str, limit: int):  # type: ignore[no-untyped-def]
        claims = self.store.claim(by, now=NOW, limit=limit)
        queued = [key for key, run in self.known.items() if run.state is RunState.QUEUED]
        assert len(claims) == min(limit, len(queued))
        for claim in claims:
            run = self.known[claim.run.id]
            assert run.state is RunState.QUEUED
            run.state, run.live = RunState.DISPATCHED, claim
            run.attempts += 1
            assert (claim.attempt.number, claim.attempt.claimed_by) == (run.attempts, by)
        return multiple(*claims)

    @rule(claim=claims)
    def begin(self, claim: Claim) -> None:
        run = self.known[claim.run.id]
        if run.live == claim and run.state is RunState.DISPATCHED:
            start(self.store, claim)
            run.state = RunState.RUNNING
        else:
            with pytest.raises(Conflict):
                start(self.store, claim)

    @rule(claim=claims)
    def heartbeat(self, claim: Claim) -> None:
        run, attempt = self.known[claim.run.id], claim.attempt
        valid = run.live == claim
        said = self.store.heartbeat(attempt.run_id, attempt.number, attempt.token)
        assert said == Heartbeat(valid=valid, cancel=valid and run.cancel)

    @rule(claim=claims)
    def steal(self, claim: Claim) -> None:
        attempt = replace(claim.attempt, token="f" * 32)
        thief = replace(claim, attempt=attempt)
        for call in (start, finish):
            with pytest.raises(Conflict):
                call(self.store, thief)
        assert not self.store.heartbeat(attempt.run_id, attempt.number, attempt.token).valid

    @rule(claim=claims)
    def succeed(self, claim: Claim) -> None:
        self._end(claim, succeeded(an_output()), RunState.SUCCEEDED)

    @rule(claim=claims, state=st.sampled_from([RunState.QUEUED, *sorted(TERMINAL)]))
    def lose(self, claim: Claim, state: RunState) -> None:
        self._end(claim, AttemptReport(outcome=Outcome.LOST), state)

    @rule(claim=claims, again=st.booleans(), source=st.sampled_from(["wh", "api"]))
    def fail(self, claim: Claim, again: bool, source: str) -> None:
        other = "api" if source == "wh" else "wh"
        alive = self.known[claim.run.id].live == claim
        self._end(
            claim,
            dead(source, reads=(Read(source=other),)),
            RunState.QUEUED if again else RunState.FAILED,
        )
        if alive:
            self.silent[source] = self.silent.get(source, 0) + 1
            self.silent.pop(other, None)

    @invariant()
    def the_breakers_count(self) -> None:
        found = {breaker.source: breaker.failures for breaker in self.store.load_breakers()}
        assert found == self.silent

    @rule(run_id=runs)
    def cancel(self, run_id: int) -> None:
        run = self.known[run_id]
        said = self.store.request_cancel(run_id, now=NOW)
        if run.state not in TERMINAL:
            run.cancel = True
        if run.state is RunState.QUEUED:
            run.state = RunState.CANCELLED
        assert (said.state, said.cancel_requested) == (run.state, run.cancel)

    @rule(run_id=runs)
    def requeue(self, run_id: int) -> None:
        run = self.known[run_id]
        if run.state in TERMINAL:
            self.store.requeue(run_id, now=NOW)
            run.state, run.cancel = RunState.QUEUED, False
        else:
            with pytest.raises(Conflict):
                self.store.requeue(run_id, now=NOW)

    @invariant()
    def the_ledger_agrees(self) -> None:
        found = {run.id: run for run in self.store.load_runs()}
        assert {key: (run.state, run.attempts) for key, run in found.items()} == {
            key: (run.state, run.attempts) for key, run in self.known.items()
        }
        for key, run in self.known.items():
            assert len(found[key].published) == run.published

    @invariant()
    def a_run_has_at_most_one_live_attempt(self) -> None:
        live = self.store.load_live_attempts()
        assert {claim.run.id: claim.attempt.token for claim in live} == {
            key: run.live.attempt.token for key, run in self.known.items() if run.live
        }
        assert len({claim.run.id for claim in live}) == len(live)

    def _end(self, claim: Claim, report: AttemptReport, state: RunState) -> None:
        run = self.known[claim.run.id]
        if run.live != claim:
            with pytest.raises(Conflict):
                finish(self.store, claim, report, state=state)
            return
        finish(self.store, claim, report, state=state)
        run.live = None
        run.published += len(report.committed)
        cancelled = state is RunState.QUEUED and run.cancel
        run.state = RunState.CANCELLED if cancelled else state


@pytest.mark.postgres
@pytest.mark.slow
def test_run_life_in_postgres(postgres_url: str) -> None:
    class InPostgres(RunStates):
        def open_empty(self) -> Store:
            store = open_store(postgres_url)
            assert isinstance(store, SqlStore)
            empty(store)
            return store

    few = settings(TestRunLife.settings, max_examples=5)
    run_state_machine_as_test(InPostgres, settings=few)  # type: ignore[no-untyped-call]


class LongRunStates(RunStates):
    """The same, for longer."""


TestRunLife = RunStates.TestCase
TestRunLife.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLongRunLife = pytest.mark.slow(LongRunStates.TestCase)
TestLongRunLife.settings = settings(TestRunLife.settings, max_examples=18, stateful_step_count=50)
