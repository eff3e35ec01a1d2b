"""Named queries, the origins of columns, and the limit on large results."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, EtlError, LimitExceeded
from jupyter_etl.model import Read
from jupyter_etl.notebook import kernel_state, queries
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.sources.sql import cost
from jupyter_etl.sources.sql.cost import Estimate


@pytest.fixture
def session(home: Path, here: Path, names: dict[str, Any]) -> DataSession:
    path = here / "wh.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer, day text, amount real)")
        rows = [(1, "2026-01-01", 1.5), (2, "2026-01-02", 2.5), (3, "2026-01-02", None)]
        connection.executemany("insert into orders values (?, ?, ?)", rows)
    connection.close()
    found = kernel_state.data_session(names)
    found.declare("wh", f"sqlite:///{path}", readonly=True)
    return found


@pytest.fixture
def reads(session: DataSession, monkeypatch: pytest.MonkeyPatch) -> list[Read]:
    """The reads that the notebook has reported."""
    said: list[Read] = []
    monkeypatch.setattr(session.channel, "report_read", said.append)
    return said


def fails(call: Callable[[], object]) -> EtlError:
    with pytest.raises(DeclarationError) as caught:
        call()
    return caught.value


def name(session: DataSession, given: str, text: str, source: str = "wh") -> None:
    queries.remember(session, queries.Query(source=source, text=text, name=given))


def labels(session: DataSession, frame: object) -> dict[str, list[str]]:
    known = session.remembered.origins_of(frame)
    return {column: [one.label for one in found] for column, found in known.items()}


def test_a_named_query_is_a_table_of_a_later_one(
    session: DataSession, names: dict[str, Any]
) -> None:
    name(session, "recent", "select * from orders where day >= {{day}};")
    name(session, "paid", "select * from {{ ref('recent') }} where amount > {{least}}")
    names.update(day="2026-01-02", least=1)
    found = session.sql("wh", "select count(*) n from {{ ref('paid') }}, {{ ref(\"recent\") }} r")
    assert found["n"].tolist() == [2]
    names["least"] = 100
    assert session.sql("wh", "select * from {{ref('paid')}}").empty


def test_local_queries_have_names_too(session: DataSession, names: dict[str, Any]) -> None:
    names["df"] = pd.DataFrame({"a": [1, 2, 3]})
    name(session, "big", "with x as (select * from df) select * from x where a > 1", "local")
    found = session.sql(
        "local", "with y as (select 1 as a) select big.* from {{ref('big')}} join y on true"
    )
    assert found["a"].tolist() == [2, 3]


def test_to_store_the_result_names_it_as_well(session: DataSession) -> None:
    assert len(session.sql("wh", "select * from orders", name="everything")) == 3
    assert session.sql("wh", "select count(*) n from {{ ref('everything') }}")["n"].tolist() == [3]


def test_what_a_name_may_not_be(session: DataSession) -> None:
    name(session, "a", "select 1 as x")
    name(session, "b", "select * from {{ ref('a') }}")
    circle = fails(lambda: name(session, "a", "select * from {{ ref('b') }}"))
    assert "a -> b -> a" in circle.message
    assert (
        "refers to itself"
        in fails(lambda: name(session, "c", "select * from {{ref('c')}}")).message
    )
    unknown = fails(lambda: session.sql("wh", "select * from {{ ref('aa') }}"))
    assert "no query named 'aa'" in unknown.message
    elsewhere = fails(lambda: session.sql("local", "select * from {{ ref('a') }}"))
    assert "belongs to the source 'wh'" in elsewhere.message
    fails(lambda: name(session, "1; drop", "select 1"))
    fails(lambda: name(session, "two", "select 1; select 2"))
    fails(lambda: name(session, "gone", "delete from orders"))
    fails(lambda: name(session, "open", "select {{ x.y }}"))
    assert session.remembered.named("wh").keys() == {"a", "b"}


def test_reads_name_the_tables_of_the_query(session: DataSession, reads: list[Read]) -> None:
    session.sql("wh", "select id from orders where id > 1")
    session.sql("wh", "select o.id from orders o join sqlite_master m on true")
    assert [(r.source, r.table, r.rows) for r in reads] == [
        ("wh", "orders", 2),
        ("wh", "orders", None),
        ("wh", "sqlite_master", None),
    ]


def test_columns_are_followed_from_query_to_publication(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["orders"] = session.sql("wh", "select day, amount * 2 as double, 1 as one from orders")
    assert labels(session, names["orders"]) == {
        "day": ["wh.orders.day"],
        "double": ["wh.orders.amount"],
    }
    names["other"] = pd.DataFrame({"day": ["2026-01-02"], "x": [1]})
    names["daily"] = session.sql(
        "local",
        "select o.day, sum(double) as total, sum(x) as x from orders o join other using (day) group by 1",
        as_="arrow",
    )
    assert labels(session, names["daily"]) == {
        "day": ["wh.orders.day"],
        "total": ["wh.orders.amount"],
    }
    done = publish_table(session, "sales.daily", names["daily"], live=True)
    assert [(o.column, o.label) for o in done.staged.origins] == [
        ("day", "wh.orders.day"),
        ("total", "wh.orders.amount"),
    ]
    again = session.sql("local", 'select total from "sales.daily"')
    assert labels(session, again) == {"total": ["sales.daily.total"]}
    loaded = session.load("wh.orders")
    assert labels(session, loaded)["id"] == ["wh.orders.id"]


def test_a_frame_that_python_made_has_no_origin(session: DataSession) -> None:
    frame = session.load("wh.orders")
    made = publish_table(session, "t", frame.assign(z=1))
    assert made.staged.origins == ()
    del frame
    assert labels(session, pa.table({"id": [1]})) == {}


def guarded(session: DataSession, patch: pytest.MonkeyPatch, estimate: Estimate | None) -> None:
    patch.setattr(cost, "estimate_query", lambda *_: estimate)
    session.query_bytes = 1_000


def test_a_large_result_is_refused_interactively(
    session: DataSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded(session, monkeypatch, Estimate(rows=1_000_000, width_bytes=64))
    with pytest.raises(LimitExceeded) as caught:
        session.sql("wh", "select * from orders")
    problem = caught.value
    assert "1,000,000 rows of 64 bytes" in problem.message
    assert "--anyway" in problem.hint
    assert len(session.sql("wh", "select * from orders", anyway=True)) == 3
    session.query_bytes = 0
    assert len(session.sql("wh", "select * from orders")) == 3


def test_a_large_table_is_refused_before_it_is_read(
    session: DataSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded(session, monkeypatch, Estimate(rows=1_000_000, width_bytes=64))
    monkeypatch.setattr(session, "_open", lambda *_: pytest.fail("It was read."))
    with pytest.raises(LimitExceeded, match="is expected to have 1,000,000 rows"):
        session.load("wh.orders")
    with pytest.raises(LimitExceeded, match="is expected to have 1,000,000 rows"):
        session.sql("local", 'select * from "wh.orders"')


def test_a_run_is_warned_of_a_large_result(
    session: DataSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guarded(session, monkeypatch, Estimate(rows=1_000_000, width_bytes=64))
    context = replace(session.context, id=7)
    monkeypatch.setattr(type(session.channel), "context", property(lambda _: context))
    assert len(session.sql("wh", "select * from orders")) == 3
    assert capsys.readouterr().err.startswith("Warning: The result of the query is expected")
    assert len(session.load("wh.orders")) == 3


@pytest.mark.parametrize("estimate", [None, Estimate(rows=10, width_bytes=100)])
def test_a_small_or_unknown_result_is_not(
    session: DataSession, monkeypatch: pytest.MonkeyPatch, estimate: Estimate | None
) -> None:
    guarded(session, monkeypatch, estimate)
    assert len(session.sql("wh", "select * from orders")) == 3


def test_an_identifier_that_sqlite_does_not_have_is_an_error(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["c"] = "amout"
    with pytest.raises(EtlError, match="no such column: amout"):
        session.sql("wh", "select {{c|ident}} as x from orders where {{c|ident}} > 100")
    names["c"] = "amount"
    found = session.sql("wh", "select {{c|ident}} as x from orders where {{c|ident}} > 2")
    assert found["x"].tolist() == [2.5]
