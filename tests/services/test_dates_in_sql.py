"""Days and intervals in SQL are those of the schedule's timezone in each engine."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.errors import CheckFailed
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.session import DataSession

Opened = Callable[[str], DataSession]

CASES = [
    # zone, instant, day there, hour there
    ("America/New_York", "2026-01-02T02:00Z", "2026-01-01", 21),
    ("America/New_York", "2026-03-08T06:59Z", "2026-03-08", 1),
    ("America/New_York", "2026-03-08T07:00Z", "2026-03-08", 3),
    ("America/New_York", "2026-11-01T05:30Z", "2026-11-01", 1),
    ("America/New_York", "2026-11-01T06:30Z", "2026-11-01", 1),
    ("America/New_York", "2026-11-02T04:59Z", "2026-11-01", 23),
    ("Asia/Kolkata", "2026-01-01T18:29Z", "2026-01-01", 23),
    ("Asia/Kolkata", "2026-01-01T18:30Z", "2026-01-02", 0),
    ("UTC", "2026-01-02T02:00Z", "2026-01-02", 2),
]


@pytest.fixture(params=["UTC", "Pacific/Auckland"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in another timezone than the schedule."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def opened(
    home: Path, here: Path, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Opened:
    def open_in(zone: str) -> DataSession:
        monkeypatch.setenv("JUPYTER_ETL_TIMEZONE", zone)
        kernel_state.close()
        return kernel_state.data_session(names)

    return open_in


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("zone", "instant", "day", "hour"), CASES)
@pytest.mark.parametrize("unit", ["us", "ns", "s"])
def test_days_in_duckdb(
    opened: Opened, names: dict[str, Any], zone: str, instant: str, day: str, hour: int, unit: str
) -> None:
    session = opened(zone)
    names["ev"] = pd.DataFrame({"ts": pd.to_datetime([instant], utc=True).as_unit(unit)})
    names["day"] = date.fromisoformat(day)
    names["at"] = datetime.fromisoformat(instant)
    query = "select ts, ts::date as d, hour(ts) as h, {{at}} as a from ev where ts::date = {{day}}"
    (found,) = session.sql("local", query, as_="arrow").to_pylist()
    assert (found["d"], found["h"]) == (names["day"], hour)
    assert found["ts"] == found["a"] == names["at"]
    assert found["ts"].tzname() == "UTC"


def test_the_interval_and_now_in_duckdb(opened: Opened, names: dict[str, Any]) -> None:
    session = opened("America/New_York")
    query = "select {{start}} as s, {{end}} as e, current_setting('TimeZone') as z, today() = now()::date as n"
    (found,) = session.sql("local", query, as_="arrow").to_pylist()
    assert (found["s"], found["e"]) == (session.context.start, session.context.end)
    assert (found["z"], found["n"]) == ("America/New_York", True)
    names["ev"] = pd.DataFrame({"ts": [datetime(2026, 1, 1, 20)]})  # noqa: DTZ001 - a wall clock
    names["at"] = datetime(2026, 1, 2, 1, tzinfo=UTC)
    assert len(session.sql("local", "select * from ev where ts = {{at}}")) == 1


@pytest.mark.usefixtures("machine")
def test_days_in_checks(opened: Opened, names: dict[str, Any]) -> None:
    session = opened("America/New_York")
    names["ev"] = pd.DataFrame({"ts": pd.to_datetime(["2026-01-02T02:00Z"], utc=True)})
    session.check("ev", "ts::date = date '2026-01-01'\nts < timestamp '2026-01-01 21:00:01'")
    with pytest.raises(CheckFailed, match="2026-01-01 21:00:00-05"):
        session.check("ev", "ts::date = date '2026-01-02'")


@pytest.mark.postgres
@pytest.mark.parametrize("adbc", [True, False])
def test_days_in_postgresql(
    opened: Opened,
    names: dict[str, Any],
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    adbc: bool,
) -> None:
    if not adbc:
        monkeypatch.setitem(__import__("sys").modules, "adbc_driver_postgresql.dbapi", None)
    for zone, instant, day, hour in CASES:
        session = opened(zone)
        session.declare("wh", postgres_url, readonly=True)
        names["at"], names["day"] = datetime.fromisoformat(instant), date.fromisoformat(day)
        query = (
            "with ev as (select {{at}}::timestamptz as ts) select ts, ts::date as d, "
            "extract(hour from ts)::int as h, current_setting('timezone') as z "
            "from ev where ts::date = {{day}}"
        )
        (found,) = session.sql("wh", query, as_="arrow").to_pylist()
        assert (found["d"], found["h"], found["z"]) == (names["day"], hour, zone)
        assert found["ts"] == names["at"]
        (days,) = session.sql(
            "wh", "select {{start}} as s, current_date = now()::date as n", as_="arrow"
        ).to_pylist()
        assert days == {"s": session.context.start, "n": True}


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
