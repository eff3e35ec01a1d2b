"""The health of a pipeline, derived from the ledger's records of its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.store_values import HOUR, NOW, a_pipeline, a_run, finish, start
from fakes.ledger import new_ledger
from fakes.model_values import a_run as an_ended_run
from jupyter_etl.ledger import open_store
from jupyter_etl.model import (
    FAILURES_TO_PAUSE,
    AttemptReport,
    Cause,
    Freshness,
    HealthState,
    Outcome,
    PausedBy,
    PipelineHealth,
    Policy,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Store
from jupyter_etl.scheduling.health import freshness_of, load_health, seconds_of, working_since

MINUTE = timedelta(minutes=1)
LATER = NOW + 30 * MINUTE
NOTEBOOK = Verdict(kind=VerdictKind.NOTEBOOK, evidence="x is not defined")
SOURCE = Verdict(kind=VerdictKind.SOURCE, evidence="refused", retryable=True)
FAILED = AttemptReport(outcome=Outcome.FAILED, error="NameError: x\nat cell 3", verdict=NOTEBOOK)
REPORTS = {
    RunState.SUCCEEDED: AttemptReport(outcome=Outcome.SUCCEEDED),
    RunState.FAILED: FAILED,
    RunState.HELD: AttemptReport(outcome=Outcome.HELD, error="rows > 0"),
    RunState.CANCELLED: AttemptReport(outcome=Outcome.CANCELLED),
}


class Ledger:
    """A ledger with the pipeline ``orders``, to which things happen one after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        store.deploy(a_pipeline(next_due=LATER + HOUR), now=NOW)

    def run(self, state: RunState, **fields: Any) -> Ledger:
        """Make a run end in a state; by default a planned one of the deployed version."""
        self.now += MINUTE
        given = {"version": 1, "cause": Cause.SCHEDULE, "due_at": self.now, **fields}
        new = replace(a_run(f"run {self.store.count_runs()}"), **given)
        if state in (RunState.QUEUED, RunState.SKIPPED):
            self.store.add_run(replace(new, state=state), now=self.now)
            return self
        run = self.store.add_run(new, now=self.now)
        return self.attempt(run.id, state)

    def attempt(self, run_id: int, state: RunState, report: AttemptReport | None = None) -> Ledger:
        """Claim a queued run, and end the attempt unless it is to be running."""
        (claim,) = self.store.claim("s", now=self.now, limit=1, run_id=run_id)
        start(self.store, claim, now=self.now)
        if state is not RunState.RUNNING:
            report = report or REPORTS[state]
            finish(self.store, claim, report, state=state, now=self.now, not_before=LATER + HOUR)
        return self

    def runs(self, *states: RunState, **fields: Any) -> Ledger:
        for state in states:
            self.run(state, **fields)
        return self

    def retry(self) -> Ledger:
        """Let a person queue the newest run once more."""
        self.now += MINUTE
        self.store.requeue(self.store.count_runs(), now=self.now)
        return self

    def change(self, **fields: Any) -> Ledger:
        self.now += MINUTE
        self.store.change_pipeline("orders", now=self.now, **fields)
        return self

    def redeploy(self, **fields: Any) -> Ledger:
        self.now += MINUTE
        self.store.deploy(a_pipeline(**{"next_due": LATER + HOUR, **fields}), now=self.now)
        return self

    def remove(self) -> Ledger:
        self.store.remove_pipeline("orders")
        return self

    def health(self, now: datetime | None = None) -> PipelineHealth:
        pipelines = self.store.load_pipelines()
        return load_health(self.store, pipelines, now or self.now)["orders"]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    store = open_store(new_ledger(tmp_path))
    yield Ledger(store)
    store.close()


GOOD, BAD, HELD = RunState.SUCCEEDED, RunState.FAILED, RunState.HELD
CANCELLED, SKIPPED = RunState.CANCELLED, RunState.SKIPPED
QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING
FIVE = (BAD,) * FAILURES_TO_PAUSE
MANUAL = {"cause": Cause.MANUAL}
BACKFILL = {"cause": Cause.BACKFILL}
OF_FILE = {"cause": Cause.MANUAL, "version": None}
RETRIES = {"policy": Policy(retries=3)}
TRANSIENT = AttemptReport(outcome=Outcome.FAILED, error="refused", verdict=SOURCE)

STORIES: dict[str, tuple[Callable[[Ledger], Ledger], str]] = {
    "nothing has run": (lambda x: x, "never"),
    "only a cancelled run": (lambda x: x.run(CANCELLED), "never"),
    "only a draft": (lambda x: x.run(GOOD, draft=True), "never"),
    "it works": (lambda x: x.run(GOOD), "ok"),
    "it failed once and works": (lambda x: x.runs(BAD, GOOD), "ok"),
    "it failed": (lambda x: x.runs(GOOD, BAD), "failing"),
    "it never succeeded": (lambda x: x.runs(BAD, BAD), "failing"),
    "cancelled after failures": (lambda x: x.runs(BAD, BAD, CANCELLED), "failing"),
    "skipped after a failure": (lambda x: x.runs(BAD, SKIPPED), "failing"),
    "a draft works after a failure": (lambda x: x.run(BAD).run(GOOD, draft=True), "failing"),
    "the file works after a failure": (lambda x: x.run(BAD).run(GOOD, **OF_FILE), "failing"),
    "a draft fails": (lambda x: x.run(GOOD).run(BAD, draft=True), "ok"),
    "the file fails": (lambda x: x.run(GOOD).run(BAD, **OF_FILE), "ok"),
    "a manual run works again": (lambda x: x.run(BAD).run(GOOD, **MANUAL), "ok"),
    "a manual run fails": (lambda x: x.run(GOOD).run(BAD, **MANUAL), "failing"),
    "five failures": (lambda x: x.runs(*FIVE), "auto_paused"),
    "and a manual one works": (lambda x: x.runs(*FIVE).run(GOOD, **MANUAL), "auto_paused"),
    "and one is cancelled": (lambda x: x.runs(*FIVE, CANCELLED), "auto_paused"),
    "and one runs": (lambda x: x.runs(*FIVE).run(RUNNING), "auto_paused"),
    "and it is deployed anew": (
        lambda x: x.runs(*FIVE).redeploy(content_hash="b" * 64),
        "auto_paused",
    ),
    "and a person resumes it": (
        lambda x: x.runs(*FIVE).change(paused=False, next_due=LATER),
        "failing",
    ),
    "and a person pauses it": (lambda x: x.runs(*FIVE).change(paused=True), "failing"),
    "and it works after a resume": (
        lambda x: x.runs(*FIVE).change(paused=False, next_due=LATER).run(GOOD),
        "ok",
    ),
    "a person pauses it": (lambda x: x.run(GOOD).change(paused=True), "paused"),
    "a person pauses it while it fails": (lambda x: x.run(BAD).change(paused=True), "failing"),
    "a person pauses what is held": (lambda x: x.run(HELD).change(paused=True), "held"),
    "held": (lambda x: x.runs(GOOD, HELD), "held"),
    "held, and the next one works": (lambda x: x.runs(HELD, GOOD), "ok"),
    "held, and the next one fails": (lambda x: x.runs(HELD, BAD), "failing"),
    "failed, and the next one is held": (lambda x: x.runs(BAD, HELD), "held"),
    "it runs": (lambda x: x.runs(GOOD, RUNNING), "running"),
    "it runs for the first time": (lambda x: x.run(RUNNING), "running"),
    "it runs after a failure": (lambda x: x.runs(BAD, RUNNING), "failing"),
    "the failed run is queued again": (lambda x: x.runs(GOOD, BAD).retry(), "failing"),
    "the failed run runs again": (
        lambda x: x.runs(GOOD, BAD).retry().attempt(2, RUNNING),
        "failing",
    ),
    "the failed run works at last": (lambda x: x.runs(GOOD, BAD).retry().attempt(2, GOOD), "ok"),
    "the platform retries": (
        lambda x: x.run(GOOD).run(QUEUED, **RETRIES).attempt(2, QUEUED, TRANSIENT),
        "ok",
    ),
    "the platform retries after a failure": (
        lambda x: x.run(BAD).run(QUEUED, **RETRIES).attempt(2, QUEUED, TRANSIENT),
        "failing",
    ),
    "a backfill fails": (lambda x: x.run(GOOD).run(BAD, **BACKFILL), "backfill_failed"),
    "a backfill fails, the schedule works": (
        lambda x: x.run(BAD, **BACKFILL).run(GOOD),
        "backfill_failed",
    ),
    "a backfill fails, its next partition works": (
        lambda x: x.run(GOOD).run(BAD, **BACKFILL).run(GOOD, **BACKFILL),
        "backfill_failed",
    ),
    "the partition works at last": (
        lambda x: x.run(GOOD).run(BAD, **BACKFILL).retry().attempt(2, GOOD),
        "ok",
    ),
    "a backfill works after a failure": (lambda x: x.run(BAD).run(GOOD, **BACKFILL), "failing"),
    "a backfill is held": (lambda x: x.run(GOOD).run(HELD, **BACKFILL), "held"),
    "a backfill fails, then all is deployed anew": (
        lambda x: x.run(GOOD).run(BAD, **BACKFILL).redeploy(content_hash="b" * 64),
        "ok",
    ),
    "removed and deployed again": (lambda x: x.run(BAD).remove().redeploy(), "never"),
    "due times are skipped": (lambda x: x.runs(GOOD, SKIPPED, SKIPPED), "late"),
    "one is skipped": (lambda x: x.runs(GOOD, SKIPPED), "ok"),
    "due times are cancelled": (lambda x: x.runs(GOOD, CANCELLED, CANCELLED), "late"),
    "due times are skipped while one runs": (
        lambda x: x.runs(GOOD, RUNNING, SKIPPED, SKIPPED),
        "running",
    ),
    "due times are skipped while it is paused": (
        lambda x: x.runs(GOOD, SKIPPED, SKIPPED).change(paused=True),
        "paused",
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_how_a_pipeline_stands(ledger: Ledger, story: str) -> None:
    tell, expected = STORIES[story]
    assert tell(ledger).health().state == expected


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (lambda x: x.change(next_due=NOW), "late"),
        (lambda x: x.run(GOOD).change(next_due=NOW), "late"),
        (lambda x: x.run(QUEUED), "late"),
        (lambda x: x.run(GOOD).run(QUEUED), "late"),
        (lambda x: x.run(QUEUED).change(paused=True), "paused"),
        (lambda x: x.run(RUNNING).change(next_due=NOW), "late"),
        (lambda x: x.run(RUNNING).run(QUEUED), "running"),
        (lambda x: x.run(RUNNING, **BACKFILL).run(QUEUED), "late"),
        (lambda x: x.run(RUNNING, **BACKFILL).run(QUEUED, **BACKFILL), "running"),
        (lambda x: x.run(BAD).run(QUEUED), "failing"),
        (lambda x: x.run(QUEUED, due_at=LATER + HOUR), "never"),
    ],
)
def test_late_is_what_is_due_and_nothing_starts(
    ledger: Ledger, tell: Callable[[Ledger], Ledger], expected: str
) -> None:
    reported = tell(ledger)
    assert reported.health(LATER).state == expected


def test_a_minute_is_not_late(ledger: Ledger) -> None:
    ledger.run(QUEUED)
    assert ledger.health(ledger.now + timedelta(seconds=59)).state is HealthState.NEVER


def test_it_shows_why_and_who_paused_it(ledger: Ledger) -> None:
    health = ledger.runs(GOOD, BAD).health()
    assert (health.why, health.run_id) == ("Run 2 failed: NameError: x", 2)
    assert (health.paused_by, health.last_success_at) == (None, NOW + MINUTE)
    assert ledger.change(paused=True).health().paused_by is PausedBy.PERSON
    ledger.change(paused=False, next_due=LATER).runs(*FIVE)
    health = ledger.health()
    assert health.paused_by is PausedBy.PLATFORM
    assert (health.run_id, health.failing) == (7, True)
    assert "after 5 failures in a row; the last: run 7" in health.why


def test_an_automatic_pause_is_more_severe_than_a_failure() -> None:
    order = ["auto_paused", "failing", "held", "backfill_failed", "late"]
    severities = [PipelineHealth(state=HealthState(state)).severity for state in order]
    assert severities == sorted(severities, reverse=True)
    assert len(set(severities)) == len(severities)
    others = set(HealthState) - set(order)
    assert {PipelineHealth(state=state).severity for state in others} == {0}


def test_many_pipelines_take_as_many_questions_as_one(ledger: Ledger) -> None:
    calls = []

    class Counted:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(ledger.store, name)

    for count in (1, 100):
        pipelines = [replace(a_pipeline(), name=f"p{n}") for n in range(count)]
        calls.clear()
        load_health(Counted(), pipelines, NOW)
        assert calls == ["load_last_runs"] * 5


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 12.0),
        ({"attempts": 2, "worked_s": 3.5}, 3.5),
        ({"state": HELD, "worked_s": 3.5, "finished_at": LATER}, 3.5),
        ({"state": RUNNING, "finished_at": None}, 3600.0),
        ({"state": RUNNING, "attempts": 2, "finished_at": None, "worked_s": 4.0}, 4.0),
        (
            {
                "state": RUNNING,
                "attempts": 2,
                "finished_at": None,
                "worked_s": 4.0,
                "attempt_started_at": NOW - timedelta(seconds=9),
            },
            13.0,
        ),
        ({"state": QUEUED}, None),
        ({"state": QUEUED, "started_at": NOW, "finished_at": None, "worked_s": 4.0}, None),
        ({"state": SKIPPED, "started_at": None}, None),
        ({"finished_at": NOW - 2 * HOUR}, 0.0),
    ],
)
def test_seconds_are_those_at_work(fields: dict[str, Any], seconds: float | None) -> None:
    run = an_ended_run(1, "p", NOW - HOUR, **fields)
    assert seconds_of(run, NOW) == seconds
    since = working_since(run, NOW)
    at_work = run.state is RUNNING and seconds is not None
    assert since == (NOW - timedelta(seconds=seconds or 0.0) if at_work else None)


@pytest.mark.parametrize(
    ("freshness", "age", "fresh"),
    [
        (None, 10.0, "none"),
        (Freshness(warn_s=5.0), None, "none"),
        (Freshness(warn_s=5.0), 4.9, "ok"),
        (Freshness(warn_s=5.0), 5.0, "warn"),
        (Freshness(warn_s=5.0, error_s=9.0), 9.0, "error"),
        (Freshness(error_s=9.0), 8.0, "ok"),
    ],
)
def test_freshness(freshness: Freshness | None, age: float | None, fresh: str) -> None:
    assert freshness_of(freshness, age) == fresh
