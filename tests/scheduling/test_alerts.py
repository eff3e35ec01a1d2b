"""Notifications about ended runs, even if a scheduler dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.store_values import NOW, a_pipeline, a_run, finish, start
from fakes.ledger import new_ledger
from jupyter_etl.errors import EtlError
from jupyter_etl.ledger import open_store
from jupyter_etl.model import (
    FAILURES_TO_PAUSE,
    AttemptReport,
    Cause,
    Outcome,
    Run,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Store
from jupyter_etl.scheduling.alerts import notify_ended

FAILED = AttemptReport(
    outcome=Outcome.FAILED,
    error="NameError: name 'x' is not defined",
    failed_cell=4,
    verdict=Verdict(kind=VerdictKind.NOTEBOOK, evidence="x is not defined"),
)


class Listener:
    """Records its messages; it may die during one."""

    def __init__(self, problem: BaseException | None = None) -> None:
        self.problem = problem
        self.said: list[tuple[str, str]] = []
        self.bodies: list[str] = []

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        self.said.append((severity, title))
        self.bodies.append(body)
        if self.problem is not None:
            raise self.problem


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(new_ledger(tmp_path))
    yield opened
    opened.close()


def end(
    store: Store, report: AttemptReport, state: RunState, *, by: str = "one", planned: bool = False
) -> int:
    """Let a run end that this scheduler had claimed, and return its id."""
    cause = Cause.SCHEDULE if planned else Cause.BACKFILL
    run = store.add_run(a_run(f"run {store.count_runs()}", cause=cause), now=NOW)
    (claim,) = store.claim(by, now=NOW, limit=1, run_id=run.id)
    start(store, claim)
    finish(store, claim, report, state=state)
    return run.id


def notify(store: Store, listener: Listener, *, by: str = "one", alive: str = "one") -> int:
    return notify_ended(
        store=store, notifier=listener, scheduler_id=by, alive=frozenset(alive.split())
    )


def test_an_end_is_notified_once(store: Store) -> None:
    end(store, FAILED, RunState.FAILED)
    listener = Listener()
    assert notify(store, listener) == 1
    assert notify(store, listener) == 0
    assert listener.said == [("error", "orders failed")]
    assert "Cell: 5" in listener.bodies[0]
    assert "Fault: notebook. x is not defined" in listener.bodies[0]


def test_a_run_that_ended_while_all_schedulers_were_dead_is_notified_by_the_next(
    store: Store,
) -> None:
    end(store, FAILED, RunState.FAILED, by="dead")
    listener = Listener()
    assert notify(store, listener, by="new", alive="new") == 1
    assert listener.said == [("error", "orders failed")]


def test_of_several_schedulers_one_notifies(store: Store) -> None:
    end(store, FAILED, RunState.FAILED, by="two")
    end(store, FAILED, RunState.FAILED, by="dead")
    one, two, three = Listener(), Listener(), Listener()
    assert notify(store, three, by="zoe", alive="one two zoe") == 0
    assert notify(store, one, by="one", alive="one two zoe") == 1
    assert notify(store, two, by="two", alive="one two zoe") == 1


def test_a_scheduler_that_dies_while_notifying_lets_the_next_notify_again(store: Store) -> None:
    end(store, FAILED, RunState.FAILED)
    with pytest.raises(KeyboardInterrupt):
        notify(store, Listener(KeyboardInterrupt()))
    listener = Listener()
    assert notify(store, listener, by="next", alive="next") == 1
    assert listener.said == [("error", "orders failed")]


def test_an_alert_that_cannot_be_sent_harms_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    end(store, FAILED, RunState.FAILED)
    assert notify(store, Listener(EtlError("the mail server does not answer"))) == 1
    assert "the mail server does not answer" in caplog.text
    assert notify(store, Listener()) == 0


def test_what_people_hear(store: Store) -> None:
    listener = Listener()
    end(store, AttemptReport(outcome=Outcome.HELD, error="2 rows"), RunState.HELD)
    end(store, FAILED, RunState.FAILED)
    again = end(store, FAILED, RunState.FAILED)
    end(store, AttemptReport(outcome=Outcome.SUCCEEDED), RunState.SUCCEEDED)
    store.requeue(again, now=NOW)
    notify(store, listener)
    assert listener.said == [
        ("warning", "orders was held by a check"),
        ("error", "orders failed"),
        ("info", "orders works again"),
    ]


def test_the_alert_shows_that_the_platform_paused_the_pipeline(store: Store) -> None:
    store.deploy(a_pipeline(), now=NOW)
    for _ in range(FAILURES_TO_PAUSE - 1):
        end(store, FAILED, RunState.FAILED, planned=True)
    listener = Listener()
    notify(store, listener)
    assert "Paused" not in "".join(listener.bodies)
    last = end(store, replace(FAILED, error="it broke"), RunState.FAILED, planned=True)
    notify(store, listener)
    assert f"in a row; the last: run {last}, it broke" in listener.bodies[-1]
    assert "jupyter etl resume orders" in listener.bodies[-1]
