"""Checks of data that is not in memory: files, versions, queries and Arrow streams."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_etl.errors import CheckFailed, DeclarationError
from jupyter_etl.model import CheckResult, Read
from jupyter_etl.notebook import api, passes
from jupyter_etl.notebook.passes import Stream, rows_of
from jupyter_etl.notebook.session import DataSession

ROWS = pa.table({"id": [1, 2, 2, None], "amount": [5.0, -1.0, 2.0, None], "note": ["a"] * 4})
RULES = "id: unique : warn\namount >= 0 : warn\nrows = 4"


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
def test_a_name_is_checked_as_a_stream_and_its_reading_reported_once(
    session: DataSession,
    here: Path,
    make: Callable[[DataSession, Path], None],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(session, here)
    told: list[Read] = []
    report = session.channel.report_read
    monkeypatch.setattr(
        session.channel, "report_read", lambda read: (told.append(read), report(read))
    )
    assert isinstance(session.rows(name), Stream)
    _expect(session.check(name, RULES))
    assert [read.rows for read in told] == [4]


def test_an_arrow_stream_is_checked_with_its_breaking_rows(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["stream"] = ROWS.to_reader(max_chunksize=1)
    _expect(session.check("stream", RULES))
    _expect(session.check("given", RULES, ROWS.to_reader(max_chunksize=3)))
    with pytest.raises(CheckFailed, match="1 of 4 rows"):
        session.check("given", "amount >= 0", ROWS.to_reader())


def test_rows_that_cannot_be_judged_are_blamed_on_their_rule(session: DataSession) -> None:
    with pytest.raises(DeclarationError, match="'note::int > 0'"):
        session.check("given", "amount < 9\nnote::int > 0", ROWS.to_reader(max_chunksize=1))


def test_what_comes_once_is_kept_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_KEPT_BYTES", 10)
    table = ROWS.append_column("kind", pa.array(["a", "b", "a", None]).dictionary_encode())
    with passes.passes(rows_of(table.to_reader(max_chunksize=1), what="t")) as opened:
        assert callable(opened)
        for _ in range(3):
            with opened() as reader:
                assert reader.read_all().equals(table)


def test_a_frame_stays_in_memory() -> None:
    with passes.passes(rows_of(ROWS, what="t")) as rows:
        assert rows is ROWS


def _expect(results: list[CheckResult]) -> None:
    unique, positive, rows = results
    assert (unique.failed_rows, len(unique.sample)) == (1, 2)
    assert [row["id"] for row in unique.sample] == ["2", "2"]
    assert [row["amount"] for row in positive.sample] == ["-1.0"]
    assert rows.status.value == "pass"
