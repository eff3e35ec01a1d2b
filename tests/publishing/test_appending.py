"""Rows that come a second time are in the table once, or are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Batch, Committed, Partition, PublishMode

APPEND, REPLACE = PublishMode.APPEND, PublishMode.REPLACE
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return PublishedTable(tmp_path)


def hours(first: int, last: int, key: str = "orders") -> Batch:
    """Return the batch of a run for ``[first, last)``, hours after the start."""
    return Batch(key=key, interval=Partition(start=START + first * HOUR, end=START + last * HOUR))


def append(
    table: PublishedTable,
    rows: dict[str, object],
    batch: Batch,
    *by: str,
    mode: PublishMode = APPEND,
) -> Committed:
    staged = table.stage(pa.table(rows), mode=mode, partition_by=by)
    return table.record(table.commit(replace(staged, batch=batch)))


def values(table: PublishedTable, what: Committed) -> list[object]:
    return sorted(row["x"] for row in table.rows(what))  # type: ignore[type-var]


def test_the_same_interval_again_takes_the_place_of_the_first(table: PublishedTable) -> None:
    first = append(table, {"x": [1, 2]}, hours(0, 1))
    append(table, {"x": [3]}, hours(1, 2))
    third = append(table, {"x": [10]}, hours(0, 1))
    assert (third.rows, third.changed_rows) == (2, 1)
    assert values(table, third) == [3, 10]
    assert values(table, first) == [1, 2]


def test_a_longer_interval_takes_the_place_of_those_inside(table: PublishedTable) -> None:
    append(table, {"x": [1]}, hours(0, 1))
    append(table, {"x": [2]}, hours(1, 2))
    append(table, {"x": [3]}, hours(2, 3))
    assert values(table, append(table, {"x": [9]}, hours(0, 2))) == [3, 9]


@pytest.mark.parametrize(("first", "last"), [(1, 2), (1, 3), (3, 5)])
def test_an_interval_that_is_there_in_part_is_refused(
    table: PublishedTable, first: int, last: int
) -> None:
    there = append(table, {"x": [1]}, hours(0, 4))
    if (first, last) == (1, 3):
        append(table, {"x": [2]}, hours(4, 5))
    with pytest.raises(PublishError, match="duplicate") as caught:
        append(table, {"x": [2]}, hours(first, last))
    assert "2026-01-01T00:00:00Z to 2026-01-01T04:00:00Z" in caught.value.message
    assert values(table, there) == [1]


def test_pipelines_and_their_neighbours_are_distinguished(table: PublishedTable) -> None:
    append(table, {"x": [1]}, hours(0, 1))
    append(table, {"x": [2]}, hours(0, 1, key="returns"))
    append(table, {"x": [3]}, Batch(key="run:7"))
    append(table, {"x": [4]}, Batch(key="run:8"))
    assert values(table, append(table, {"x": [5]}, Batch(key="run:7"))) == [1, 2, 4, 5]


def test_days_of_a_month_are_no_doubles(table: PublishedTable) -> None:
    for day in range(3):
        append(table, {"x": [day], "month": ["2026-01"]}, hours(24 * day, 24 * day + 24), "month")
    again = append(table, {"x": [9], "month": ["2026-01"]}, hours(24, 48), "month")
    assert values(table, again) == [0, 2, 9]


def test_a_partition_that_is_there_is_refused_where_nothing_else_identifies_it(
    table: PublishedTable,
) -> None:
    days = {"x": [1, 2], "day": [date(2026, 1, 1), date(2026, 1, 2)]}
    append(table, days, Batch(key="run:1", apart=True), "day")
    more = {"x": [3, 4], "day": [date(2026, 1, 2), date(2026, 1, 3)]}
    with pytest.raises(PublishError, match="day=2026-01-02") as caught:
        append(table, more, Batch(key="run:2", apart=True), "day")
    assert caught.value.data == {"partitions": ["day=2026-01-02"]}
    assert "--mode replace" in caught.value.hint
    again = append(table, days, Batch(key="run:1", apart=True), "day")
    assert values(table, again) == [1, 2]
    other = {"x": [5], "day": [date(2026, 1, 3)]}
    assert values(table, append(table, other, Batch(key="run:3", apart=True), "day")) == [1, 2, 5]


def test_a_partition_without_value_counts_as_one(table: PublishedTable) -> None:
    append(table, {"x": [1], "p": pa.array([None], pa.string())}, Batch(key="a", apart=True), "p")
    with pytest.raises(PublishError, match="p=None"):
        append(table, {"x": [2], "p": [None]}, Batch(key="b", apart=True), "p")


def test_a_batch_says_nothing_where_rows_are_replaced(table: PublishedTable) -> None:
    append(table, {"x": [1]}, hours(0, 4))
    assert values(table, append(table, {"x": [2]}, hours(1, 2), mode=REPLACE)) == [2]
    assert values(table, append(table, {"x": [3]}, hours(1, 2))) == [2, 3]


def test_what_is_undone_is_no_earlier_batch(table: PublishedTable) -> None:
    append(table, {"x": [1]}, hours(0, 1))
    lost = replace(table.stage(pa.table({"x": [7]}), mode=APPEND), batch=hours(1, 2))
    table.commit(lost, token="killed")
    assert values(table, append(table, {"x": [8]}, hours(1, 2))) == [1, 8]


def test_rows_that_are_written_anew_keep_their_batch(table: PublishedTable) -> None:
    append(table, {"x": pa.array([1], pa.int64())}, hours(0, 1))
    append(table, {"x": pa.array([2], pa.int8())}, hours(1, 2))
    assert values(table, append(table, {"x": [3]}, hours(1, 2))) == [1, 3]
