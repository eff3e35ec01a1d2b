"""Sources with invalid options, and sources that do not answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fakes.files import source_of
from fakes.notebooks import write_notebook
from jupyter_etl.errors import DeclarationError, EtlError, ExecutionError, NotFound, SourceError
from jupyter_etl.model import Breaker, Outcome, Source, VerdictKind
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services import reading
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.reading import check_source, connector_for

NOWHERE = {
    "csv": "/nowhere/a.csv",
    "parquet": "/nowhere/a.parquet",
    "json": "/nowhere/a.json",
    "jsonl": "/nowhere/a.jsonl",
    "excel": "/nowhere/a.xlsx",
    "http": "https://data.example/a",
    "sql": "sqlite:////nowhere/wh.db",
    "frame": "orders",
    "publication": "sales.daily",
}


def refused(source: Source) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        check_source(source)
    return caught.value


@pytest.mark.parametrize("kind", NOWHERE)
def test_an_option_that_a_kind_does_not_have(kind: str) -> None:
    check_source(source_of(NOWHERE[kind], kind))
    error = refused(source_of(NOWHERE[kind], kind, frobnicate="1"))
    assert f"Source 'trips': {kind} has no option 'frobnicate'; it has " in error.message


@pytest.mark.parametrize(
    ("kind", "option", "meant"),
    [
        ("csv", "delimeter", "delimiter"),
        ("csv", "Encoding", "encoding"),
        ("csv", "headers", "header"),
        ("csv", "typ.zip", "type.zip"),
        ("parquet", "types.zip", "type.zip"),
        ("json", "paht", "path"),
        ("excel", "shet", "sheet"),
        ("http", "timout", "timeout"),
    ],
)
def test_the_nearest_option_is_named(kind: str, option: str, meant: str) -> None:
    assert meant in refused(source_of(NOWHERE[kind], kind, **{option: "x"})).hint


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("csv", {"encoding": "nope"}, "encoding is 'nope'"),
        ("csv", {"header": "maybe"}, "header is 'maybe'"),
        ("csv", {"skip": "two"}, "skip is 'two'"),
        ("csv", {"delimiter": ";;"}, "delimiter is ';;'"),
        ("csv", {"decimal": "comma"}, "decimal is 'comma'"),
        ("csv", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("csv", {"type.zip": "decimal(99,2)"}, "type.zip is 'decimal(99,2)'"),
        ("csv", {"type.": "text"}, "no option 'type.'"),
        ("csv", {"type.t": "timestamp[us, Europe/Pariss]"}, "type.t is"),
        ("parquet", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("json", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("jsonl", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("excel", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("excel", {"header": "2"}, "header is '2'"),
        ("excel", {"skip": "-1"}, "skip is '-1'"),
        ("excel", {"text": "a", "type.a": "int64"}, "declared as text"),
        ("http", {"pages": "many"}, "pages is 'many'"),
        ("http", {"auth": "magic"}, "auth is 'magic'"),
        ("http", {"timeout": "soon"}, "soon"),
        ("http", {"type.a": "nmuber"}, "type.a is 'nmuber'"),
        ("http", {"page": "p", "offset": "o"}, "cannot be combined"),
    ],
)
def test_a_value_that_is_not_possible(kind: str, options: dict[str, str], says: str) -> None:
    assert says in refused(source_of(NOWHERE[kind], kind, **options)).message


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet", "excel"])
def test_a_file_behind_a_url_has_the_options_of_both(kind: str) -> None:
    place = f"https://data.example/a.{kind}"
    check_source(source_of(place, kind, timeout="10s", **{"type.a": "text"}))
    assert "'x'" in refused(source_of(place, kind, x="1")).message


@pytest.mark.parametrize(
    ("options", "secrets", "says"),
    [
        ({"anonymous": "perhaps"}, (), "anonymous is 'perhaps'"),
        ({"key": "AKIA"}, (), "only one is given"),
        ({}, ("pw",), "only one is given"),
        ({"regoin": "x"}, (), "regoin"),
    ],
)
def test_what_is_said_about_an_object_store(
    options: dict[str, str], secrets: tuple[str, ...], says: str
) -> None:
    source = Source(
        name="x", kind="csv", location="s3://lake/x.csv", options=options, secrets=secrets
    )
    assert says in refused(source).message


def test_a_kind_without_a_connector_is_refused() -> None:
    assert "mongo" in refused(source_of("x", "mongo")).message


def test_a_source_that_is_refused_is_not_in_the_catalogue(session: DataSession, here: Path) -> None:
    for options in ({"delimeter": ";"}, {"encoding": "nope"}):
        with pytest.raises(DeclarationError):
            session.declare("trips", "trips.csv", options=options)
    assert session.sources() == []


class _Old:
    """A connector of another package that lacks the method."""

    kinds = ("old",)


class _Strict(_Old):
    def check(self, source: Source) -> None:
        if source.options:
            raise DeclarationError("old has no options.")


def test_a_connector_of_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "load_block", lambda port, name: _Old)
    check_source(source_of("x", "old", anything="1"))
    monkeypatch.setattr(reading, "load_block", lambda port, name: _Strict)
    check_source(source_of("x", "old"))
    refused(source_of("x", "old", anything="1"))
    assert connector_for("old").kinds == ("old",)


GONE = "postgresql://nobody@127.0.0.1:1/etl"


class Listening:
    """A channel that keeps what it is told of failures, and passes all else on."""

    def __init__(self, channel: Any, problem: EtlError | None = None) -> None:
        self._channel = channel
        self._problem = problem
        self.failures: list[tuple[str, str, bool]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def report_failure(self, source: str, message: str, *, retryable: bool) -> None:
        self.failures.append((source, message, retryable))
        if self._problem is not None:
            raise self._problem


@pytest.fixture
def failing_session(home: Path, here: Path) -> DataSession:
    made = kernel_state.data_session({"df": pd.DataFrame({"id": [1]})})
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
def test_the_runner_hears_of_a_source_that_cannot_be_read(
    failing_session: DataSession, call: Callable[[DataSession], object]
) -> None:
    listening = Listening(failing_session.channel)
    failing_session.channel = listening
    with pytest.raises(SourceError) as caught:
        call(failing_session)
    assert listening.failures == [("trips", str(caught.value), caught.value.retryable)]


@pytest.mark.parametrize("query", [None, "select 1 as one"])
def test_it_hears_that_a_later_read_may_succeed(
    failing_session: DataSession, query: str | None
) -> None:
    listening = Listening(failing_session.channel)
    failing_session.channel = listening
    with pytest.raises(SourceError):
        failing_session.sql("wh", query) if query else failing_session.load("wh.orders")
    assert [(name, retryable) for name, _, retryable in listening.failures] == [("wh", True)]


def test_a_runner_that_does_not_listen_hides_nothing(failing_session: DataSession) -> None:
    failing_session.channel = Listening(
        failing_session.channel, ExecutionError("the runner is gone")
    )  # type: ignore[assignment]
    with pytest.raises(SourceError, match="trips"):
        failing_session.load("trips")


def test_what_is_no_source_is_not_blamed(failing_session: DataSession) -> None:
    listening = Listening(failing_session.channel)
    failing_session.channel = listening
    with pytest.raises(NotFound, match="'nothing'"):
        failing_session.load("nothing")
    assert listening.failures == []


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
