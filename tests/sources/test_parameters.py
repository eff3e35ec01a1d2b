"""A value arrives in each database exactly, or is refused with the name of its placeholder."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from fakes.sql import NAIVE, query
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Source
from jupyter_etl.sources.local_sql import run_local

KOLKATA = timezone(timedelta(hours=5, minutes=30))
LOCAL = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=1)
INSTANT = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)

SAME: tuple[object, ...] = (
    None,
    "x",
    "",
    "it's :x $1 ? % é 🎉",
    b"a\0\xff",
    1.5,
    math.inf,
    -0.0,
    5e-324,
    0,
    2**31,
    2**63 - 1,
    -(2**63),
)
"""Types of every database."""

Row = tuple[object, object]

DUCKDB: tuple[Row, ...] = (
    *((value, value) for value in SAME),
    (True, True),
    ("a\0b", "a\0b"),
    (2**63, 2**63),
    (-(2**64), Decimal(-(2**64))),
    (2**127 - 1, str(2**127 - 1)),
    (2**128 - 1, str(2**128 - 1)),
    (Decimal("1.50"), Decimal("1.50")),
    (Decimal("1E+2"), Decimal(100)),
    (Decimal("9" * 38), Decimal("9" * 38)),
    (Decimal("1E-37"), Decimal("1E-37")),
    (Decimal("0." + "1" * 38), Decimal("0." + "1" * 38)),
    (date(1, 1, 1), date(1, 1, 1)),
    (NAIVE, NAIVE),
    (LOCAL, INSTANT),
    (time(10, 0, 0, 5), time(10, 0, 0, 5)),
    (time(10, tzinfo=KOLKATA), "10:00:00+05:30"),
    (timedelta(days=-1, microseconds=5), pa.MonthDayNano([0, -1, 5000])),
)

SQLITE: tuple[Row, ...] = (
    *((value, value) for value in SAME),
    (True, 1),
    (Decimal("0.1"), 0.1),
    (Decimal("1E+2"), 100.0),
    (date(2026, 1, 1), "2026-01-01"),
    (NAIVE, "2026-01-01 10:00:00"),
    (LOCAL, "2026-11-01 06:30:00"),
    (time(10, 0, 0, 5), "10:00:00.000005"),
)

POSTGRES: tuple[Row, ...] = (
    *((value, value) for value in SAME),
    (True, True),
    (2**63, Decimal(2**63)),
    (-(2**63) - 1, Decimal(-(2**63) - 1)),
    (Decimal("1.50"), Decimal("1.50")),
    (Decimal("1E+2"), Decimal(100)),
    (Decimal("9" * 38), Decimal("9" * 38)),
    (date(1, 1, 1), date(1, 1, 1)),
    (NAIVE, NAIVE),
    (LOCAL, INSTANT),
    (time(10, 0, 0, 5), time(10, 0, 0, 5)),
    (time(10, tzinfo=KOLKATA), "10:00:00+05:30"),
    (timedelta(days=-1, microseconds=5), pa.MonthDayNano([0, -1, 5000])),
)


def the_same(found: object, expected: object) -> bool:
    return type(found) is type(expected) and (repr(found) == repr(expected) or found == expected)


def compare(ask: Callable[[object], object], rows: tuple[Row, ...]) -> None:
    found = {repr(value): ask(value) for value, _ in rows}
    wrong = {
        repr(value): (found[repr(value)], expected)
        for value, expected in rows
        if not the_same(found[repr(value)], expected)
    }
    assert not wrong


def test_duckdb() -> None:
    compare(
        lambda v: run_local("select :x as a, :x as b", {"x": v}, {}).to_pylist()[0]["b"], DUCKDB
    )


@pytest.mark.parametrize(
    "value",
    [
        2**128,
        -(2**127) - 1,
        Decimal("1" * 39),
        Decimal("1E-38"),
        Decimal("1." + "1" * 38),
        "\ud800",
    ],
    ids=repr,
)
def test_what_duckdb_cannot_hold(value: object) -> None:
    with pytest.raises(DeclarationError, match="value of 'x' is"):
        run_local("select :x as x", {"x": value}, {})


@pytest.fixture
def lite(tmp_path: Path) -> Source:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (v)")
    return Source(name="wh", kind="sql", location=f"sqlite:///{path}")


def test_sqlite(lite: Source) -> None:
    compare(lambda v: query(lite, "select :x as a, :x as b", x=v).to_pylist()[0]["b"], SQLITE)


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        math.nan,
        Decimal("0.12345678901234567890"),
        Decimal("NaN"),
        "\ud800",
        timedelta(1),
        [1],
    ],
    ids=repr,
)
def test_what_sqlite_cannot_hold(lite: Source, value: object) -> None:
    with pytest.raises(DeclarationError, match="value of 'x' is"):
        query(lite, "select :x as x", x=value)


@pytest.fixture
def wh(postgres_url: str) -> Source:
    return Source(name="wh", kind="sql", location=postgres_url)


@pytest.mark.postgres
def test_postgresql(wh: Source) -> None:
    compare(lambda v: query(wh, "select :x as a, :x as b", x=v).to_pylist()[0]["b"], POSTGRES)
    for value in ("a\0b", "\ud800"):
        with pytest.raises(DeclarationError, match="value of 'x'"):
            query(wh, "select :x as x", x=value)


@pytest.mark.postgres
def test_postgresql_compares_with_the_type_of_the_column(wh: Source) -> None:
    columns: dict[str, tuple[str, list[object]]] = {
        "i2": ("int2", [5, Decimal(5), None, 2**40]),
        "i4": ("int4", [5, "5", 2**31]),
        "i8": ("int8", [5, 2**70, Decimal(5)]),
        "n": ("numeric(12, 2)", [Decimal("5.00"), 5, 2**70, "5"]),
        "f": ("float8", [5.0, 5]),
        "s": ("text", ["x"]),
        "b": ("bytea", [b"x"]),
        "d": ("date", [date(2026, 1, 1), "2026-01-01", NAIVE, LOCAL]),
        "ts": ("timestamp", [NAIVE, LOCAL, date(2026, 1, 1), "2026-01-01"]),
        "tz": ("timestamptz", [NAIVE, LOCAL, date(2026, 1, 1), "2026-01-01"]),
        "tm": ("time", [time(1), "01:00"]),
        "iv": ("interval", [timedelta(1), "1 day"]),
        "u": ("uuid", ["00000000-0000-0000-0000-000000000005", None]),
        "j": ("jsonb", ['{"a": 1}']),
        "bo": ("bool", [True, None]),
    }
    query(
        wh, f"create table t ({', '.join(f'{name} {kind}' for name, (kind, _) in columns.items())})"
    )
    for name, (_, values) in columns.items():
        for value in values:
            sql = f"select count(*) as n from t where {name} = :x or {name} in (:x, :x)"
            assert query(wh, sql, x=value)["n"].to_pylist() == [0], (name, value)
        query(wh, f"insert into t ({name}) values (:x)", x=values[0])
        found = query(wh, f"select count(*) as n from t where {name} = :x", x=values[0])
        assert found["n"].to_pylist() == [1], name
        if not isinstance(values[0], str):
            query(wh, f"delete from t where {name} = any(array[:x, :x])", x=values[0])


@pytest.mark.postgres
def test_postgresql_only_placeholders_are_replaced(wh: Source) -> None:
    sql = """
        select ':x' as a, $$:x$$ as b, $q$ :x $q$ as c, E'it\\'s :x' as d, ":x" as e, :x::int as f,
          5 % 3 as g, '%s %' as h, '{"a": 1}'::jsonb ? 'a' as i -- :x
          /* :x */ from (select 1 as ":x") t
    """
    (found,) = query(wh, sql, x="7").to_pylist()
    assert list(found.values()) == [":x", ":x", " :x ", "it's :x", 1, 7, 2, "%s %", True]
    with pytest.raises(DeclarationError, match=r"contains \$1 in addition"):
        query(wh, "select $1 as a, :x as b", x=1)
    (text,) = query(wh, "select '$1' as a, :x as b", x=1).to_pylist()
    assert text == {"a": "$1", "b": 1}


@pytest.mark.postgres
def test_postgresql_a_with_that_writes_runs_once(wh: Source) -> None:
    query(wh, "create table t (i int, u uuid)")
    query(wh, "with a as (select 9 as i) insert into t (i) select i from a")
    moved = (
        "with d as (delete from t returning i) insert into t (i) select i + :x from d returning i"
    )
    assert query(wh, moved, x=1).to_pylist() == [{"i": 10}]
    assert query(wh, "with d as (delete from t returning i) select i from d;").to_pylist() == [
        {"i": 10}
    ]
    for odd in ("u", "1 as a, 2 as a", "'infinity'::date"):
        with pytest.raises(Exception, match=r"column|two columns"):
            query(
                wh, f"with a as (select 9 as i) insert into t (i) select i from a returning {odd}"
            )
    assert query(wh, "select count(*) as n from t")["n"].to_pylist() == [0]
