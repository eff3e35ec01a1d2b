"""Rows that are appended or upserted: a second time they are in the table once, or are refused."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Batch, Committed, Partition, PublishMode
from jupyter_etl.publishing.tables import staging
from jupyter_etl.publishing.tables.staging import staged_rows, write_rows

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


@pytest.mark.parametrize("batch_rows", [1, 30, 100, 170, 450])
def test_row_groups_are_cut_to_one_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr(staging, "_ROW_GROUP_ROWS", 100)
    table = pa.table({"id": range(450), "note": [f"n{n}" for n in range(450)]})
    written = write_rows(table.to_reader(max_chunksize=batch_rows), tmp_path)
    (file,) = written.files
    footer = pq.read_metadata(tmp_path / file)
    groups = [footer.row_group(n).num_rows for n in range(footer.num_row_groups)]
    assert groups == [100, 100, 100, 100, 50]
    assert written.rows == 450
    assert staged_rows(tmp_path, written.files, ()).to_table().equals(table)


def test_a_file_that_is_large_enough_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(staging, "_FILE_BYTES", 1)
    table = pa.table({"id": range(250)})
    written = write_rows(table.to_reader(), tmp_path)
    assert [pq.read_metadata(tmp_path / file).num_rows for file in written.files] == [100, 100, 50]
    assert staged_rows(tmp_path, written.files, ()).to_table().equals(table)


UPSERT = PublishMode.UPSERT
KEYS = st.tuples(st.sampled_from(["a", "b'", 'c"', "ü/=%"]), st.integers(0, 4))
VALUES = st.one_of(st.none(), st.integers(-(2**62), 2**62))
ROWS = st.dictionaries(KEYS, VALUES, max_size=6)


def frame(rows: dict[tuple[str, int], int | None], column: str = "v") -> pa.Table:
    return pa.table(
        {
            "p": pa.array([key[0] for key in rows], pa.string()),
            "id": pa.array([key[1] for key in rows], pa.int64()),
            column: pa.array(list(rows.values()), pa.int64()),
        }
    )


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(ROWS, min_size=1, max_size=3),
    by=st.sampled_from([(), ("p",)]),
    # A column more in the last change: the rows before have no value in it.
    wider=st.booleans(),
)
def test_upserts_do_what_a_dictionary_does(
    changes: list[dict[tuple[str, int], int | None]], by: tuple[str, ...], wider: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = PublishedTable(Path(folder))
        model: dict[tuple[str, int], tuple[int | None, int | None]] = {}
        for change in changes:
            model |= {key: (value, None) for key, value in change.items()}
            what = table.publish(frame(change), mode=UPSERT, key=("p", "id"), partition_by=by)
            assert what.rows == len(model)
        if wider:
            last = frame(changes[-1]).append_column("w", pa.array([7] * len(changes[-1])))
            model |= {key: (value, 7) for key, value in changes[-1].items()}
            what = table.publish(last, mode=UPSERT, key=("p", "id"), partition_by=by)
        found = {(r["p"], r["id"]): (r["v"], r.get("w")) for r in table.rows(what)}
        assert found == model
        assert what.rows == len(model)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(ids=st.lists(st.one_of(st.none(), st.integers(0, 6)), min_size=1, max_size=12))
def test_a_key_is_taken_just_where_it_is_one(ids: list[int | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = PublishedTable(Path(folder))
        rows = pa.table({"id": pa.array(ids, pa.int64()), "n": list(range(len(ids)))})
        doubled = {one for one in ids if ids.count(one) > 1}
        if None not in ids and not doubled:
            assert table.stage(rows, mode=UPSERT, key=("id",)).rows == len(ids)
            return
        with pytest.raises(PublishError) as caught:
            table.stage(rows, mode=UPSERT, key=("id",))
        said = caught.value
        if None in ids:
            assert said.data["null_keys"] == ids.count(None)
            assert f"{ids.count(None)} of {len(ids)} rows have no value" in said.message
            shown = said.data["rows"]
            assert {row["id"] for row in shown} == {"NULL"}
            assert all(ids[int(row["n"])] is None for row in shown)
        else:
            assert said.data["doubled_keys"] == len(doubled)
            assert said.data["rows"] == sum(one in doubled for one in ids)
            assert {row[0] for row in said.data["keys"]} <= {str(one) for one in doubled}


def test_the_rows_without_a_key_are_shown(table: PublishedTable) -> None:
    rows = pa.table({"id": [1, None, None], "name": ["a", "b", "x" * 200]})
    with pytest.raises(PublishError) as caught:
        table.stage(rows, mode=UPSERT, key=("id",))
    assert "2 of 3 rows have no value in the key (id), for example: id=NULL, name=b; " in (
        caught.value.message
    )
    assert "x" * 60 not in caught.value.message


def test_not_a_number_is_no_key(table: PublishedTable) -> None:
    rows = pa.table({"at": [1.5, float("nan")], "v": [1, 2]})
    with pytest.raises(PublishError, match="1 of 2 rows have no value in the key") as caught:
        table.stage(rows, mode=UPSERT, key=("at",))
    assert caught.value.data["rows"] == [{"at": "nan", "v": "2"}]


def test_a_refused_key_leaves_the_table_as_it_was(table: PublishedTable) -> None:
    first = table.publish(pa.table({"id": [1], "v": ["a"]}), mode=UPSERT, key=("id",))
    with pytest.raises(PublishError, match="In total, 2 of 3 rows share 1 key"):
        table.publish(pa.table({"id": [2, 2, 3], "v": ["b"] * 3}), mode=UPSERT, key=("id",))
    assert table.live is not None
    assert table.live.what == first
