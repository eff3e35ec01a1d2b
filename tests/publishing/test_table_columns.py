from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Contract, PublishMode

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
REPLACE, APPEND, UPSERT = PublishMode.REPLACE, PublishMode.APPEND, PublishMode.UPSERT


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return PublishedTable(tmp_path)


# -- contracts


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
def test_evolve_adds_columns(table: PublishedTable, mode: PublishMode) -> None:
    key = {"mode": mode, "key": ("x",)}
    table.publish(pa.table({"x": [1]}), **key)
    naive = pa.array([NAIVE], pa.timestamp("us"))
    what = table.publish(pa.table({"x": [2], "at": naive, "n": pa.array([1], pa.int8())}), **key)
    assert [column.name for column in what.columns] == ["x", "at", "n"]
    assert table.rows(what)[-1] == {"x": 2, "at": NAIVE, "n": 1}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"mode": APPEND}, [{"x": 1, "p": 1, "y": "a"}, {"x": 2, "p": 1, "y": None}]),
        (
            {"mode": UPSERT, "key": ("x",)},
            [{"x": 1, "p": 1, "y": "a"}, {"x": 2, "p": 1, "y": None}],
        ),
        ({"partition_by": ("p",)}, [{"x": 2, "p": 1, "y": None}]),
        ({}, [{"x": 2, "p": 1}]),
    ],
)
def test_a_dropped_column_is_null_where_rows_remain(
    table: PublishedTable, declared: dict[str, object], expected: list[dict[str, object]]
) -> None:
    by = {"partition_by": ("p",)} if declared.get("partition_by") else {}
    table.publish(pa.table({"x": [1], "p": [1], "y": ["a"]}), **by)
    what = table.publish(pa.table({"x": [2], "p": [1]}), **declared)
    assert table.rows(what) == expected


@pytest.mark.parametrize("mode", [REPLACE, APPEND, UPSERT])
def test_a_retyped_column_is_refused_with_both_types(
    table: PublishedTable, mode: PublishMode
) -> None:
    table.publish(pa.table({"k": [1], "x": [1]}))
    with pytest.raises(PublishError, match="'x' was int64 and is string"):
        table.publish(pa.table({"k": [1], "x": ["a"]}), mode=mode, key=("k",))


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"x": [1]}, "dropped 'y'"),
        ({"x": [1], "y": ["a"], "z": [1]}, "added 'z'"),
        ({"x": [1.5], "y": ["a"]}, "'x' was int64 and is double"),
    ],
)
@pytest.mark.parametrize("mode", [REPLACE, APPEND])
def test_freeze_refuses_another_schema(
    table: PublishedTable, new: dict[str, object], words: str, mode: PublishMode
) -> None:
    first = table.publish(pa.table({"x": [1], "y": ["a"]}), contract=Contract.FREEZE)
    with pytest.raises(PublishError, match=words):
        table.publish(pa.table(new), contract=Contract.FREEZE, mode=mode)
    assert table.rows(first) == [{"x": 1, "y": "a"}]


def test_freeze_keeps_the_order_of_columns(table: PublishedTable) -> None:
    table.publish(pa.table({"x": [1], "y": ["a"]}), contract=Contract.FREEZE)
    what = table.publish(pa.table({"y": ["b"], "x": [2]}), contract=Contract.FREEZE)
    assert [column.name for column in what.columns] == ["x", "y"]
    assert table.rows(what) == [{"x": 2, "y": "b"}]


@pytest.mark.parametrize("mode", [REPLACE, APPEND])
@pytest.mark.parametrize("contract", list(Contract))
def test_narrower_numbers_keep_the_published_type(
    table: PublishedTable, mode: PublishMode, contract: Contract
) -> None:
    table.publish(pa.table({"x": [1], "f": [0.5]}))
    narrow = pa.table({"x": pa.array([2], pa.int16()), "f": pa.array([2], pa.int32())})
    what = table.publish(narrow, mode=mode, contract=contract)
    assert [column.type for column in what.columns] == ["int64", "double"]
    assert table.rows(what)[-1] == {"x": 2, "f": 2.0}


def test_a_column_of_nothing_takes_the_published_type_or_is_text(table: PublishedTable) -> None:
    first = table.publish(pa.table({"x": [1, 2], "e": [None, None]}))
    assert [column.type for column in first.columns] == ["int64", "string"]
    typed = table.publish(pa.table({"x": [1], "e": [1.5]}))
    assert [column.type for column in typed.columns] == ["int64", "double"]
    again = table.publish(pa.table({"x": [None], "e": [None]}), mode=APPEND)
    assert [column.type for column in again.columns] == ["int64", "double"]
    assert table.rows(again)[-1] == {"x": None, "e": None}


def test_a_name_that_differs_in_case_is_refused(table: PublishedTable) -> None:
    table.publish(pa.table({"Amount": [1]}))
    with pytest.raises(PublishError, match=r"has a column 'Amount'.*call it 'amount'"):
        table.publish(pa.table({"amount": [1]}), mode=APPEND)


# -- keys


def test_a_key_that_is_not_unique_is_refused_with_a_sample(table: PublishedTable) -> None:
    with pytest.raises(PublishError, match=r"not unique, for example: 2 \(2 times\)"):
        table.stage(pa.table({"id": [1, 2, 2]}), mode=UPSERT, key=("id",))


def test_a_key_with_null_is_refused_with_the_number(table: PublishedTable) -> None:
    with pytest.raises(PublishError, match="1 of 3 rows have no value in the key"):
        table.stage(pa.table({"id": [1, None, 2]}), key=("id",))


def test_a_key_may_be_partition_columns_and_have_any_name(table: PublishedTable) -> None:
    rows = pa.table({"p": ["a", "a"], 'a "b" c': [1, 1], "x": [1, 2]})
    with pytest.raises(PublishError, match="not unique"):
        table.stage(rows, key=("p", 'a "b" c'), partition_by=("p",))
    declared = {"mode": UPSERT, "key": ("p", "x")}
    table.publish(rows, **declared)
    assert table.publish(rows, **declared).rows == 2


def test_upsert_with_strange_column_names(table: PublishedTable) -> None:
    declared = {"mode": UPSERT, "key": ("Key No.",)}
    table.publish(pa.table({"Key No.": [1], "a.b": [1], 'c"d': [1]}), **declared)
    what = table.publish(pa.table({"Key No.": [1, 2], "a.b": [2, 3], 'c"d': [4, 5]}), **declared)
    assert table.rows(what) == [
        {"Key No.": 1, "a.b": 2, 'c"d': 4},
        {"Key No.": 2, "a.b": 3, 'c"d': 5},
    ]


def test_upsert_refuses_a_backtick_in_a_name_at_once(table: PublishedTable) -> None:
    with pytest.raises(PublishError, match="backtick"):
        table.stage(pa.table({"id": [1], "a`b": [1]}), mode=UPSERT, key=("id",))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"mode": UPSERT}, "needs a key"),
        ({"key": ("nope",)}, "no key column 'nope'"),
        ({"partition_by": ("nope",)}, "no partition column 'nope'"),
        ({"partition_by": ("x",)}, "no data column is left"),
    ],
)
def test_wrong_declarations(table: PublishedTable, declared: dict[str, object], words: str) -> None:
    with pytest.raises(PublishError, match=words):
        table.stage(pa.table({"x": [1]}), **declared)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([1.5]), "cannot partition"),
        (pa.array([NAIVE], pa.timestamp("us")), "cannot partition"),
        (pa.array([""]), "empty text"),
        (pa.array(["__HIVE_DEFAULT_PARTITION__"]), "__HIVE_DEFAULT_PARTITION__, which stands"),
    ],
)
def test_unsuitable_partition_columns(table: PublishedTable, column: pa.Array, words: str) -> None:
    with pytest.raises(PublishError, match=words):
        table.stage(pa.table({"p": column, "x": [1]}), partition_by=("p",))


FAR = {
    "day after": (pa.array([2_932_897], pa.date32()), "10000-01-01"),
    "day before": (pa.array([0, -719_163], pa.date32()), "0000-12-31"),
    "time after": (pa.array([253_402_300_800], pa.timestamp("s")), "10000-01-01 00:00:00"),
    "time before": (pa.array([-62_135_596_801], pa.timestamp("s", "UTC")), "0000-12-31 23:59:59"),
}


@pytest.mark.parametrize("by", [(), ("x",)])
@pytest.mark.parametrize("name", FAR)
def test_dates_beyond_the_calendar(table: PublishedTable, name: str, by: tuple[str, ...]) -> None:
    column, shown = FAR[name]
    rows = pa.table({"when": column, "x": [1] * len(column)})
    with pytest.raises(
        PublishError, match=rf"'when' contains {shown}.*; dates in tables range from"
    ):
        table.stage(rows, partition_by=by)


def test_the_ends_of_the_calendar(table: PublishedTable) -> None:
    first, last = datetime.min, datetime.max  # noqa: DTZ901
    rows = pa.table({"d": [first.date(), last.date(), None], "t": [first, last, None]})
    assert table.rows(table.publish(rows), "d") == rows.to_pylist()


def test_too_many_partitions(table: PublishedTable) -> None:
    rows = pa.table({"p": range(3000), "x": range(3000)})
    with pytest.raises(PublishError, match="more than 1024 partitions"):
        table.stage(rows, partition_by=("p",))


# -- types

UTC_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EXACT = {
    "bool": (pa.array([True, None]), "bool"),
    "int8": (pa.array([-128, None], pa.int8()), "int8"),
    "int64": (pa.array([2**63 - 1, None]), "int64"),
    "uint8": (pa.array([255, None], pa.uint8()), "int16"),
    "uint16": (pa.array([65535, None], pa.uint16()), "int32"),
    "uint32": (pa.array([2**32 - 1, None], pa.uint32()), "int64"),
    "uint64": (pa.array([2**63 - 1, None], pa.uint64()), "int64"),
    "float32": (pa.array([0.5, None], pa.float32()), "float"),
    "float64": (pa.array([0.1, math.inf]), "double"),
    "decimal": (pa.array([Decimal("12345678901234567890.123456789"), None]), None),
    "decimal256": (
        pa.array([Decimal("1.50"), None], pa.decimal256(38, 2)),
        "decimal128(38, 2)",
    ),
    "string": (pa.array(["ü\0x", ""]), "string"),
    "large_string": (pa.array(["a", None], pa.large_string()), "string"),
    "string_view": (pa.array(["a", None], pa.string_view()), "string"),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), "string"),
    "binary": (pa.array([b"\xff\x00", None]), "binary"),
    "fixed": (pa.array([b"\xff\x00", None], pa.binary(2)), "binary"),
    "date32": (pa.array([date(1, 1, 1), date(9999, 12, 31)]), "date32[day]"),
    "date64": (pa.array([date(2026, 1, 1), None], pa.date64()), "date32[day]"),
    "seconds": (pa.array([NAIVE, None], pa.timestamp("s")), "timestamp[us]"),
    "micro": (
        pa.array([NAIVE.replace(microsecond=456789), None], pa.timestamp("us")),
        "timestamp[us]",
    ),
    "nano": (pa.array([1_000, None], pa.timestamp("ns")), "timestamp[us]"),
    "utc": (pa.array([UTC_NOON, None], pa.timestamp("us", "UTC")), "timestamp[us, tz=UTC]"),
    "list": (pa.array([[1, None], []]), None),
    "fixed_list": (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), None),
    "struct": (pa.array([{"a": 1, "b": "x"}, None]), None),
    "map": (pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())), None),
}


@pytest.mark.parametrize("kind", EXACT)
def test_values_arrive_exactly(table: PublishedTable, kind: str) -> None:
    column, expected = EXACT[kind]
    what = table.publish(pa.table({"id": [1, 2], "c": column}))
    got = table.reading(what)
    assert got["c"].to_pylist() == column.to_pylist()
    if expected:
        assert what.columns[1].type == expected
    appended = table.publish(pa.table({"id": [3, 4], "c": column}), mode=APPEND)
    assert table.reading(appended).num_rows == 4


def test_a_zone_becomes_utc_and_the_instant_stays(table: PublishedTable) -> None:
    paris = pa.array([UTC_NOON], pa.timestamp("us", "Europe/Paris"))
    what = table.publish(pa.table({"c": paris}))
    assert table.reading(what)["c"].to_pylist() == [UTC_NOON]


def test_nan_stays_nan(table: PublishedTable) -> None:
    what = table.publish(pa.table({"c": [math.nan, 1.0, None]}))
    got = table.reading(what)["c"].to_pylist()
    assert math.isnan(got[0])
    assert got[1:] == [1.0, None]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([time(1)], pa.time64("us")), "'c' is of type time64.*astype"),
        (pa.array([timedelta(1)], pa.duration("us")), "'c' is of type duration.*total_seconds"),
        (pa.array([Decimal(1)], pa.decimal256(50, 2)), "'c' is of type decimal256.*38 digits"),
        (pa.array([1_001], pa.timestamp("ns")), "'c' cannot be stored exactly.*floor"),
        (pa.array([2**64 - 1], pa.uint64()), "'c' cannot be stored exactly"),
        (pa.array([{}], pa.struct([])), "'c' is of type struct<>"),
        (pa.array([[timedelta(1)]]), "'c' is of type duration"),
        (
            pa.array([[("a", NAIVE)]], pa.map_(pa.string(), pa.timestamp("us"))),
            "'c' is of type map.*not support timestamps without a timezone",
        ),
    ],
)
def test_what_would_change_is_refused(table: PublishedTable, column: pa.Array, words: str) -> None:
    with pytest.raises(PublishError, match=words):
        table.stage(pa.table({"id": [1], "c": column}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pa.table({}), "no columns"),
        (pa.table([[1], [2]], names=["x", "x"]), "Two columns"),
        (pa.table({"x": [1], "X": [2]}), "Two columns"),
        (pa.table({" ": [1]}), "Column 1 has the name"),
        (pa.table({"a\nb": [1]}), "Column 1 has the name"),
    ],
)
def test_names_that_no_table_has(table: PublishedTable, data: pa.Table, words: str) -> None:
    with pytest.raises(PublishError, match=words):
        table.stage(data)


def test_a_named_index_is_a_column_and_row_numbers_are_not(table: PublishedTable) -> None:
    frame = pd.DataFrame({"day": ["a", "a", "b"], "n": [1, 2, 3]})
    what = table.publish(frame.groupby("day").sum())
    assert table.rows(what) == [{"day": "a", "n": 3}, {"day": "b", "n": 3}]
    filtered = table.publish(frame[frame["n"] > 1], contract=Contract.FREEZE)
    assert table.reading(filtered).column_names == ["day", "n"]
