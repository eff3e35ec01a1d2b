"""Checks of frames, files, versions, queries and Arrow streams; NaN counts as missing everywhere."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.shell import Notebook, notebook_shell
from jupyter_etl.errors import CheckFailed, DeclarationError
from jupyter_etl.model import CheckResult, Read
from jupyter_etl.notebook import api, streams
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.notebook.streams import Stream, rows_of

NAN = float("nan")
IDS, XS = [1, 2, 3, 4, 5], [1.5, NAN, 2.5, NAN, -1.0]
RULES = """
x: not null : warn
x: unique : warn
x >= 0 : warn
x between -1 and 2 : warn
x in (1.5, -1.0) : warn
x matches '^[0-9.]+$' : warn
x references known.x : warn
not isnan(x) : warn
x = x : warn
sum(x) = 3 : warn
avg(x) = 1 : warn
min(x) = -1 : warn
max(x) = 2.5 : warn
count(x) = 3 : warn
count(DISTINCT x) = 3 : warn
avg(case when x is null then 1 else 0 end) <= 0.01 : warn
rows = 5 : warn
"""
FAILED = {
    "x: not null": 2,
    "x >= 0": 1,
    "x between -1 and 2": 1,
    "x in (1.5, -1.0)": 1,
    "x matches '^[0-9.]+$'": 1,
    "x references known.x": 1,
    "avg(case when x is null then 1 else 0 end) <= 0.01": None,
}
KINDS = ["pandas", "polars", "arrow", "float32", "float16", "dictionary", "chunks", "reader",
         "parquet", "csv", "publication"]  # fmt: skip


def declare(session: DataSession, names: dict[str, Any], kind: str) -> None:
    """Give the rows the name ``t`` as one kind of data."""
    floats = pa.table({"id": IDS, "x": pa.array(XS, pa.float64())})
    if kind == "pandas":
        names["t"] = pd.DataFrame({"id": IDS, "x": XS})
    elif kind == "polars":
        names["t"] = pl.DataFrame({"id": IDS, "x": XS})
    elif kind == "arrow":
        names["t"] = floats
    elif kind in ("float32", "float16"):
        names["t"] = pa.table({"id": IDS, "x": pa.array(np.array(XS, dtype=kind))})
    elif kind == "dictionary":
        names["t"] = pa.table({"id": IDS, "x": pa.array(XS).dictionary_encode()})
    elif kind == "chunks":
        names["t"] = pa.concat_tables([floats.slice(0, 2), floats.slice(2)])
    elif kind == "reader":
        names["t"] = floats.to_reader(max_chunksize=2)
    elif kind == "parquet":
        pq.write_table(floats, "t.parquet")
        session.declare("t", "t.parquet")
    elif kind == "csv":
        Path("t.csv").write_text("id,x\n1,1.5\n2,NaN\n3,2.5\n4,\n5,-1.0\n")
        session.declare("t", "t.csv")
    else:
        publish_table(session, "t", floats, live=True)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_is_missing_in_every_kind_of_data(
    session: DataSession, names: dict[str, Any], kind: str
) -> None:
    publish_table(session, "known", pa.table({"x": [1.5, 2.5, NAN]}), live=True)
    declare(session, names, kind)
    results = session.check("t", RULES)
    found = {one.rule.text: one.failed_rows for one in results if one.status.value == "warn"}
    assert found == FAILED
    (absent, *_) = results
    assert [row["x"] for row in absent.sample] == ["NULL", "NULL"]


def test_nan_inside_of_nested_values_is_missing(
    session: DataSession, names: dict[str, Any]
) -> None:
    lists = [[1.0, NAN], None, []]
    structs = [{"a": NAN}, {"a": 1.0}, None]
    maps = pa.array([[("k", NAN)], [], None], pa.map_(pa.string(), pa.float64()))
    names["t"] = pa.table({"l": lists, "s": structs, "m": maps})
    rules = (
        "l[2] is not null or len(l) < 2 : warn\ns.a is not null : warn\nm['k'] is not null : warn"
    )
    assert [one.failed_rows for one in session.check("t", rules)] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "parquet", "publication"])
def test_a_profile_counts_nan_as_missing(
    session: DataSession, names: dict[str, Any], kind: str
) -> None:
    declare(session, names, kind)
    from jupyter_etl.notebook.exploration import profile_data

    profile = profile_data(session, "t")
    (column,) = (one for one in profile.columns if one.name == "x")
    assert (column.nulls, column.distinct) == (2, 3)


NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([NOW - dt.timedelta(days=9), NOW - dt.timedelta(hours=30)], pa.timestamp("us", "UTC")),
        pa.array([(NOW - dt.timedelta(hours=30)).replace(tzinfo=None)], pa.timestamp("us")),
        pa.array([str((NOW - dt.timedelta(hours=30)).replace(tzinfo=None))]),
    ],
    ids=["zone", "no zone", "text"],
)  # fmt: skip
def test_the_greatest_value_is_as_recent_as_it_should_be(
    session: DataSession, names: dict[str, Any], values: pa.Array
) -> None:
    names["t"] = pa.table({"at": values})
    (result,) = session.check("t", "at: fresh 2d")
    assert "the greatest at is" in result.message
    with pytest.raises(CheckFailed, match="at: fresh 24h is false"):
        session.check("t", "at: fresh 24h")
    (late,) = session.check("t", "at: fresh 24h : warn")
    assert (late.status.value, late.failed_rows) == ("warn", None)


def test_dates_count_from_their_midnight_and_nothing_is_never_fresh(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["t"] = pa.table(
        {"day": [NOW.date()], "none": pa.array([None], pa.timestamp("us", "UTC"))}
    )
    assert session.check("t", "day: fresh 2d")[0].status.value == "pass"
    (result,) = session.check("t", "none: fresh 2d : warn")
    assert result.status.value == "warn"
    assert "no row has a value" in result.message
    names["n"] = pa.table({"x": [1]})
    with pytest.raises(DeclarationError, match="x: fresh 1h"):
        session.check("n", "x: fresh 1h")


@pytest.fixture
def notebook(
    home: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    monkeypatch.setenv("JPY_SESSION_NAME", "sales.ipynb")
    with notebook_shell(here / "sales.ipynb", capsys) as opened:
        yield opened


def test_the_card_shows_the_breaking_rows(notebook: Notebook) -> None:
    notebook.names["df"] = pd.DataFrame({"id": range(90), "note": ["<b>"] * 90})
    shown = notebook.card("%%etl check df\nid < 60 : warn\nid: unique")
    assert "id < 60: 20 of 30 rows that fail" in shown.text
    assert "&lt;b&gt;" in shown.html
    assert "<b>" not in shown.html
    assert shown.html.count("<style>") == 1


def test_a_schema_of_pandera_is_a_variable(notebook: Notebook) -> None:
    notebook.names["df"] = pd.DataFrame({"id": [1, 1]})
    notebook.names["rules"] = pandera.DataFrameSchema({"id": pandera.Column(int, unique=True)})
    problem, _ = notebook.fails("%etl check df --schema rules")
    assert isinstance(problem, CheckFailed)
    assert "id: field_uniqueness" in problem.message
    notebook.names["df"] = pd.DataFrame({"id": [1, 2]})
    assert "1 pass over 2 rows" in notebook.card("%etl check df --schema rules").text
    with pytest.raises(DeclarationError, match="both the schema"):
        raise notebook.fails("%%etl check df --schema rules\nid: unique")[0]
    with pytest.raises(DeclarationError, match="needs lines below"):
        raise notebook.fails("%etl check df")[0]


ROWS = pa.table({"id": [1, 2, 2, None], "amount": [5.0, -1.0, 2.0, None], "note": ["a"] * 4})
PASS_RULES = "id: unique : warn\namount >= 0 : warn\nrows = 4"


def _file(session: DataSession, here: Path) -> None:
    for number in range(2):
        pq.write_table(ROWS.slice(2 * number, 2), here / f"part{number}.parquet")
    session.declare("orders", str(here / "part*.parquet"))


def _publication(session: DataSession, here: Path) -> None:
    api.publish("orders", ROWS, live=True)


def _database(session: DataSession, here: Path) -> None:
    with closing(sqlite3.connect(here / "orders.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (id INTEGER, amount REAL, note TEXT)")
        rows = [tuple(row.values()) for row in ROWS.to_pylist()]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    session.declare("wh", f"sqlite:///{here / 'orders.db'}")


@pytest.mark.parametrize(
    ("make", "name"),
    [(_file, "orders"), (_publication, "orders"), (_database, "wh.orders")],
    ids=["files", "publication", "database"],
)
def test_a_name_is_checked_as_a_stream_and_its_reading_told_once(
    session: DataSession,
    here: Path,
    make: Callable[[DataSession, Path], None],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(session, here)
    reported: list[Read] = []
    report = session.channel.report_read
    monkeypatch.setattr(
        session.channel, "report_read", lambda read: (reported.append(read), report(read))
    )
    assert isinstance(session.rows(name), Stream)
    _expect(session.check(name, PASS_RULES))
    assert [read.rows for read in reported] == [4]


def test_an_arrow_stream_is_checked_with_its_breaking_rows(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["stream"] = ROWS.to_reader(max_chunksize=1)
    _expect(session.check("stream", PASS_RULES))
    _expect(session.check("given", PASS_RULES, ROWS.to_reader(max_chunksize=3)))
    with pytest.raises(CheckFailed, match="1 of 4 rows"):
        session.check("given", "amount >= 0", ROWS.to_reader())


def test_rows_that_cannot_be_judged_are_blamed_on_their_rule(session: DataSession) -> None:
    with pytest.raises(DeclarationError, match="'note::int > 0'"):
        session.check("given", "amount < 9\nnote::int > 0", ROWS.to_reader(max_chunksize=1))


def test_what_comes_once_is_kept_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_KEPT_BYTES", 10)
    table = ROWS.append_column("kind", pa.array(["a", "b", "a", None]).dictionary_encode())
    with streams.rereadable(rows_of(table.to_reader(max_chunksize=1), what="t")) as opened:
        assert callable(opened)
        for _ in range(3):
            with opened() as reader:
                assert reader.read_all().equals(table)


def test_a_frame_stays_in_memory() -> None:
    with streams.rereadable(rows_of(ROWS, what="t")) as rows:
        assert rows is ROWS


def _expect(results: list[CheckResult]) -> None:
    unique, positive, rows = results
    assert (unique.failed_rows, len(unique.sample)) == (1, 2)
    assert [row["id"] for row in unique.sample] == ["2", "2"]
    assert [row["amount"] for row in positive.sample] == ["-1.0"]
    assert rows.status.value == "pass"
