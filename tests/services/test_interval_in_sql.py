"""``{{start}}``, ``{{end}}`` and ``{{logical_at}}`` select exactly a run's rows in each database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.notebook.session import Workbench

QUERY = "select id from {table} where seen >= {{{{start}}}} and seen < {{{{end}}}} order by id"
SECOND = timedelta(seconds=1)


@pytest.fixture
def instants(bench: Workbench) -> list[tuple[int, datetime]]:
    """Rows around the interval; 2 and 3 are inside."""
    run = bench.context
    times = (run.start - SECOND, run.start, run.end - SECOND, run.end)
    return list(enumerate(times, start=1))


def ids(bench: Workbench, source: str, table: str) -> list[int]:
    found: list[int] = bench.sql(source, QUERY.format(table=table))["id"].tolist()
    return found


def test_in_duckdb(bench: Workbench, names: dict[str, Any], instants: list) -> None:
    names["orders"] = pd.DataFrame(instants, columns=["id", "seen"])
    assert ids(bench, "local", "orders") == [2, 3]


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SZ"]
)
def test_in_sqlite(bench: Workbench, here: Path, instants: list, form: str) -> None:
    with closing(sqlite3.connect(here / "wh.db")) as connection, connection:
        connection.execute("create table orders (id integer, seen text)")
        rows = [(id, at.strftime(form)) for id, at in instants]
        connection.executemany("insert into orders values (?, ?)", rows)
    bench.declare("wh", "wh.db")
    assert ids(bench, "wh", "orders") == [2, 3]
    (day,) = bench.sql("wh", "select date({{start}}) as day")["day"]
    assert day == f"{bench.context.start:%Y-%m-%d}"


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_in_postgresql(bench: Workbench, postgres_url: str, instants: list, kind: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(f"create table orders (id int, seen {kind})")
        for id, at in instants:
            moment = at if kind == "timestamptz" else at.replace(tzinfo=None)
            connection.execute("insert into orders values (%s, %s)", (id, moment))
    bench.declare("wh", postgres_url)
    assert ids(bench, "wh", "orders") == [2, 3]


def test_the_notebook_s_own_variable_wins(bench: Workbench, names: dict[str, Any]) -> None:
    names["start"] = datetime(2020, 1, 1, tzinfo=UTC)
    frame = bench.sql("local", "select {{start}} as a, {{end}} as b, {{logical_at}} as c")
    assert frame["a"][0].year == 2020
    assert frame["b"][0].to_pydatetime() == bench.context.end
    assert frame["c"][0].to_pydatetime() <= bench.context.logical_at
    given = bench.sql("local", "select {{start}} as a", parameters={"start": 7})
    assert given["a"].tolist() == [7]
