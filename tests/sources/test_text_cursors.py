"""No row with a later text is missed, whatever its form; otherwise the load is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.connector_contract import no_access
from jupyter_etl.errors import SourceError
from jupyter_etl.model import CursorKind, CursorValue, Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.increments import (
    Bounds,
    Increment,
    newest_of_each,
    read_increment,
    since_of,
)
from jupyter_etl.sources.sql.connector import SqlConnector
from jupyter_etl.sources.text import cursors

Texts = Sequence[str | None]


def read(
    texts: Texts, after: str | None = None, *, upto: str | None = None, rows: int = 2
) -> Increment:
    """Read texts, piece by piece."""
    table = pa.table({"n": range(len(texts)), "at": pa.array(texts, pa.string())})
    return increment(Reading(batches=table.to_reader(max_chunksize=rows)), after, upto)


def increment(reading: Reading, after: str | None, upto: str | None = None) -> Increment:
    low, high = (
        None if text is None else CursorValue(kind=CursorKind.TEXT, text=text)
        for text in (after, upto)
    )
    bounds = Bounds(after=low, upto=high, until=datetime(2026, 2, 1, tzinfo=UTC), zone="UTC")
    return read_increment(reading, bounds, what="wh.orders", column="at")


OLD_AND_NEW: dict[str, tuple[Texts, Texts]] = {
    "Z and none": (["2026-01-01 00:00:00", "2026-01-02T00:00:00Z"], ["2026-01-02 18:00:00"]),
    "T and blank": (["2026-01-02T00:00:00"], ["2026-01-02 18:00:00"]),
    "offsets": (["2026-01-02T06:00:00+02:00"], ["2026-01-02T05:00:00+00:00"]),
    "short offset": (["2026-01-02 06:00:00+02"], ["2026-01-02 05:00:00+00"]),
    "fraction": (["2026-01-02T06:00:00Z"], ["2026-01-02T06:00:00.250Z"]),
    "fractions": (["2026-01-02T06:00:00.1Z"], ["2026-01-02T06:00:00.12Z"]),
    "day and time": (["2026-01-01", "2026-01-02T00:00:00"], ["2026-01-02 00:00:01", "2026-01-03"]),
    "minutes": (["2026-01-02T06:00Z"], ["2026-01-02T06:00:30Z"]),
    "small letters": (["2026-01-02T06:00:00Z"], ["2026-01-02t07:00:00z"]),
    "numbers": (["8", "9"], ["10", "11", "100"]),
    "zeros": (["0008", "0009"], ["10", "0011"]),
    "signs": (["-10", "-9"], ["-5", "3"]),
    "one form": (["2026-01-02 06:00:00"], ["2026-01-02 06:00:00.5", "2026-01-03 00:00:00"]),
    "opaque": (["a1", "b2"], ["c3", "d4"]),
    "words": (["ant", "bee"], ["cat"]),
}


@pytest.mark.parametrize("kind", OLD_AND_NEW)
def test_rows_that_lie_further_are_read_and_no_others(kind: str) -> None:
    old, new = OLD_AND_NEW[kind]
    first = read(old)
    assert first.rows == len(old)
    assert first.value is not None
    everything = [*new, None, *old, ""]
    again = read(everything, first.value.text)
    assert again.table.column("at").to_pylist() == list(new)
    assert (again.nulls, again.value) == (1, CursorValue(kind=CursorKind.TEXT, text=str(new[-1])))
    assert again.value is not None
    assert read(everything, again.value.text).rows == 0
    # Another load of the run ends where the first one did.
    earlier = read([*old, *new], upto=first.value.text)
    assert (earlier.rows, earlier.later) == (len(old), len(new))


@pytest.mark.parametrize("kind", OLD_AND_NEW)
def test_a_database_leaves_out_none_of_them(tmp_path: Path, kind: str) -> None:
    old, new = OLD_AND_NEW[kind]
    with closing(sqlite3.connect(tmp_path / "wh.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (at text)")
        rows = [(text,) for text in [*old, *new, None]]
        connection.executemany("INSERT INTO orders VALUES (?)", rows)
    source = Source(name="wh", kind="sql", location=f"sqlite:///{tmp_path}/wh.db")
    last = read(old).value
    assert last is not None
    request = ReadRequest(table="orders", since=since_of("at", last))
    found = increment(SqlConnector().read(source, request, no_access()), last.text)
    assert found.table.column("at").to_pylist() == list(new)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (["2026-01-02"], "03.01.2026", "'03.01.2026' and '2026-01-02'"),
        (["2026-01-02"], "1767312000", "'1767312000' and '2026-01-02'"),
        (["2026-01-02"], "soon", "'2026-01-02' and 'soon'"),
        (["2026-01-02T00:00:00Z"], "2026-01-03 25:00:00", "'2026-01-03 25:00:00'"),
        (["31.01.2026"], "01.02.2026", "'31.01.2026'"),
        (["2026-01-02 01:00 AM"], "2026-01-02 01:00 PM", "AM"),
        (["INV-9"], "INV-10", "'INV-10' and 'INV-9'"),
        (["v1.9.0"], "v1.10.0", "'v1.10.0' and 'v1.9.0'"),
        (["9"], "10a", "'10a' and '9'"),
        (["9.5"], "10.5", "'10.5' and '9.5'"),
    ],
)
def test_texts_without_a_common_order_are_refused(
    tmp_path: Path, old: Texts, new: str, words: str
) -> None:
    with pytest.raises(SourceError, match="'at': its texts, like") as caught:
        read([*old, new], old[-1])
    assert words in caught.value.message
    assert "--option type.at=timestamp[us]" in caught.value.hint
    # A database returns the row that decides.
    with closing(sqlite3.connect(tmp_path / "wh.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (at)")
        connection.executemany("INSERT INTO orders VALUES (?)", [(t,) for t in [*old, new]])
    source = Source(name="wh", kind="sql", location=f"sqlite:///{tmp_path}/wh.db")
    since = since_of("at", CursorValue(kind=CursorKind.TEXT, text=str(old[-1])))
    reading = SqlConnector().read(source, ReadRequest(table="orders", since=since), no_access())
    with pytest.raises(SourceError, match="'at': its texts, like"):
        increment(reading, old[-1])


def test_a_number_among_texts_of_a_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "wh.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (at)")
        rows = [("2026-01-02",), ("2026-01-03",), (1767400000,)]
        connection.executemany("INSERT INTO orders VALUES (?)", rows)
    source = Source(name="wh", kind="sql", location=f"sqlite:///{tmp_path}/wh.db")
    since = since_of("at", CursorValue(kind=CursorKind.TEXT, text="2026-01-02"))
    request = ReadRequest(table="orders", since=since)
    with pytest.raises(SourceError, match="different types"):
        SqlConnector().read(source, request, no_access())


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (
            ["2026-01-02T00:00:00Z", "2026-01-02 18:00:00"],
            "at has texts like 2026-01-02T00:00:00Z and 2026-01-02 18:00:00, whose characters are not "
            "in order; they are compared as times, those without a zone as UTC",
        ),
        (["2026-01-02T00:00:00+01:00", "2026-01-02T00:00:00+02:00"], "they are compared as times"),
        (["9", "10"], "at has texts like 9 and 10, whose characters are not in order"),
        (["2026-01-02", "2026-01-03"], ""),
    ],
)
def test_how_texts_were_compared_is_reported(texts: Texts, words: str) -> None:
    note = read(texts).note
    assert bool(note) is bool(words)
    assert words in note


def test_of_each_key_the_newest_by_time(tmp_path: Path) -> None:
    table = pa.table({"k": [1, 1, 2], "at": ["2026-01-02 18:00:00", "2026-01-02T00:00:00Z", None]})
    kept = newest_of_each(table, ["k"], "at", what="t")
    assert kept.column("at").to_pylist() == ["2026-01-02 18:00:00", None]


def test_texts_of_very_many_shapes_are_compared_by_their_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cursors, "_MOST_SHAPES", 20)
    texts = [f"{'x' * n}9" for n in range(1, 60)]
    found = read([*texts, "x10"], rows=1000)
    assert (found.rows, found.value) == (60, CursorValue(kind=CursorKind.TEXT, text="x" * 59 + "9"))
