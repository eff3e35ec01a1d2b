"""Staged rows against the live version: columns that lose their values, and rows that differ."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Difference, PublishMode, Staged
from jupyter_etl.publishing.tables import comparison
from jupyter_etl.publishing.tables.changes import RowChange, compare_rows
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.scheduling.publish_gate import judge_difference

APPEND, UPSERT = PublishMode.APPEND, PublishMode.UPSERT
NAN = float("nan")


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return PublishedTable(tmp_path)


def difference(table: PublishedTable, staged: Staged) -> Difference:
    assert table.live is not None
    found = TablePublisher().compare(staged, table.live)
    assert found is not None
    return judge_difference(found, staged)


def lost(table: PublishedTable, data: Any, **declared: Any) -> dict[str, tuple[object, ...]]:
    """Return by column the values it had and the partitions in which it has none now."""
    found = difference(table, table.stage(data, **declared))
    return {one.name: (one.values, *one.partitions) for one in found.emptied}


def days(*numbers: int, rows: int = 2, **columns: list[Any]) -> pa.Table:
    """Return some rows for each day."""
    day = [date(2026, 1, n) for n in numbers for _ in range(rows)]
    return pa.table({"day": day, "id": list(range(len(day))), **columns})


def test_a_renamed_column_is_found_in_every_replaced_partition(table: PublishedTable) -> None:
    amounts = list(range(60))
    table.publish(days(*range(1, 31), amount=amounts), partition_by=("day",))
    renamed = table.stage(days(*range(1, 31), amount_eur=amounts), partition_by=("day",))
    found = difference(table, renamed)
    assert found.reasons == (
        "column 'amount' is absent (new: 'amount_eur'), but version 1 has 60 values in "
        "day=2026-01-01; day=2026-01-02; day=2026-01-03 and 27 more partitions; "
        "--allow amount allows this",
    )


def test_each_partition_is_compared_with_itself(table: PublishedTable) -> None:
    table.publish(days(1, 2, 3, x=[1, 2, None, None, 5, 6]), partition_by=("day",))
    # The second day never had a value, the fourth is new.
    new = days(1, 2, 3, 4, x=[9, 9, None, None, None, None, None, None])
    assert lost(table, new, partition_by=("day",)) == {"x": (2, "day=2026-01-03")}


def test_a_partition_of_null_is_one_of_them(table: PublishedTable) -> None:
    rows = {"p": pa.array([None, "b"], pa.string()), "x": [1, 2]}
    table.publish(pa.table(rows), partition_by=("p",))
    new = pa.table({**rows, "x": pa.array([None, 3], pa.int64())})
    assert lost(table, new, partition_by=("p",)) == {"x": (1, "p=NULL")}


def test_several_partition_columns(table: PublishedTable) -> None:
    rows = {"day": [1, 1], "at": ["a b", "c/d"], "x": [1, 2]}
    table.publish(pa.table(rows), partition_by=("day", "at"))
    new = pa.table({**rows, "x": pa.array([1, None], pa.int64())})
    assert lost(table, new, partition_by=("day", "at")) == {"x": (1, "at=c/d, day=1")}


def test_a_column_that_is_absent_from_partitions_that_are_new(table: PublishedTable) -> None:
    table.publish(days(1, x=[1, 2], none=[None, None]), partition_by=("day",))
    assert lost(table, days(2), partition_by=("day",)) == {"x": (2,)}
    # NULL is no change there.
    empty = days(2, x=pa.nulls(2, pa.int64()), none=pa.nulls(2))  # type: ignore[arg-type]
    assert lost(table, empty, partition_by=("day",)) == {}


VALUES: dict[str, tuple[list[Any], pa.DataType | None]] = {
    "int": ([1, 2], None),
    "float": ([1.5, NAN], None),
    "text": (["a", ""], None),
    "bool": ([False, False], None),
    "date": ([date(2026, 1, 1), None], None),
    "decimal": ([Decimal("1.50"), None], None),
    "binary": ([b"\x00", None], None),
    "list": ([[1], []], None),
    "list of NULL": ([[1, None], None], None),
    "struct": ([{"a": None, "b": 1}, None], None),
    "map": ([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("mode", [PublishMode.REPLACE, APPEND, UPSERT])
@pytest.mark.parametrize("kind", VALUES)
def test_a_column_of_any_type(table: PublishedTable, kind: str, mode: PublishMode) -> None:
    values, of = VALUES[kind]
    column = pa.array(values, of)
    rows = {"id": [1, 2], "x": column}
    declared = {"mode": mode, "key": ("id",) if mode is UPSERT else ()}
    table.publish(pa.table(rows), key=declared["key"])
    assert lost(table, pa.table(rows), **declared) == {}
    nulls = pa.table({"id": [1, 2], "x": pa.nulls(2, column.type)})
    assert set(lost(table, nulls, **declared)) == {"x"}
    absent = difference(table, table.stage(pa.table({"id": [1, 2]}), **declared))
    assert absent.reasons
    table.publish(nulls, key=declared["key"])
    assert lost(table, nulls, **declared) == {}


def test_nothing_but_nan_is_no_value(table: PublishedTable) -> None:
    table.publish(pa.table({"x": [1.0, 2.0], "y": [NAN, NAN], "z": [NAN, 1.0]}))
    nan = pa.table({"x": [NAN, NAN], "y": [NAN, NAN], "z": [NAN, NAN]})
    assert set(lost(table, nan)) == {"x", "z"}
    assert set(lost(table, nan.set_column(1, "y", pa.nulls(2, pa.float64())))) == {"x", "z"}


def test_a_table_of_many_columns_that_an_upsert_has_rewritten(table: PublishedTable) -> None:
    """Delta keeps statistics of the first 32 columns of the files that it writes itself."""
    names = [f"c{n:02}" for n in range(50)]
    rows = pa.table({"id": range(10), **{name: range(10) for name in names}})
    table.publish(rows, key=("id",))
    table.publish(rows.slice(0, 5), mode=UPSERT, key=("id",))
    assert lost(table, rows) == {}
    place = rows.column_names.index("c45")
    nulls = rows.set_column(place, "c45", pa.nulls(10, pa.int64()))
    assert set(lost(table, nulls)) == {"c45"}
    assert set(lost(table, nulls, mode=UPSERT, key=("id",))) == {"c45"}


def test_upserted_rows_without_a_column_would_overwrite_it(table: PublishedTable) -> None:
    table.publish(pa.table({"id": [1, 2, 3], "x": ["a", "b", None]}), key=("id",))
    staged = table.stage(pa.table({"id": [1], "y": ["a"]}), mode=UPSERT, key=("id",))
    (reason,) = difference(table, staged).reasons
    assert reason.startswith("column 'x' is absent (new: 'y'), but version 1 has 2 values;")


def test_a_sparse_column_may_be_empty_in_few_rows_that_are_added(table: PublishedTable) -> None:
    table.publish(pa.table({"id": range(100), "note": ["x"] + [None] * 99}))
    few = pa.table({"id": [1, 2], "note": pa.nulls(2, pa.string())})
    assert difference(table, table.stage(few, mode=APPEND)).reasons == ()
    # The same rows replace all: the note had values.
    assert "column 'note' is NULL" in "; ".join(difference(table, table.stage(few)).reasons)


def test_a_first_version_without_rows_has_nothing_to_lose(table: PublishedTable) -> None:
    table.publish(pa.table({"id": pa.array([], pa.int64()), "x": pa.array([], pa.int64())}))
    for mode in (PublishMode.REPLACE, APPEND):
        staged = table.stage(pa.table({"id": [1], "x": pa.nulls(1, pa.int64())}), mode=mode)
        assert difference(table, staged).reasons == ()


def test_an_allowed_column_may_change_its_type(table: PublishedTable) -> None:
    table.publish(pa.table({"x": [1], "y": [1]}))
    staged = table.stage(pa.table({"x": ["a"], "y": [2]}), allow=("x",))
    assert difference(table, staged).reasons == ()
    what = table.record(table.commit(staged))
    assert [column.type for column in what.columns] == ["string", "int64"]


def test_no_footer_of_the_table_is_read_where_nothing_is_missing(
    table: PublishedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = date(2026, 1, 1)
    many = pa.table({"day": [start + timedelta(n) for n in range(50)], "x": np.arange(50.0)})
    table.publish(many, partition_by=("day",))
    staged = table.stage(many, partition_by=("day",))
    read: list[str] = []
    original = comparison.values_in
    monkeypatch.setattr(
        comparison, "values_in", lambda file: (read.append(str(file)), original(file))[1]
    )
    assert difference(table, staged).reasons == ()
    assert all(path.startswith(staged.folder) for path in read)
    assert len(read) == 50


KEYS = st.tuples(st.sampled_from(["a", "b"]), st.one_of(st.none(), st.integers(0, 3)))
ROWS = st.dictionaries(KEYS, st.tuples(st.one_of(st.none(), st.integers(0, 2)), st.text("xy")))


def keyed_table(rows: dict[tuple[str, int | None], tuple[int | None, str]]) -> pa.Table:
    return pa.table(
        {
            "k 1": pa.array([key[0] for key in rows], pa.string()),
            'k"2': pa.array([key[1] for key in rows], pa.int64()),
            "v": pa.array([value[0] for value in rows.values()], pa.int64()),
            "w": pa.array([value[1] for value in rows.values()], pa.string()),
        }
    )


@settings(max_examples=25, deadline=None)
@given(before=ROWS, after=ROWS)
def test_it_counts_as_dictionaries_do(
    before: dict[tuple[str, int | None], tuple[int | None, str]],
    after: dict[tuple[str, int | None], tuple[int | None, str]],
) -> None:
    found = compare_rows(
        keyed_table(before).to_reader(),
        keyed_table(after).to_reader(),
        key=("k 1", 'k"2'),
        sample=100,
    )
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {key for key in after.keys() & before.keys() if before[key] != after[key]}
    assert (found.added, found.removed, found.changed) == (len(added), len(removed), len(changed))
    for kind, keys in (("added", added), ("removed", removed), ("changed", changed)):
        shown = {tuple(one.key.values()) for one in found.sample if one.kind == kind}
        assert shown == {(k, None if n is None else str(n)) for k, n in keys}


def test_the_sample_shows_what_changed() -> None:
    before = pa.table({"id": [1, 2, 3], "v": [1, None, 3], "w": ["a", "b", "c" * 99]})
    after = pa.table({"id": [2, 3, 4], "v": [2, 3, 4], "w": ["b", "d", "e"]})
    found = compare_rows(before.to_reader(), after.to_reader(), key=("id",), sample=1)
    assert found.sample == (
        RowChange(kind="added", key={"id": "4"}, values={}),
        RowChange(kind="removed", key={"id": "1"}, values={}),
        RowChange(kind="changed", key={"id": "2"}, values={"v": (None, "2")}),
    )
    every = compare_rows(before.to_reader(), after.to_reader(), key=("id",))
    assert every.sample[-1].values == {"w": ("c" * 59 + "…", "d")}


def test_columns_of_one_side_and_other_types_are_no_changes() -> None:
    before = pa.table({"id": pa.array([1], pa.int32()), "v": pa.array([1], pa.int32()), "x": [1]})
    after = pa.table({"id": [1], "v": ["1"], "y": [2]})
    found = compare_rows(before.to_reader(), after.to_reader(), key=("id",))
    assert (found.added, found.removed, found.changed) == (0, 0, 0)


def test_a_key_that_is_none_is_refused() -> None:
    before, after = pa.table({"id": [1, 2]}), pa.table({"id": [1, 1], "z": [1, 2]})
    with pytest.raises(PublishError, match=r"1 keys .* several rows in the later version"):
        compare_rows(before.to_reader(), after.to_reader(), key=("id",))
    with pytest.raises(PublishError, match="key column 'z' does not exist in both"):
        compare_rows(before.to_reader(), after.to_reader(), key=("z",))
