"""Which rows lie between two values of a column, for every type that has an exact order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.connector_contract import no_access
from jupyter_etl.errors import SourceError
from jupyter_etl.language.cursors import parse_cursor
from jupyter_etl.model import CursorKind, CursorValue, Source
from jupyter_etl.ports import Reading, ReadRequest, Since
from jupyter_etl.sources.increments import (
    Bounds,
    Increment,
    batches_between,
    bound_of,
    newest_of_each,
    read_increment,
)
from jupyter_etl.sources.sql.connector import SqlConnector

END = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(
    values: pa.Array,
    after: CursorValue | None = None,
    upto: CursorValue | None = None,
    *,
    zone: str = "UTC",
    chunk: int = 2,
    columns: Sequence[str] | None = None,
) -> Increment:
    table = pa.table({"c": values, "n": pa.array(range(len(values)), pa.int32())})
    reading = Reading(batches=table.to_reader(max_chunksize=chunk))
    bounds = Bounds(after=after, upto=upto, until=END, zone=zone)
    return read_increment(reading, bounds, what="wh.orders", column="c", columns=columns)


def rows(found: Increment) -> list[int]:
    return found.table.column("n").to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        (pa.array([3, 1, 2], pa.int8()), "integer", ["1", "3"]),
        (pa.array([3, 1, 2**64 - 1], pa.uint64()), "integer", ["1", str(2**64 - 1)]),
        (pa.array([3, 1, -(2**63)], pa.int64()), "integer", ["1", "3"]),
        (
            pa.array([Decimal("3.30"), Decimal("1.10"), Decimal("2.20")], pa.decimal128(9, 2)),
            "decimal",
            ["1.10", "3.30"],
        ),
        (pa.array(["c", "a", "ab"]), "text", ["a", "c"]),
        (pa.array(["b", "a", "é"], pa.large_string()), "text", ["a", "é"]),
        (pa.array(["c", "a", "b"]).dictionary_encode(), "text", ["a", "c"]),
        (
            pa.array([date(2026, 1, 3), date(2026, 1, 1), date(2026, 1, 2)]),
            "date",
            ["2026-01-01", "2026-01-03"],
        ),
        (
            pa.array([date(2026, 1, 3), date(2026, 1, 1), date(2026, 1, 2)], pa.date64()),
            "date",
            ["2026-01-01", "2026-01-03"],
        ),
        *(
            (
                pa.array([3_000_000, 1_000_000, 2_000_000]).cast(pa.timestamp(unit, zone)),
                "instant" if zone else "timestamp",
                None,
            )
            for unit in ("s", "ms", "us", "ns")
            for zone in (None, "UTC", "America/New_York")
        ),
    ],
    ids=str,
)
def test_a_second_load_begins_where_the_first_ended(
    values: pa.Array, kind: str, texts: list[str] | None
) -> None:
    first = read(values)
    assert first.value is not None
    assert first.value.kind == kind
    assert first.table.num_rows == 3
    if texts is not None:
        assert first.value.text == texts[1]
    again = read(values, first.value)
    assert (rows(again), again.value) == ([], None)
    low = read(values.take(pa.array([1])))
    if texts is not None:
        assert low.value == CursorValue(kind=CursorKind(kind), text=texts[0])
    assert rows(read(values, low.value)) == [
        n for n, value in enumerate(values) if value.as_py() > values[1].as_py()
    ]


def test_nanoseconds_are_exact() -> None:
    values = pa.array([10**18, 10**18 + 1, 10**18 + 2]).cast(pa.timestamp("ns"))
    after = read(values.slice(0, 2)).value
    assert after is not None
    assert after.text.endswith(".000000001")
    assert rows(read(values, after)) == [2]
    # A column that became coarser or finer is compared all the same.
    micro = pa.array([10**15, 10**15 + 1]).cast(pa.timestamp("us"))
    assert rows(read(micro, after)) == [1]


def test_rows_without_a_value_are_counted_and_left_out() -> None:
    found = read(pa.array([1, None, 3, None, None]))
    assert (rows(found), found.nulls) == ([0, 2], 3)
    only = read(pa.array([None, None], pa.int64()))
    assert (rows(only), only.nulls, only.value, only.upto) == ([], 2, None, None)
    unknown = read(pa.nulls(2))
    assert (rows(unknown), unknown.nulls) == ([], 2)


def test_times_end_with_the_run() -> None:
    times = pa.array([END - timedelta(1), END, END + timedelta(seconds=1)])
    found = read(times)
    assert (rows(found), found.later) == ([0, 1], 1)
    assert found.value == found.upto == parse_cursor("2026-03-01T12:00:00Z")
    naive = pa.array(
        [END.replace(tzinfo=None, hour=13), END.replace(tzinfo=None, hour=13, second=1)]
    )
    assert rows(read(naive, zone="Europe/Paris")) == [0]
    assert rows(read(naive)) == []


def test_a_day_that_continues_waits() -> None:
    found = read(pa.array([date(2026, 2, 28), date(2026, 3, 1)]))
    assert (rows(found), found.later) == ([0], 1)


def test_the_end_that_an_earlier_load_found_stays() -> None:
    found = read(pa.array([1, 2, 3, 4]), parse_cursor("1"), parse_cursor("3"))
    assert (rows(found), found.upto, found.value) == ([1, 2], parse_cursor("3"), parse_cursor("3"))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, float("nan")]),
        pa.array([True, False]),
        pa.array([b"x"]),
        pa.array([timedelta(1)]),
        pa.array([[1]]),
    ],
)
def test_values_without_an_exact_order_are_refused(values: pa.Array) -> None:
    with pytest.raises(SourceError, match="cannot be followed by 'c': its type is") as caught:
        read(values)
    assert not caught.value.retryable
    assert ("NaN" in caught.value.hint) == pa.types.is_floating(values.type)


def test_a_column_that_became_another_kind_is_refused() -> None:
    with pytest.raises(SourceError, match="the integer '5', and 'c' now holds") as caught:
        read(pa.array(["a"]), parse_cursor("5"))
    assert "--reset" in caught.value.hint


def test_a_column_that_is_not_there() -> None:
    reading = Reading(batches=pa.table({"updated": [1]}).to_reader())
    bounds = Bounds(after=None, upto=None, until=END, zone="UTC")
    with pytest.raises(SourceError, match="has no column 'updatd'; it has updated"):
        read_increment(reading, bounds, what="wh.orders", column="updatd")


@given(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=30),
    st.one_of(st.none(), st.integers(-6, 6)),
    st.one_of(st.none(), st.integers(-6, 6)),
)
def test_nothing_is_lost_and_nothing_comes_that_should_not(
    values: list[int | None], after: int | None, upto: int | None
) -> None:
    found = read(
        pa.array(values, pa.int64()),
        None if after is None else parse_cursor(str(after)),
        None if upto is None else parse_cursor(str(upto)),
    )
    low = [n for n, v in enumerate(values) if v is not None and (after is None or v > after)]
    inside = [n for n in low if upto is None or (values[n] or 0) <= upto]
    beyond = [v for v in values if v is not None and upto is not None and v > upto]
    assert (rows(found), found.nulls, found.later) == (inside, values.count(None), len(beyond))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", 42),
        ("1.50", Decimal("1.50")),
        ("x", "x"),
        ("2026-01-31", date(2026, 1, 31)),
        ("2026-01-31T06:00:00.123456789", datetime.fromisoformat("2026-01-31T06:00:00.123456")),
        ("2026-01-31T06:00:00Z", datetime(2026, 1, 31, 6, tzinfo=UTC)),
    ],
)
def test_values_as_they_are_bound(text: str, expected: Any) -> None:
    assert bound_of(parse_cursor(text)) == expected


def test_of_each_key_the_newest_row_stays() -> None:
    table = pa.table(
        {
            "id": [1, 2, 1, None, None, 2],
            "part": ["a", "a", "a", "a", None, "b"],
            "at": [3, 1, 2, 5, 6, 0],
            "n": range(6),
        }
    )
    assert newest_of_each(table, ["id"], "at", what="t")["n"].to_pylist() == [0, 1, 3, 4]
    both = newest_of_each(table, ["id", "part"], "at", what="t")
    assert both["n"].to_pylist() == [0, 1, 3, 4, 5]
    tied = pa.table({"id": [1, 1], "at": [1, 1], "n": [0, 1]})
    assert newest_of_each(tied, ["id"], "at", what="t")["n"].to_pylist() == [1]
    assert newest_of_each(table.slice(0, 0), ["id"], "at", what="t").num_rows == 0
    with pytest.raises(SourceError, match="no column 'key'"):
        newest_of_each(table, ["key"], "at", what="t")


def test_pieces_are_handed_out_as_they_are_read() -> None:
    taken: list[int] = []

    def pieces() -> Iterator[pa.RecordBatch]:
        for number in range(1, 5):
            taken.append(number)
            yield pa.record_batch({"c": pa.array([number, None], pa.int64())})

    schema = pa.schema({"c": pa.int64()})
    reading = Reading(batches=pa.RecordBatchReader.from_batches(schema, pieces()))
    bounds = Bounds(
        after=CursorValue(kind=CursorKind.INTEGER, text="1"),
        upto=CursorValue(kind=CursorKind.INTEGER, text="3"),
        until=datetime(2026, 1, 1, tzinfo=UTC),
        zone="UTC",
    )
    found = batches_between(reading, bounds, what="wh.orders", column="c")
    assert next(found)["c"].to_pylist() == [2]
    assert taken == [1, 2]
    assert next(found)["c"].to_pylist() == [3]
    with pytest.raises(StopIteration) as end:
        next(found)
    extent = end.value.value
    assert (extent.rows, extent.nulls, extent.later, extent.value.text) == (2, 4, 1, "3")


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
def test_a_column_that_the_database_does_not_have(postgres: Source) -> None:
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
