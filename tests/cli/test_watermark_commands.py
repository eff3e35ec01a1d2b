"""Watermarks from the command line and from a notebook."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.store_values import NOW, an_output, finish, start, succeeded
from contracts.store_watermarks import moved_to
from fakes.command import CommandResult
from fakes.notebooks import write_notebook
from jupyter_etl.language.cursors import parse_cursor
from jupyter_etl.model import Cursor
from jupyter_etl.services import Etl

Command = Callable[..., CommandResult]
AT = "2026-01-02T06:00:00.5Z"


@pytest.fixture
def sales(command: Command, here: Path, etl: Etl) -> str:
    """A pipeline whose run has published what it read up to `AT`."""
    write_notebook(here / "sales.ipynb", "print(1)")
    assert command("schedule", "sales.ipynb", "@daily", "--tz", "UTC").code == 0
    etl.sources.declare("wh", f"sqlite:///{here / 'wh.db'}", base=here)
    run = etl.runs.trigger("sales")
    (claim,) = etl.store.claim("test", now=run.not_before, limit=1, run_id=run.id)
    start(etl.store, claim)
    cursor = Cursor(source="wh", table="orders", column="updated_at")
    move = moved_to(parse_cursor(AT), cursor=cursor)
    finish(etl.store, claim, replace(succeeded(an_output()), moves=(move,)))
    return "sales"


def test_they_are_listed(sales: str, command: Command, etl: Etl) -> None:
    expected = {
        "pipeline": "sales",
        "table": "wh.orders",
        "since": "updated_at",
        "value": AT,
        "kind": "instant",
        "run": 1,
        "by": etl.settings.owner,
        "at": NOW.isoformat().replace("+00:00", "Z"),
    }
    assert command("watermarks", "--json").json == [expected]
    assert "There is no pipeline 'other'." in command("watermarks", "--pipeline", "other").err
    assert command("watermark", "sales", "wh.orders", "--json").json == [expected]
    assert AT in command("watermarks").out
    assert "There are no watermarks yet" in command("watermark", "sales", "wh").out
    assert "There is no source or publication 'no'." in command("watermark", "sales", "no").err


def test_one_is_set_and_taken_away(sales: str, command: Command, etl: Etl) -> None:
    done = command("watermark", sales, "wh.orders", "--set", "2025-12-31", "--json")
    (row,) = done.json
    assert (row["value"], row["run"], row["by"]) == (
        "2025-12-31T00:00:00Z",
        None,
        etl.settings.owner,
    )
    (row,) = command("watermark", sales, "wh.orders", "--reset", "--json").json
    assert row["value"] is None
    assert etl.watermarks.list()[0].era == 2


def test_one_that_is_not_there_yet(sales: str, command: Command) -> None:
    words = ("watermark", sales, "wh.lines", "--set", "42", "--json")
    refused = command(*words)
    assert refused.code == 2
    assert "Set the column" in refused.err
    (row,) = command(*words, "--since", "id").json
    assert (row["table"], row["since"], row["value"], row["kind"]) == (
        "wh.lines",
        "id",
        "42",
        "integer",
    )
    other = command("watermark", sales, "wh.lines", "--since", "at", "--set", "x", "--json")
    assert other.code == 0
    assert "several watermarks" in command(*words).err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sales", "wh.orders", "--set", "1", "--reset"), "use one of them"),
        (("sales", "wh.orders", "--set", "soon"), "is not a valid instant"),
        (("sales", "wh.orders", "--set", "2026-01-01T00:00:00"), "must have a zone"),
        (("sales", "nowhere", "--since", "id", "--set", "1"), "nowhere"),
        (("salse", "wh.orders", "--since", "id", "--set", "1"), "sales"),
    ],
)
def test_what_cannot_be_set(
    sales: str, command: Command, etl: Etl, words: tuple[str, ...], says: str
) -> None:
    before = etl.watermarks.list()
    said = command("watermark", *words)
    assert said.code == 2
    assert says in said.err
    assert etl.watermarks.list() == before


def test_interactively_a_notebook_begins_there_and_leaves_it(
    sales: str,
    here: Path,
    etl: Etl,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import jupyter_etl

    with sqlite3.connect(here / "wh.db") as connection:
        connection.execute("create table lines (id integer)")
        connection.executemany("insert into lines values (?)", [(1,), (2,), (3,)])
    connection.close()
    monkeypatch.setenv("JPY_SESSION_NAME", "sales.ipynb")
    etl.watermarks.set("sales", "wh.lines", "2", column="id")
    before = etl.watermarks.list()
    for _ in range(2):
        assert jupyter_etl.load("wh.lines", since="id")["id"].tolist() == [3]
    assert "interactive, so the watermark does not move" in capfd.readouterr().out
    assert etl.watermarks.list() == before
