from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts.publisher_contract import PublisherContract
from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import (
    Committed,
    PublicationKind,
    PublishMode,
    Staged,
)
from jupyter_etl.publishing.tables import commit, staging
from jupyter_etl.publishing.tables import publisher as table_publisher
from jupyter_etl.publishing.tables.publisher import TablePublisher

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
REPLACE, APPEND, UPSERT = PublishMode.REPLACE, PublishMode.APPEND, PublishMode.UPSERT


class TestTablePublisherContract(PublisherContract):
    def publisher(self) -> TablePublisher:
        return TablePublisher()

    def request(self, folder: Path, content: int) -> Staged:
        return Staged(name="sales.daily", kind=PublicationKind.TABLE, folder=str(folder))

    def data(self, content: int) -> pa.RecordBatchReader:
        return pa.table({"id": [content, content + 1], "text": ["a", None]}).to_reader()


class TestAppendingContract(TestTablePublisherContract):
    def request(self, folder: Path, content: int) -> Staged:
        return Staged(
            name="sales.daily", kind=PublicationKind.TABLE, folder=str(folder), mode=APPEND
        )


class TestUpsertingContract(TestTablePublisherContract):
    def request(self, folder: Path, content: int) -> Staged:
        return Staged(
            name="sales.daily",
            kind=PublicationKind.TABLE,
            folder=str(folder),
            mode=UPSERT,
            key=("id",),
        )


class TestPartitionedContract(TestTablePublisherContract):
    def request(self, folder: Path, content: int) -> Staged:
        return Staged(
            name="sales.daily",
            kind=PublicationKind.TABLE,
            folder=str(folder),
            partition_by=("text",),
        )


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return PublishedTable(tmp_path)


# -- modes


def test_more_partitions_than_files_may_be_open(
    table: PublishedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_most_open_files", lambda: 16)
    rows = pa.table({"p": [n % 60 for n in range(300)], "x": range(300)})
    what = table.publish(rows, partition_by=("p",))
    assert what.rows == 300
    assert [row["x"] for row in table.rows(what, "x")] == list(range(300))


def test_replace_replaces_the_whole_table_and_keeps_the_old_version(table: PublishedTable) -> None:
    first = table.publish(pa.table({"x": [1, 2, 3]}))
    second = table.publish(pa.table({"x": [9]}))
    assert (first.rows, second.rows, second.changed_rows) == (3, 1, 1)
    assert table.rows(second) == [{"x": 9}]
    assert table.rows(first) == [{"x": 1}, {"x": 2}, {"x": 3}]


def test_append_adds(table: PublishedTable) -> None:
    table.publish(pa.table({"x": [1]}), mode=APPEND)
    what = table.publish(pa.table({"x": [2]}), mode=APPEND)
    assert (what.rows, what.changed_rows) == (2, 1)
    assert table.rows(what) == [{"x": 1}, {"x": 2}]


def test_upsert_replaces_rows_of_the_same_key_and_adds_the_rest(table: PublishedTable) -> None:
    key = {"mode": UPSERT, "key": ("id",)}
    table.publish(pa.table({"id": [1, 2], "v": ["a", "b"]}), **key)
    what = table.publish(pa.table({"id": [2, 3], "v": ["B", "c"]}), **key)
    assert what.rows == 3
    assert table.rows(what) == [
        {"id": 1, "v": "a"},
        {"id": 2, "v": "B"},
        {"id": 3, "v": "c"},
    ]


def test_upsert_of_no_rows_changes_nothing(table: PublishedTable) -> None:
    key = {"mode": UPSERT, "key": ("id",)}
    table.publish(pa.table({"id": [1]}), **key)
    what = table.publish(pa.table({"id": pa.array([], pa.int64())}), **key)
    assert table.rows(what) == [{"id": 1}]


@pytest.mark.parametrize(
    "values",
    [
        ["2026-01-01", "2026-01-02"],
        [date(2026, 1, 1), date(2026, 1, 2)],
        [1, 2],
        [True, False],
        ["a/b", "../x"],
        ["a b%", "a=b"],
        ["it's", 'qu"ote'],
        ["ü", "%2F"],
        ["x", None],
        ["l\nf", "?#[]"],
    ],
)
def test_partition_replace_keeps_the_other_partitions(
    table: PublishedTable, values: list[object]
) -> None:
    by = {"partition_by": ("p",)}
    table.publish(pa.table({"p": [*values, values[0]], "x": [1, 2, 3]}), **by)
    what = table.publish(pa.table({"p": values[:1], "x": [9]}), **by)
    assert what.partition_by == ("p",)
    assert table.rows(what, "x") == [{"p": values[1], "x": 2}, {"p": values[0], "x": 9}]
    last = table.publish(pa.table({"p": values[1:], "x": [8]}), **by)
    assert table.rows(last, "x") == [{"p": values[1], "x": 8}, {"p": values[0], "x": 9}]


def test_a_vacuum_recognizes_the_files_of_partitions_of_any_name(table: PublishedTable) -> None:
    values = ["a/b", "../x", "a b%", "a=b", "it's", 'qu"ote', "ü", "%2F", None, "l\nf", "?#[]"]
    by = {"partition_by": ("p",)}
    first = table.publish(pa.table({"p": values, "x": range(len(values))}), **by)
    second = table.publish(pa.table({"p": values[3:], "x": [9] * len(values[3:])}), **by)
    merged = table.publish(
        pa.table({"p": values[5:], "x": range(20, 26)}), mode=UPSERT, key=("x",), **by
    )
    seen = table.reading(merged)

    def clean_up(*kept: Committed) -> int:
        vacuumed = TablePublisher().clean_up(
            [table.version(what) for what in kept],
            name="t",
            lake=table.lake,
            draft=False,
            older_than=datetime.now(UTC) + timedelta(hours=1),
            dry_run=False,
        )
        return vacuumed.files

    assert clean_up(first, second, merged) == 0
    files = table.files(merged)
    assert clean_up(merged) == len((table.files(first) | table.files(second)) - files)
    assert table.reading(merged).equals(seen)
    assert clean_up(merged) == 0


def test_partition_replace_by_two_columns_takes_no_neighbour(table: PublishedTable) -> None:
    by = {"partition_by": ("a", "b")}
    table.publish(pa.table({"a": [1, 1, 2, 2], "b": ["x", "y", "x", "y"], "n": [1, 2, 3, 4]}), **by)
    what = table.publish(pa.table({"a": [1, 2], "b": ["x", "y"], "n": [10, 40]}), **by)
    assert [row["n"] for row in table.rows(what, "n")] == [2, 3, 10, 40]


def test_partition_replace_of_files_that_a_merge_wrote(table: PublishedTable) -> None:
    by = {"partition_by": ("p",)}
    values = ["a/b %", "it's", None]
    table.publish(pa.table({"p": values, "id": [1, 2, 3], "n": [1, 1, 1]}), **by)
    merged = table.publish(
        pa.table({"p": values, "id": [1, 2, 3], "n": [2, 2, 2]}), mode=UPSERT, key=("id",), **by
    )
    assert [row["n"] for row in table.rows(merged, "id")] == [2, 2, 2]
    what = table.publish(pa.table({"p": values, "id": [1, 2, 3], "n": [3, 3, 3]}), **by)
    assert [row["n"] for row in table.rows(what, "id")] == [3, 3, 3]


@pytest.mark.parametrize("values", [["a'b", "c"], [1, 2], [date(2026, 1, 1), date(2026, 1, 2)]])
def test_upsert_with_the_partition_in_the_key(table: PublishedTable, values: list[object]) -> None:
    declared = {"mode": UPSERT, "key": ("p", "id"), "partition_by": ("p",)}
    first = table.publish(pa.table({"p": values, "id": [1, 1], "n": [1, 1]}), **declared)
    first_files = table.files(first)
    what = table.publish(pa.table({"p": values[:1], "id": [1], "n": [2]}), **declared)
    assert [row["n"] for row in table.rows(what, "n")] == [1, 2]
    # The rows of the other partition were not even read: their file is the one of before.
    kept = {path for path in first_files if path in table.files(what)}
    assert len(kept) == 1


def test_append_to_a_partitioned_table_need_not_repeat_the_partitioning(
    table: PublishedTable,
) -> None:
    table.publish(pa.table({"p": [1], "x": [1]}), partition_by=("p",))
    what = table.publish(pa.table({"p": [1, 2], "x": [2, 3]}), mode=APPEND)
    assert what.partition_by == ("p",)
    assert [row["x"] for row in table.rows(what, "x")] == [1, 2, 3]


def test_whole_replace_of_a_partitioned_table(table: PublishedTable) -> None:
    table.publish(pa.table({"p": [1, 2], "x": [1, 2]}), partition_by=("p",))
    what = table.publish(pa.table({"p": [3], "x": [9]}))
    assert table.rows(what) == [{"p": 3, "x": 9}]


def test_another_partitioning_is_refused(table: PublishedTable) -> None:
    table.publish(pa.table({"p": [1], "q": [1], "x": [1]}), partition_by=("p",))
    with pytest.raises(PublishError, match="is partitioned by p; it cannot become"):
        table.publish(pa.table({"p": [1], "q": [1], "x": [1]}), partition_by=("q",))


def test_column_order_is_kept_with_a_partition_in_front(table: PublishedTable) -> None:
    what = table.publish(pa.table({"p": [1], "x": [2], "a": [3]}), partition_by=("p",))
    assert [column.name for column in what.columns] == ["p", "x", "a"]
    assert table.reading(what).column_names == ["p", "x", "a"]


def test_an_empty_frame_is_a_table_without_rows(table: PublishedTable) -> None:
    empty = pa.table({"p": pa.array([], pa.string()), "x": pa.array([], pa.int64())})
    what = table.publish(empty, partition_by=("p",))
    assert what.rows == 0
    assert table.reading(what).schema.names == ["p", "x"]
    more = table.publish(pa.table({"p": ["a"], "x": [1]}), partition_by=("p",))
    assert more.rows == 1


# -- reading


def test_reading_some_columns_and_rows_shows_how_many_there_are(table: PublishedTable) -> None:
    what = table.publish(pa.table({"x": range(1000), "y": range(1000)}))
    got = table.reading(what, columns=("y",), limit=7)
    assert got.column_names == ["y"]
    assert got.num_rows == 7
    assert table.total == 1000
    assert table.reading(what, limit=0).num_rows == 0
    assert table.reading(what, columns=("y", "x")).column_names == ["y", "x"]


def test_reading_an_unknown_column_lists_the_known(table: PublishedTable) -> None:
    what = table.publish(pa.table({"x": [1], "y": [1]}))
    with pytest.raises(PublishError, match="The columns are: x, y"):
        table.reading(what, columns=("z",))


def test_an_old_version_reads_with_its_own_columns(table: PublishedTable) -> None:
    first = table.publish(pa.table({"x": [1]}), mode=APPEND)
    second = table.publish(pa.table({"x": [2], "y": ["n"]}), mode=APPEND)
    assert table.reading(first).column_names == ["x"]
    assert table.rows(second) == [{"x": 1, "y": None}, {"x": 2, "y": "n"}]


# -- crashes and crowds


def test_a_crash_after_the_commit_does_not_commit_twice(
    table: PublishedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.publish(pa.table({"x": [1]}), mode=APPEND)
    staged = table.stage(pa.table({"x": [2]}), mode=APPEND)

    def killed(*_: object) -> Committed:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(table_publisher, "_committed", killed)
        with pytest.raises(KeyboardInterrupt):
            table.commit(staged, "run-7/t")
    again = table.commit(staged, "run-7/t")
    assert table.rows(again) == [{"x": 1}, {"x": 2}]
    assert again.changed_rows == 1


def test_a_crash_before_the_commit_leaves_nothing_to_see(
    table: PublishedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = table.publish(pa.table({"x": [1]}), mode=APPEND)
    staged = table.stage(pa.table({"x": [2], "new": [1]}), mode=APPEND)

    def killed(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(commit, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            table.commit(staged, "run-7/t")
    assert table.rows(first) == [{"x": 1}]
    assert table.rows(table.commit(staged, "run-7/t")) == [
        {"x": 1, "new": None},
        {"x": 2, "new": 1},
    ]


def test_a_zombie_with_the_same_token_commits_nothing_more(
    table: PublishedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.publish(pa.table({"x": [1]}), mode=APPEND)
    mine = table.stage(pa.table({"x": [2]}), mode=APPEND)
    other = table.stage(pa.table({"x": [2]}), mode=APPEND)
    original = commit._write
    beaten: list[int] = []

    def late(*arguments: object, **named: object) -> int:
        if not beaten:
            beaten.append(1)
            table.commit(other, "run-7/t")
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(commit, "_write", late)
    what = table.commit(mine, "run-7/t")
    assert beaten == [1]
    assert table.rows(what) == [{"x": 1}, {"x": 2}]


def test_large_streams_do_not_grow_memory(table: PublishedTable) -> None:
    schema = pa.schema([("x", pa.int64()), ("y", pa.float64())])
    values = np.random.default_rng(1).random(65536)
    before = pa.total_allocated_bytes()
    held: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(48):
            held.append(pa.total_allocated_bytes() - before)
            columns = [pa.array(np.arange(65536) + number * 65536), pa.array(values + number)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    staged = table.stage(pa.RecordBatchReader.from_batches(schema, batches()))
    assert staged.rows == 48 * 65536
    # 48 MiB went through; a row group of 8 MiB and what encodes it were held at most.
    assert max(held) < 30 * 2**20
    assert table.commit(staged).rows == 48 * 65536


def test_a_full_disk_is_one_sentence(
    table: PublishedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = table.stage(pa.table({"x": [1]}))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "x.parquet")

    monkeypatch.setattr("jupyter_etl.publishing.tables.actions.place_linked", full)
    with pytest.raises(PublishError, match=r"'t' cannot be published: the disk is full"):
        table.commit(staged)
