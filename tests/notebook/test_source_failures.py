"""Failures of a source are recorded with its name, from the cell to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.errors import EtlError, ExecutionError, NotFound, SourceError
from jupyter_etl.model import Breaker, Outcome, VerdictKind
from jupyter_etl.notebook import api
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services.etl import Etl

GONE = "postgresql://nobody@127.0.0.1:1/etl"


class Listening:
    """A channel that records reported failures and forwards everything else."""

    def __init__(self, channel: Any, problem: EtlError | None = None) -> None:
        self._channel = channel
        self._problem = problem
        self.heard: list[tuple[str, str, bool]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def report_failure(self, source: str, message: str, *, retryable: bool) -> None:
        self.heard.append((source, message, retryable))
        if self._problem is not None:
            raise self._problem


@pytest.fixture
def session(home: Path, here: Path) -> DataSession:
    made = api.data_session({"df": pd.DataFrame({"id": [1]})})
    made.declare("trips", "trips.csv")
    made.declare("wh", GONE)
    return made


@pytest.mark.parametrize(
    "call",
    [
        lambda session: session.load("trips"),
        lambda session: session.preview("trips"),
        lambda session: session.describe("trips"),
        lambda session: session.check("trips", "rows > 0"),
        lambda session: session.check("df", "id: references trips.id"),
        lambda session: session.sql("local", "select * from trips"),
    ],
    ids=["load", "preview", "describe", "check", "reference", "local SQL"],
)
def test_the_runner_is_notified_of_a_source_that_cannot_be_read(
    session: DataSession, call: Callable[[DataSession], object]
) -> None:
    listening = Listening(session.channel)
    session.channel = listening
    with pytest.raises(SourceError) as caught:
        call(session)
    assert listening.heard == [("trips", str(caught.value), caught.value.retryable)]


@pytest.mark.parametrize("query", [None, "select 1 as one"])
def test_it_hears_that_a_later_read_may_succeed(session: DataSession, query: str | None) -> None:
    listening = Listening(session.channel)
    session.channel = listening
    with pytest.raises(SourceError):
        session.sql("wh", query) if query else session.load("wh.orders")
    assert [(name, retryable) for name, _, retryable in listening.heard] == [("wh", True)]


def test_a_runner_that_does_not_listen_hides_nothing(session: DataSession) -> None:
    session.channel = Listening(session.channel, ExecutionError("the runner is gone"))  # type: ignore[assignment]
    with pytest.raises(SourceError, match="trips"):
        session.load("trips")


def test_what_is_no_source_is_not_blamed(session: DataSession) -> None:
    listening = Listening(session.channel)
    session.channel = listening
    with pytest.raises(NotFound, match="'nothing'"):
        session.load("nothing")
    assert listening.heard == []


@pytest.mark.kernel
def test_the_verdict_and_the_breaker_name_the_source(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "dead.ipynb",
        f"%load_ext jupyter_etl\n%etl source wh {GONE}\n%etl source trips trips.csv",
        "import jupyter_etl as etl\ntry:\n    etl.load('trips')\nexcept Exception as e:\n    print(e)",
        "%etl load wh.orders",
    )
    run = etl.runs.run(path)
    assert (run.outcome, run.failed_cell) == (Outcome.FAILED, 2)
    assert run.verdict is not None
    assert (run.verdict.kind, run.verdict.retryable) == (VerdictKind.SOURCE, True)
    assert run.verdict.evidence.startswith("The source 'wh' could not be read: ")
    assert etl.store.load_breakers() == [Breaker(source="wh", failures=1)]
    path = write_notebook(
        here / "way-around.ipynb",
        "import jupyter_etl as etl\ntry:\n    etl.load('wh.orders')\nexcept Exception:\n    pass",
        "raise OSError('something else was unreachable')",
    )
    run = etl.runs.run(path)
    assert run.verdict is not None
    assert "wh" not in run.verdict.evidence
    assert etl.store.load_breakers() == [Breaker(source="wh", failures=1)]
