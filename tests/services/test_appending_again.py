"""Which appended rows are the same as those of an earlier run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.store_values import NOW, a_run
from fakes.commits import Publishing
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Cause, Partition

DAY = timedelta(days=1)


class World(Publishing):
    """Runs that only append rows."""

    def append(
        self, rows: pa.Table, key: str, *, cause: Cause = Cause.MANUAL, day: int = 0, by: str = ""
    ) -> list[int]:
        """Return the content of the table after a separate run has appended the rows."""
        start = NOW + day * DAY
        new = replace(a_run(key), cause=cause, interval=Partition(start=start, end=start + DAY))
        claim = self.attempt(self.store.add_run(new, now=self.clock.now()).id)
        staged = self.stage(rows, partition_by=(by,) if by else ())
        self.finish(claim, self.commit(claim, [staged]))
        return sorted(self.read()["x"].to_pylist())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def rows(*values: int) -> pa.Table:
    return pa.table({"x": values, "day": [value % 2 for value in values]})


@pytest.mark.parametrize("by", ["", "day"])
@pytest.mark.parametrize("again", [(1, 2, 3), (3, 1, 2)], ids=["same order", "another order"])
def test_the_same_rows_of_two_runs_by_request_are_there_once(
    world: World, by: str, again: tuple[int, ...]
) -> None:
    world.append(rows(1, 2, 3), "1", by=by)
    assert world.append(rows(*again), "2", by=by) == [1, 2, 3]
    assert world.append(rows(1, 2, 3), "3", by=by) == [1, 2, 3]


def test_rows_that_occur_twice_in_one_append_stay_two(world: World) -> None:
    assert world.append(rows(1, 1), "1") == [1, 1]
    assert world.append(rows(1, 1), "2") == [1, 1]
    assert world.append(rows(1), "3") == [1, 1, 1]


def test_other_rows_are_appended(world: World) -> None:
    world.append(rows(1), "1")
    assert world.append(rows(2), "2") == [1, 2]
    # Rows that are only partly the same are a different append.
    assert world.append(rows(2, 3), "3") == [1, 2, 2, 3]


def test_the_same_values_of_other_columns_or_types_are_other_rows(world: World) -> None:
    world.append(pa.table({"x": [1]}), "1")
    assert world.append(pa.table({"x": pa.array([1], pa.int32())}), "2") == [1, 1]
    assert world.append(pa.table({"x": [1], "y": pa.array([None], pa.string())}), "3") == [1, 1, 1]


@pytest.mark.parametrize("cause", [Cause.SCHEDULE, Cause.BACKFILL])
def test_equal_rows_of_two_days_are_both_kept(world: World, cause: Cause) -> None:
    world.append(rows(1), "monday", cause=cause, day=0)
    assert world.append(rows(1), "tuesday", cause=cause, day=1) == [1, 1]
    # One of the days again: identified by its interval, whatever its rows are now.
    assert world.append(rows(5), "monday again", cause=Cause.BACKFILL, day=0) == [1, 5]


def test_equal_rows_of_two_upstream_versions_are_both_kept(world: World) -> None:
    world.append(rows(1), "after version 1", cause=Cause.UPSTREAM)
    assert world.append(rows(1), "after version 2", cause=Cause.UPSTREAM) == [1, 1]


def test_a_run_by_request_leaves_what_a_schedule_appended(world: World) -> None:
    world.append(rows(1), "monday", cause=Cause.SCHEDULE, day=0)
    world.append(rows(1), "tuesday", cause=Cause.SCHEDULE, day=1)
    assert world.append(rows(2), "by request") == [1, 1, 2]


def test_other_rows_of_a_partition_that_is_there_are_refused(world: World) -> None:
    world.append(rows(1), "1", by="day")
    with pytest.raises(PublishError, match="already has rows of day=1"):
        world.append(rows(3), "2", by="day")


def test_many_rows_in_partitions_have_one_digest_however_they_are_written(world: World) -> None:
    """Arrow writes partitions with several threads, so the order of the rows differs each time."""
    table = pa.table({"x": range(300_000), "day": [n % 7 for n in range(300_000)]})
    digests = {world.stage(table, partition_by=("day",)).digest for _ in range(4)}
    assert len(digests) == 1
