from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import jupyter_etl
from fakes.http_api import api_server, json_reply
from jupyter_etl.errors import CheckFailed, DeclarationError, EtlError, NotFound, SourceError
from jupyter_etl.model import CheckStatus
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services.etl import Etl


@pytest.fixture
def trips(session: DataSession, here: Path) -> pd.DataFrame:
    (here / "trips.csv").write_text("id,fare\n1,4.5\n2,\n3,7.25\n")
    session.declare("trips", "trips.csv")
    return pd.DataFrame({"id": [1, 2, 3], "fare": [4.5, None, 7.25]})


@pytest.fixture
def warehouse(session: DataSession, here: Path) -> Path:
    path = here / "wh.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer, day text, amount real)")
        rows = [(1, "2026-01-01", 1.5), (2, "2026-01-02", 2.5), (3, "2026-01-02", None)]
        connection.executemany("insert into orders values (?, ?, ?)", rows)
    connection.close()
    session.declare("wh", f"sqlite:///{path}", readonly=True)
    return path


def fails(kind: type[EtlError], call: Callable[[], object]) -> EtlError:
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def test_declaring_opens_nothing_and_records_who(session: DataSession, here: Path) -> None:
    source = session.declare("later", "not_there.csv")
    assert (source.kind, source.owner) == ("csv", "sam")
    assert source.location == str(here / "not_there.csv")
    assert source.declared_at is not None
    assert session.declare("later", "not_there.csv").name == "later"
    assert [s.name for s in session.sources()] == ["later"]


def test_a_source_that_is_absent_is_named(session: DataSession) -> None:
    session.declare("later", "not_there.csv")
    problem = fails(SourceError, lambda: session.load("later"))
    assert "not_there.csv" in str(problem)
    assert problem.hint


def test_loading_a_file(session: DataSession, trips: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(session.load("trips"), trips)
    arrow = session.load("trips", columns=["fare"], limit=2, as_="arrow")
    assert isinstance(arrow, pa.Table)
    assert arrow.to_pydict() == {"fare": [4.5, None]}
    assert "pandas, arrow" in str(fails(DeclarationError, lambda: session.load("trips", as_="x")))


def test_a_wrong_column_lists_those_there_are(session: DataSession, trips: pd.DataFrame) -> None:
    problem = fails(EtlError, lambda: session.load("trips", columns=["fair"]))
    assert "fair" in str(problem)
    assert "fare" in str(problem)


def test_a_typo_in_a_name_gets_the_nearest(session: DataSession, trips: pd.DataFrame) -> None:
    assert "'trips'" in str(fails(NotFound, lambda: session.load("trip")))
    problem = fails(NotFound, lambda: session.load("zebra"))
    assert "%etl source zebra" in problem.hint


def test_tables_of_a_database(session: DataSession, warehouse: Path) -> None:
    assert len(session.load("wh.orders")) == 3
    assert [t.name for t in session.describe("wh")] == ["orders"]
    (table,) = session.describe("wh.orders")
    assert [c.name for c in table.columns] == ["id", "day", "amount"]
    assert "orders" in str(fails(EtlError, lambda: session.load("wh.order")))
    assert "orders" in str(fails(NotFound, lambda: session.describe("wh.order")))
    assert session.preview("wh.orders", limit=2).data.num_rows == 2


def test_sql_in_the_source_binds_the_notebooks_values(
    session: DataSession, warehouse: Path, names: dict[str, Any]
) -> None:
    names["day"] = "2026-01-02"
    query = "select sum(amount) as total, count(*) as n from orders where day = {{day}}"
    frame = session.sql("wh", query)
    assert frame.to_dict("records") == [{"total": 2.5, "n": 2}]
    given = session.sql("wh", query, parameters={"day": "2026-01-01"}, as_="arrow")
    assert given.to_pydict() == {"total": [1.5], "n": [1]}
    names["day"] = "x' or '1'='1"
    assert session.sql("wh", query)["n"][0] == 0
    problem = fails(DeclarationError, lambda: session.sql("wh", "select {{dya}}"))
    assert "dya" in problem.message
    assert "day" in str(problem)
    assert fails(EtlError, lambda: session.sql("wh", "selec 1")).message
    assert "no_such" in str(fails(EtlError, lambda: session.sql("wh", "select * from no_such")))


def test_readonly_is_kept(session: DataSession, warehouse: Path) -> None:
    fails(EtlError, lambda: session.sql("wh", "delete from orders"))
    assert len(session.load("wh.orders")) == 3


def test_sql_over_frames_files_and_publications(
    session: DataSession, trips: pd.DataFrame, names: dict[str, Any]
) -> None:
    names["df"] = pd.DataFrame({"id": [1, 3], "who": ["ann", "bob"]})
    publish_table(session, "taxi.fees", pd.DataFrame({"id": [3], "fee": [0.5]}), live=True)
    names["least"] = 5
    frame = session.sql(
        "local",
        "select d.who, t.fare + f.fee as total from trips t join df d using (id) "
        "join taxi.fees f using (id) where t.fare > {{least}}",
    )
    assert frame.to_dict("records") == [{"who": "bob", "total": 7.75}]
    assert "trip" in str(fails(NotFound, lambda: session.sql("local", "select * from trip")))
    hint = fails(DeclarationError, lambda: session.sql("df", "select 1")).hint
    assert "%%etl sql local" in hint


def test_the_interval_of_the_run_is_known_in_sql(
    session: DataSession, names: dict[str, Any]
) -> None:
    frame = session.sql("local", "select {{end}} > {{start}} as ok")
    assert frame["ok"].tolist() == [True]
    names["start"] = 7
    assert session.sql("local", "select {{start}} as s")["s"].tolist() == [7]


def test_two_columns_of_one_name_come_through(session: DataSession) -> None:
    assert session.sql("local", "select 1 as a, 2 as b").shape == (1, 2)


def test_a_check_reports_before_it_stops_the_cell(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["orders"] = pd.DataFrame({"id": [1, 1, None], "amount": [1, -2, 3]})
    results = session.check("orders", "rows > 2\namount >= 0 : warn")
    assert [r.status for r in results] == [CheckStatus.PASS, CheckStatus.WARN]
    with pytest.raises(CheckFailed) as caught:
        session.check("orders", "rows > 2\nid: unique, not null")
    assert "orders" in caught.value.message
    assert len(caught.value.data["results"]) == 3
    assert "warn" in caught.value.hint
    assert session.check("mine", "rows = 1", pd.DataFrame({"a": [1]}))[0].dataset == "mine"


def test_a_check_of_another_column_names_it(session: DataSession, names: dict[str, Any]) -> None:
    names["orders"] = pd.DataFrame({"amount": [1]})
    with pytest.raises(EtlError) as caught:
        session.check("orders", "amuont >= 0")
    assert "amuont" in str(caught.value)
    assert "amount" in str(caught.value)


def test_rows_against_the_live_version(session: DataSession, names: dict[str, Any]) -> None:
    names["sales"] = pd.DataFrame({"a": range(10)})
    publish_table(session, "sales", names["sales"], live=True)
    assert session.check("sales", "rows > 0.5 * last")[0].status is CheckStatus.PASS
    names["sales"] = pd.DataFrame({"a": range(4)})
    with pytest.raises(CheckFailed):
        session.check("sales", "rows > 0.5 * last")


def test_references_to_a_publication(session: DataSession, names: dict[str, Any]) -> None:
    publish_table(session, "ref.airports", pd.DataFrame({"faa": ["JFK"]}), live=True)
    names["flights"] = pd.DataFrame({"dest": ["JFK", "SJU"]})
    (result,) = session.check("flights", "dest references ref.airports.faa : warn")
    assert (result.status, result.failed_rows) == (CheckStatus.WARN, 1)


def test_parameters(session: DataSession) -> None:
    assert session.param("day date = 2026-02-01") == ("day", dt.date(2026, 2, 1))
    assert session.param("limit int = 10  # how many") == ("limit", 10)
    problem = fails(DeclarationError, lambda: session.param("day date"))
    assert "-p day=" in problem.hint


def test_frames_as_sources(session: DataSession, names: dict[str, Any]) -> None:
    names["df"] = pd.DataFrame({"a": [1, 2]})
    session.declare("mine", "frame:df")
    assert session.load("mine")["a"].tolist() == [1, 2]
    assert session.preview("df", limit=1).total_rows == 2
    assert [c.name for c in session.describe("df")[0].columns] == ["a"]
    del names["df"]
    assert "df" in str(fails(EtlError, lambda: session.load("mine")))


def test_a_publication_as_a_source(session: DataSession) -> None:
    publish_table(session, "a.b", pd.DataFrame({"x": [1]}), live=True)
    session.declare("up", "publication:a.b")
    assert session.load("up")["x"].tolist() == [1]
    assert session.load("a.b")["x"].tolist() == [1]
    assert session.describe("a.b")[0].rows == 1


def test_interactively_the_run_is_a_draft_of_now(home: Path) -> None:
    run = jupyter_etl.run
    assert (run.id, run.attempt, run.draft, run.owner) == (None, 0, True, "sam")
    assert run.start <= run.logical_at < run.end
    assert run.end - run.start == dt.timedelta(days=1)


def test_the_python_calls(home: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "t.csv").write_text("a\n1\n2\n")
    jupyter_etl.source("t", "t.csv")
    frame = jupyter_etl.load("t")
    assert jupyter_etl.sql("local", "select sum(a) as s from t")["s"][0] == 3
    (result,) = jupyter_etl.check("frame", "rows = 2", frame)
    assert result.status is CheckStatus.PASS
    assert jupyter_etl.param("n int = 4") == 4
    done = jupyter_etl.publish("x.y", frame)
    assert done.version is not None
    assert done.version.draft
    assert jupyter_etl.read("x.y", draft=True)["a"].tolist() == [1, 2]
    assert "draft" in str(fails(NotFound, lambda: jupyter_etl.read("x.y")))
    fails(DeclarationError, lambda: jupyter_etl.publish("x.y", frame, kind="blob"))
    assert set(jupyter_etl.__all__) <= set(dir(jupyter_etl))
    with pytest.raises(AttributeError, match="nope"):
        _ = jupyter_etl.nope  # type: ignore[attr-defined]


def test_nothing_is_recorded_interactively(etl: Etl, session: DataSession) -> None:
    session.check("t", "rows = 1", pd.DataFrame({"a": [1]}))
    assert etl.runs.list() == []
    assert etl.pipelines.list() == []


def test_loading_as_polars(session: DataSession, trips: pd.DataFrame) -> None:
    polars = pytest.importorskip("polars")
    frame = session.load("trips", columns=["fare"], limit=2, as_="polars")
    assert isinstance(frame, polars.DataFrame)
    assert frame["fare"].to_list() == [4.5, None]


def test_loading_an_api(session: DataSession) -> None:
    with api_server() as api:
        api.answer = lambda asked: json_reply({"data": {"rates": [{"eur": 1.5}, {"eur": None}]}})
        source = session.declare("rates", f"{api.url}/rates", options={"path": "data.rates"})
        assert source.kind == "http"
        assert session.load("rates", as_="arrow").to_pydict() == {"eur": [1.5, None]}
        assert [table.columns[0].name for table in session.describe("rates")] == ["eur"]
