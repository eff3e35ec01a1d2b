"""``{{start}}``, ``{{end}}`` and ``{{logical_at}}`` select exactly a run's rows in each database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.notebook.session import DataSession

QUERY = "select id from {table} where seen >= {{{{start}}}} and seen < {{{{end}}}} order by id"
SECOND = timedelta(seconds=1)


@pytest.fixture
def instants(session: DataSession) -> list[tuple[int, datetime]]:
    """Rows around the interval; 2 and 3 are inside."""
    run = session.context
    times = (run.start - SECOND, run.start, run.end - SECOND, run.end)
    return list(enumerate(times, start=1))


def ids(session: DataSession, source: str, table: str) -> list[int]:
    found: list[int] = session.sql(source, QUERY.format(table=table))["id"].tolist()
    return found


def test_in_duckdb(session: DataSession, names: dict[str, Any], instants: list) -> None:
    names["orders"] = pd.DataFrame(instants, columns=["id", "seen"])
    assert ids(session, "local", "orders") == [2, 3]


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SZ"]
)
def test_in_sqlite(session: DataSession, here: Path, instants: list, form: str) -> None:
    with closing(sqlite3.connect(here / "wh.db")) as connection, connection:
        connection.execute("create table orders (id integer, seen text)")
        rows = [(id, at.strftime(form)) for id, at in instants]
        connection.executemany("insert into orders values (?, ?)", rows)
    session.declare("wh", "wh.db")
    assert ids(session, "wh", "orders") == [2, 3]
    (day,) = session.sql("wh", "select date({{start}}) as day")["day"]
    assert day == f"{session.context.start:%Y-%m-%d}"


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_in_postgresql(session: DataSession, postgres_url: str, instants: list, kind: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(f"create table orders (id int, seen {kind})")
        for id, at in instants:
            moment = at if kind == "timestamptz" else at.replace(tzinfo=None)
            connection.execute("insert into orders values (%s, %s)", (id, moment))
    session.declare("wh", postgres_url)
    assert ids(session, "wh", "orders") == [2, 3]


def test_the_notebook_s_own_variable_wins(session: DataSession, names: dict[str, Any]) -> None:
    names["start"] = datetime(2020, 1, 1, tzinfo=UTC)
    frame = session.sql("local", "select {{start}} as a, {{end}} as b, {{logical_at}} as c")
    assert frame["a"][0].year == 2020
    assert frame["b"][0].to_pydatetime() == session.context.end
    assert frame["c"][0].to_pydatetime() <= session.context.logical_at
    given = session.sql("local", "select {{start}} as a", parameters={"start": 7})
    assert given["a"].tolist() == [7]
