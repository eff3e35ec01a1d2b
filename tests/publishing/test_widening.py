"""Columns whose type follows from more than one day's rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Batch, Contract, Partition, PublishMode
from jupyter_etl.publishing.tables.publisher import TablePublisher

REPLACE, APPEND, UPSERT = PublishMode.REPLACE, PublishMode.APPEND, PublishMode.UPSERT
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return PublishedTable(tmp_path)


def decimals(precision: int, scale: int, *texts: str) -> pa.Array:
    return pa.array([Decimal(text) for text in texts], pa.decimal128(precision, scale))


def day_by_day(
    table: PublishedTable, mode: PublishMode, *days: pa.Array, **declared: Any
) -> tuple[str, list[object]]:
    """Publish a column a day, and return its type and the values of all days."""
    key = {"key": ("day",)} if mode is UPSERT else {}
    for number, values in enumerate(days):
        rows = pa.table({"day": pa.array([number] * len(values), pa.int64()), "x": values})
        what = table.publish(rows, mode=mode, **key, **declared)
    found = table.reading(what).sort_by("day")
    return what.columns[1].type, found["x"].to_pylist()


DECIMALS: dict[str, tuple[list[pa.Array], str]] = {
    "more digits": ([decimals(6, 2, "1000.50"), decimals(7, 2, "10000.50")], "decimal128(7, 2)"),
    "all digits, small values": (
        [decimals(6, 2, "1000.50"), decimals(38, 2, "2.50")], "decimal128(6, 2)",
    ),
    "all digits, a large value": (
        [decimals(6, 2, "1000.50"), decimals(38, 2, "10000.50"), decimals(6, 2, "3.00")],
        "decimal128(38, 2)",
    ),
    "scales": (
        [decimals(38, 1, "1.5"), decimals(38, 2, "1.50"), decimals(38, 3, "1.505"),
         decimals(38, 0, "7")],
        "decimal128(38, 3)",
    ),
    "inside lists": (
        [pa.array([[Decimal(text)]], pa.list_(pa.decimal128(38, scale)))
         for text, scale in (("1.5", 1), ("1.505", 3))],
        "list<element: decimal128(38, 3)>",
    ),
    "inside structs": (
        [pa.array([{"a": Decimal(text)}], pa.struct([("a", pa.decimal128(size, 1))]))
         for text, size in (("1.5", 3), ("1000.5", 5))],
        "struct<a: decimal128(5, 1)>",
    ),
    "integers": ([decimals(38, 2, "1.50"), pa.array([2**62])], "decimal128(38, 2)"),
}  # fmt: skip


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
@pytest.mark.parametrize("name", DECIMALS)
def test_decimals_widen_and_stay_exact(table: PublishedTable, name: str, mode: PublishMode) -> None:
    days, kind = DECIMALS[name]
    expected = [value for day in days for value in day.to_pylist()]
    found, values = day_by_day(table, mode, *days)
    assert found == kind
    assert values == (expected[-1:] if mode is REPLACE else expected)


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
def test_decimals_widen_in_a_partitioned_table(table: PublishedTable, mode: PublishMode) -> None:
    key = {"key": ("x",)} if mode is UPSERT else {}
    first = pa.table({"p": ["a", "b/=", None], "x": decimals(6, 2, "1.50", "2.50", "3.50")})
    table.publish(first, mode=mode, partition_by=("p",), **key)
    second = pa.table({"p": ["a"], "x": decimals(7, 2, "10000.50")})
    what = table.publish(second, mode=mode, partition_by=("p",), **key)
    found = {(row["p"], row["x"]) for row in table.rows(what)}
    old = set() if mode is REPLACE else {("a", Decimal("1.50"))}
    assert found == old | {
        ("b/=", Decimal("2.50")), (None, Decimal("3.50")), ("a", Decimal("10000.50")),
    }  # fmt: skip


@pytest.mark.parametrize("mode", [APPEND, UPSERT])
def test_digits_that_do_not_fit_beside_a_scale_are_refused(
    table: PublishedTable, mode: PublishMode
) -> None:
    days = [decimals(38, 0, "9" * 38), decimals(38, 1, "0.5")]
    with pytest.raises(PublishError, match="Column 'x' cannot be stored exactly"):
        day_by_day(table, mode, *days)
    assert table.live is not None
    assert table.live.what.rows == 1


def test_frozen_decimals_take_what_fits_and_nothing_else(table: PublishedTable) -> None:
    frozen = {"contract": Contract.FREEZE}
    days = [decimals(6, 2, "1.50"), decimals(38, 2, "2.50")]
    assert day_by_day(table, APPEND, *days, **frozen)[0] == "decimal128(6, 2)"
    with pytest.raises(
        PublishError, match=r"'x' was decimal128\(6, 2\) and is decimal128\(38, 2\)"
    ):
        day_by_day(table, APPEND, decimals(38, 2, "10000.50"), **frozen)


def test_older_versions_and_batches_stay_when_a_column_widens(table: PublishedTable) -> None:
    def hour(number: int) -> Batch:
        start = datetime(2026, 1, 1, number).astimezone()
        return Batch(key="p", interval=Partition(start=start, end=start + timedelta(hours=1)))

    def append(number: int, values: pa.Array) -> Any:
        staged = table.stage(pa.table({"x": values}), mode=APPEND)
        return table.record(table.commit(replace(staged, batch=hour(number))))

    first = append(0, decimals(6, 2, "1.50"))
    append(1, decimals(7, 2, "10000.50"))
    again = append(0, decimals(6, 2, "2.50"))
    assert [row["x"] for row in table.rows(again)] == [Decimal("2.50"), Decimal("10000.50")]
    assert table.reading(first)["x"].type == pa.decimal128(6, 2)


def test_what_a_killed_commit_has_widened_is_undone(table: PublishedTable) -> None:
    day_by_day(table, APPEND, decimals(6, 2, "1.50"))
    rows = pa.table({"day": [1], "x": decimals(7, 2, "10000.50")})
    table.commit(table.stage(rows, mode=APPEND), token="killed")
    what = table.publish(pa.table({"day": [2], "x": decimals(6, 2, "2.50")}), mode=APPEND)
    assert what.columns[1].type == "decimal128(6, 2)"
    assert [row["x"] for row in table.rows(what)] == [Decimal("1.50"), Decimal("2.50")]


# -- columns without values so far

LATER = {
    "integers": pa.array([1]),
    "text": pa.array(["a"]),
    "days": pa.array([date(2026, 1, 1)]),
    "times": pa.array([NAIVE], pa.timestamp("us")),
    "decimals": decimals(10, 2, "1.50"),
    "booleans": pa.array([True]),
    "lists": pa.array([[1]], pa.list_(pa.int64())),
    "structs": pa.array([{"a": 1}]),
    "maps": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
@pytest.mark.parametrize("first", [0, 1], ids=["no rows", "nulls"])
@pytest.mark.parametrize("name", LATER)
def test_a_column_without_values_takes_the_type_of_the_first_ones(
    table: PublishedTable, name: str, first: int, mode: PublishMode
) -> None:
    days = [pa.nulls(first), LATER[name], pa.nulls(1)]
    kind, values = day_by_day(table, mode, *days)
    assert kind == str(LATER[name].type).replace("item", "element", 1).replace(" ('x')", "")
    expected = [value for day in days for value in day.to_pylist()]
    assert values == (expected[-1:] if mode is REPLACE else expected)


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
@pytest.mark.parametrize("later", [pa.array([None], pa.float64()), pa.array([], pa.string())])
def test_a_day_without_values_keeps_the_type_whatever_its_own(
    table: PublishedTable, mode: PublishMode, later: pa.Array
) -> None:
    days = [pa.array([1], pa.int64()), later]
    kind, values = day_by_day(table, mode, *days)
    assert kind == "int64"
    assert values == ([None] * len(later) if mode is REPLACE else [1, *[None] * len(later)])
    staged = table.stage(pa.table({"day": pa.array([2]), "x": pa.array([None], pa.float64())}))
    assert table.live is not None
    difference = TablePublisher().compare(staged, table.live)
    assert difference is not None
    assert difference.retyped == ()


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
def test_empty_lists_leave_the_type_of_what_is_in_them_open(
    table: PublishedTable, mode: PublishMode
) -> None:
    nothing = pa.array([[], [None], None][:1], pa.list_(pa.null()))
    days = [nothing, pa.array([[1]], pa.list_(pa.int64())), nothing]
    kind, values = day_by_day(table, mode, *days)
    assert kind == "list<element: int64>"
    assert values == ([[]] if mode is REPLACE else [[], [1], []])


def test_text_in_lists_is_not_taken_for_nothing(table: PublishedTable) -> None:
    days = [pa.array([["1"]]), pa.array([[1]])]
    with pytest.raises(PublishError, match="'x' was list<element: string>"):
        day_by_day(table, APPEND, *days)


def test_a_partition_column_of_no_rows_has_no_type_yet(table: PublishedTable) -> None:
    rows = pa.table({"p": pa.nulls(0), "x": pa.nulls(0)})
    table.publish(rows, partition_by=("p",))
    what = table.publish(pa.table({"p": [1], "x": [2]}), mode=APPEND, partition_by=("p",))
    assert table.rows(what) == [{"p": 1, "x": 2}]


# -- names of partition columns


@pytest.mark.parametrize("name", ["a=b", "a/b", "%41", "a%", "a:b", "=", "x" * 101, "größe" * 20])
def test_partition_columns_that_folders_cannot_be_named_by(
    table: PublishedTable, name: str
) -> None:
    with pytest.raises(PublishError, match=r"cannot partition a table.*Rename it") as caught:
        table.stage(pa.table({name: ["a"], "x": [1]}), partition_by=(name,))
    assert caught.value.data == {"column": name}


@pytest.mark.parametrize(
    "name",
    ["a b", "größe", "日", "a'b", 'a"b', "a.b", "a,b;c", "a#b?", "a\\b", "[a]{b}", "<a|b>", "select",
     " a ", "_a", ".a"],
)  # fmt: skip
def test_partition_columns_may_have_nearly_any_name(table: PublishedTable, name: str) -> None:
    by = {"partition_by": (name,)}
    odd = "x='\"/%y"
    table.publish(pa.table({"x": [1, 2], name: [odd, "b"]}), **by)
    table.publish(pa.table({"x": [3], name: [odd]}), **by)
    table.publish(pa.table({"x": [4], name: ["c"]}), mode=APPEND, **by)
    last = pa.table({"x": [3, 5], name: [odd, "d"]})
    what = table.publish(last, mode=UPSERT, key=("x", name), **by)
    assert [(row["x"], row[name]) for row in table.rows(what, "x")] == [
        (2, "b"), (3, odd), (4, "c"), (5, "d"),
    ]  # fmt: skip


def test_types_that_store_something_else_are_refused(table: PublishedTable) -> None:
    days = pa.ExtensionArray.from_storage(
        pa.opaque(pa.int64(), "period", "vendor"), pa.array([672])
    )
    for column in (days, pa.array([[1]], pa.list_view(pa.int64()))):
        reader = pa.table({"x": column}).to_reader()
        with pytest.raises(PublishError, match="'x' is of type"):
            table.stage(reader)


def test_a_time_names_the_option_that_makes_it_text(table: PublishedTable) -> None:
    with pytest.raises(PublishError, match="'start' is of type time32") as caught:
        table.stage(pa.table({"start": pa.array([1], pa.time32("s"))}))
    assert "--option type.start=text" in caught.value.hint
    assert "df['start']" in caught.value.hint


F32, F64 = pa.float32(), pa.float64()
BOTH_NUMBERS: dict[str, tuple[pa.Array, pa.Array, bool]] = {
    "whole numbers after fractions": (pa.array([1.5, 2.5]), pa.array([1, 2**53]), True),
    "whole numbers after NaN": (pa.array([float("nan")]), pa.array([7]), True),
    "whole numbers beyond a double": (pa.array([1.5]), pa.array([2**53 + 1]), False),
    "whole numbers beyond a float": (pa.array([1.5], F32), pa.array([2**24 + 1]), False),
    "a float with NULL after whole numbers": (pa.array([1, 2]), pa.array([3.0, None]), True),
    "a float32 after whole numbers": (pa.array([1, 2]), pa.array([3.0], F32), True),
    "fractions after whole numbers": (pa.array([1, 2]), pa.array([3.0, 1.5]), False),
    "NaN after whole numbers": (pa.array([1, 2]), pa.array([3.0, float("nan")]), False),
    "infinity after whole numbers": (pa.array([1, 2]), pa.array([float("inf")]), False),
    "-0.0 after whole numbers": (pa.array([1, 2]), pa.array([-0.0]), False),
    "beyond the digits of a double": (pa.array([1]), pa.array([2.0**62]), False),
    "beyond a small integer": (pa.array([1], pa.int8()), pa.array([300.0]), False),
}


@pytest.mark.parametrize(("mode", "by"), [(APPEND, ()), (REPLACE, ("day",))])
@pytest.mark.parametrize("name", BOTH_NUMBERS)
def test_numbers_that_are_whole_and_floating_fit_by_their_values(
    table: PublishedTable, name: str, mode: PublishMode, by: tuple[str, ...]
) -> None:
    before, after, fits = BOTH_NUMBERS[name]
    if not fits:
        with pytest.raises(PublishError, match="cannot change the type of a column: 'x' was"):
            day_by_day(table, mode, before, after, partition_by=by)
        return
    kind, values = day_by_day(table, mode, before, after, partition_by=by)
    assert kind == str(before.type)
    assert repr(values) == repr([*before.to_pylist(), *after.cast(before.type).to_pylist()])


def test_a_replaced_table_keeps_its_type_where_the_values_allow_it(table: PublishedTable) -> None:
    kind, values = day_by_day(table, REPLACE, pa.array([1.5]), pa.array([2]), pa.array([2.5]))
    assert (kind, values) == ("double", [2.5])
