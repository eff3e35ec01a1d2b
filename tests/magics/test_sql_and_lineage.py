"""SQL cells with names, their completion, and the lineage of what they make."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from contracts.store_values import a_run, an_output, finish, started, succeeded
from fakes.clock import FakeClock
from fakes.shell import Notebook
from jupyter_etl.cli.main import main
from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import ColumnOrigin, Read, TableInfo
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.memory import FRESH_S, KnownTables


@pytest.fixture
def sql(notebook: Notebook, here: Path) -> Notebook:
    with sqlite3.connect(here / "wh.db") as connection:
        connection.execute("create table orders (id integer, amount real)")
        connection.execute("create table lines (order_id integer, sku text)")
        connection.executemany("insert into orders values (?, ?)", [(1, 1.5), (2, 2.5)])
    connection.close()
    notebook.run(f"%etl source wh sqlite:///{here}/wh.db --readonly")
    kernel_state.known_tables().wait_s = 60
    return notebook


def test_a_query_that_is_only_named_is_not_run(sql: Notebook) -> None:
    card = sql.card("%%etl sql wh --name big\nselect * from nowhere")
    assert card.text.startswith("✓ big: a query of wh, not run yet.")
    assert "{{ ref('big') }}" in card.text
    assert "nowhere" in sql.fails("%%etl sql wh\nselect * from {{ ref('big') }}")[1]
    sql.card("%%etl sql wh --name big\nselect * from orders where amount > {{least}}")
    sql.run("least = 2")
    card = sql.card("%%etl sql wh found <<\nselect id from {{ ref('big') }}")
    assert card.text.startswith("✓ found: 1 rows, 1 columns")
    assert sql.names["found"]["id"].tolist() == [2]


def test_one_statement_and_a_name_that_is_one(sql: Notebook) -> None:
    problem, _ = sql.fails("%%etl sql wh\nselect 1; select 2")
    assert isinstance(problem, DeclarationError)
    assert "more than one" in problem.message
    problem, _ = sql.fails("%%etl sql wh --name 2x\nselect 1")
    assert "not a valid name for a query" in str(problem)


class TestCompletion:
    def test_tables_and_columns_of_a_source(self, sql: Notebook) -> None:
        head = "%%etl sql wh x <<\n"
        assert sql.complete(f"{head}select * from or") == ["orders"]
        assert set(sql.complete(f"{head}select 1 from orders\nwhere am")) == {"amount"}
        assert sql.complete(f"{head}select 1 from orders o join lines l on l.order") == [
            "l.order_id"
        ]
        assert "order_id" not in sql.complete(f"{head}select 1 from orders where o")

    def test_frames_of_the_notebook_for_local(self, sql: Notebook) -> None:
        sql.run("import pandas as pd, pyarrow as pa")
        sql.run("frame = pd.DataFrame({'alpha': [1]}); arrow = pa.table({'beta': [1]})")
        head = "%%etl sql local\n"
        assert "frame" in sql.complete(f"{head}select 1 from fr")
        assert sql.complete(f"{head}select 1 from frame, x where alp") == ["alpha"]
        assert sql.complete(f"{head}select 1 from arrow a where a.be") == ["a.beta"]

    def test_other_cells_are_left_alone(self, sql: Notebook) -> None:
        assert "orders" not in sql.complete("x = 1\nor")
        assert "orders" not in sql.complete("%%etl sql gone\nselect or")


class TestKnownTables:
    def test_who_cannot_wait_gets_what_is_known(self) -> None:
        clock, gate, calls = FakeClock(), threading.Event(), []

        def load(source: str) -> list[TableInfo]:
            calls.append(source)
            gate.wait(60)
            return [TableInfo(name=f"t{len(calls)}")]

        known = KnownTables(wait_s=0, monotonic=clock.monotonic)
        assert known.of("wh", load) == known.of("wh", load) == []
        gate.set()
        known.wait_s = 60
        assert [t.name for t in known.of("wh", load)] == ["t1"]
        assert calls == ["wh"]
        clock.advance(FRESH_S + 1)
        assert [t.name for t in known.of("wh", load)] in (["t1"], ["t2"])

    def test_what_cannot_be_read_is_tried_again(self) -> None:
        calls = []

        def load(source: str) -> list[TableInfo]:
            calls.append(source)
            raise SourceError("no")

        known = KnownTables(wait_s=60)
        assert known.of("wh", load) == known.of("wh", load) == []
        assert calls == ["wh", "wh"]


@pytest.fixture
def made(sql: Notebook) -> Notebook:
    """A pipeline has made sales.daily of wh.orders."""
    store = kernel_state.open_etl().store
    origin = ColumnOrigin(column="day", source="wh", table="orders", source_column="at")
    report = succeeded(an_output("sales.daily", delta_version=None))
    report = type(report)(
        outcome=report.outcome,
        committed=report.committed,
        reads=(Read(source="wh", table="orders", rows=12),),
        origins={"sales.daily": (origin,)},
    )
    finish(store, started(store, a_run("a")), report)
    return sql


def test_lineage_in_the_notebook(made: Notebook) -> None:
    shown = made.card("%etl lineage sales.daily")
    assert "source wh.orders: 12 rows" in shown.text
    assert "day <- wh.orders.at" in shown.text
    assert "<ul><li>pipeline orders" in shown.html
    assert shown.metadata == {"jupyter_etl": {"card": True}}
    assert "is made of" not in made.card("%etl lineage sales.daily --down").text
    assert "goes into" in made.card("%etl lineage wh").text
    made.run("import jupyter_etl as etl\ng = etl.lineage('wh.orders')")
    assert [node.name for node in made.names["g"].nodes] == ["wh", "orders", "sales.daily"]


def test_lineage_on_the_command_line(made: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "sales.daily", "--up"]) == 0
    assert "source wh.orders: 12 rows" in capsys.readouterr().out
    assert main(["lineage", "wh.orders", "--json"]) == 0
    assert '"root": "source:wh.orders"' in capsys.readouterr().out
    assert main(["lineage", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
