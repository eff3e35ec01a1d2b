"""``%etl load --since`` and ``%etl watermark`` in a notebook."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fakes.shell import Notebook
from jupyter_etl.errors import PermissionDenied
from jupyter_etl.notebook import kernel_state
from jupyter_etl.runner.channel.sockets import CHANNEL


@pytest.fixture
def sales(notebook: Notebook, here: Path) -> Notebook:
    with sqlite3.connect(here / "wh.db") as connection:
        connection.execute("create table orders (id integer, region text)")
        rows = [(1, "a"), (2, "b"), (2, "c"), (None, "d")]
        connection.executemany("insert into orders values (?, ?)", rows)
    connection.close()
    notebook.save("%etl schedule @daily")
    notebook.run(f"%etl source wh sqlite:///{here / 'wh.db'}")
    notebook.run("%etl schedule @daily")
    return notebook


def test_a_load_shows_what_it_read(sales: Notebook) -> None:
    said = sales.printed("new = %etl load wh.orders --since id --key id")
    assert said == (
        "wh.orders.id: 3 rows after the start up to 2; 2 of them the newest of their id; "
        "1 rows without id skipped; interactive, so the watermark does not move\n"
    )
    assert sales.names["new"]["region"].tolist() == ["a", "c"]


def test_it_is_set_and_shown(sales: Notebook) -> None:
    assert "0 watermarks" in sales.card("%etl watermark").text
    set_to = sales.card("%etl watermark wh.orders --since id --set 1")
    assert "wh.orders.id: the next load begins after 1." in set_to.text
    assert "wh.orders" in sales.card("%etl watermark wh.orders").text
    sales.run("new = %etl load wh.orders --since id --lag 1")
    assert sales.names["new"]["region"].tolist() == ["a", "b", "c"]
    assert "after the start" in sales.card("%etl watermark wh.orders --reset").text


def test_what_is_not_understood(sales: Notebook) -> None:
    for line in ("%etl watermark --set 1", "%etl watermark wh.orders --set 1 --reset"):
        assert "set for one table" in sales.fails(line)[1]


def test_a_run_cannot_set_it(sales: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel_state.close()
    monkeypatch.setenv(CHANNEL, "/nowhere")
    problem, said = sales.fails("%etl watermark wh.orders --since id --set 1")
    assert isinstance(problem, PermissionDenied)
    assert "A run has no access to the ledger" in said


def test_options_are_offered(sales: Notebook) -> None:
    assert "--since" in sales.complete("%etl load wh.orders --s")
    assert {"--set", "--since"} <= set(sales.complete("%etl watermark wh.orders --s"))
