"""A database skips the rows that an earlier load has read, and no others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.connector_contract import no_access
from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest, Since
from jupyter_etl.sources.sql.connector import SqlConnector

HOSTILE = 'a";--'
INSTANT = datetime(2026, 1, 2, 6, 0, 0, 123456, tzinfo=UTC)
# Column, its type in PostgreSQL, the values of the rows in order, and where to go on.
COLUMNS: list[tuple[str, str, list[Any], Any]] = [
    ("i", "int", [1, 2, None, 3], 2),
    ("s", "smallint", [1, 2, None, 3], 2),
    ("big", "bigint", [1, 2**62, None, 2**62 + 1], 2**62),
    ("num", "numeric(30, 4)", [1, Decimal("2.5000"), None, Decimal("2.5001")], Decimal("2.5")),
    ("d", "date", ["2026-01-01", "2026-01-02", None, "2026-01-03"], date(2026, 1, 2)),
    (
        "at",
        "timestamptz",
        ["2026-01-01", INSTANT.isoformat(), None, "2026-01-02T07:00:00.123457+01:00"],
        INSTANT,
    ),
    (
        "naive",
        "timestamp",
        ["2026-01-01", "2026-01-02 06:00:00.123456", None, "2026-01-02 06:00:00.123457"],
        INSTANT.replace(tzinfo=None),
    ),
    ("t", "text", ["A", "B", None, "a"], "B"),
    ("v", "varchar(9)", ["A", "B", None, "a"], "B"),
    (HOSTILE, "text", ["A", "B'; DROP TABLE x--", None, "C"], "B'; DROP TABLE x--"),
]


def after(source: Source, column: str, value: Any, *, readonly: bool = True) -> list[int]:
    request = ReadRequest(
        table="orders", columns=("n", column), since=Since(column=column, after=value)
    )
    read = SqlConnector().read(replace(source, readonly=readonly), request, no_access())
    return sorted(read.batches.read_all().column("n").to_pylist())


@pytest.fixture
def postgres(postgres_url: str) -> Source:
    import psycopg
    from psycopg.sql import SQL, Identifier

    names = [name for name, *_ in COLUMNS]
    types = [SQL("{} " + kind).format(Identifier(name)) for name, kind, *_ in COLUMNS]  # type: ignore[arg-type]
    with psycopg.connect(postgres_url) as connection:
        # In the order of a language 'a' comes before 'B'.
        connection.execute(SQL("CREATE TABLE orders (n int, {})").format(SQL(", ").join(types)))
        marks = SQL(", ").join([SQL("%s")] * (1 + len(names)))
        for n in range(4):
            row = [n, *(values[n] for _, _, values, _ in COLUMNS)]
            connection.execute(SQL("INSERT INTO orders VALUES ({})").format(marks), row)
    return Source(name="wh", kind="sql", location=postgres_url)


@pytest.mark.postgres
def test_postgres_leaves_out_what_was_read_in_every_type(postgres: Source) -> None:
    found = {name: after(postgres, name, value) for name, _, _, value in COLUMNS}
    # The rows behind the value, and those that have none.
    assert found == {name: [2, 3] for name, *_ in COLUMNS}


@pytest.mark.postgres
def test_a_column_that_is_not_there(postgres: Source) -> None:
    with pytest.raises(SourceError, match="has no column 'updatd'"):
        after(postgres, "updatd", 1)


@pytest.fixture
def lite(tmp_path: Path) -> Source:
    path = tmp_path / "wh.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            'CREATE TABLE orders (n int, i int, t text COLLATE NOCASE, "a"";--" text)'
        )
        rows = [(0, 1, "A", "A"), (1, 2, "B", "B'"), (2, None, None, None), (3, 3, "a", "C")]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    return Source(name="wh", kind="sql", location=f"sqlite:///{path}")


@pytest.mark.parametrize(("column", "value"), [("i", 2), ("t", "B"), (HOSTILE, "B'")])
@pytest.mark.parametrize("readonly", [True, False])
def test_sqlite_leaves_out_what_was_read(
    lite: Source, column: str, value: Any, *, readonly: bool
) -> None:
    assert after(lite, column, value, readonly=readonly) == [2, 3]


def test_a_column_that_sqlite_does_not_have(lite: Source) -> None:
    with pytest.raises(SourceError, match="has no column 'updatd'"):
        after(lite, "updatd", 1)
