"""Frames as Arrow tables: the type and every value, or an error with the column and row."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.sources.frames.arrow import arrow_of

PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
DAY, NOON = date(2026, 1, 1), datetime(2026, 1, 1, 12)  # noqa: DTZ001 - without a zone
MIDNIGHT = datetime(2026, 1, 1)  # noqa: DTZ001
NAN = float("nan")
BIG = 2**53 + 1


class Colour(enum.Enum):
    RED = 1


class Word(enum.StrEnum):
    YES = "yes"


def objects(values: Sequence[Any]) -> pd.DataFrame:
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return pd.DataFrame({"fine": range(len(values)), "x": pd.Series(column, dtype=object)})


def arrow(frame: object) -> pa.ChunkedArray:
    return arrow_of(frame, what="df")["x"]


EXACT: dict[str, tuple[list[Any], str, list[Any] | None]] = {
    "a date and a time": ([DAY, NOON], "timestamp[us]", [MIDNIGHT, NOON]),
    "a time and a date": ([NOON, None, DAY], "timestamp[us]", [NOON, None, MIDNIGHT]),
    "a date and a Timestamp": (
        [DAY, pd.Timestamp("2026-01-01 00:00:00.000000001")],
        "timestamp[ns]",
        [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01 00:00:00.000000001")],
    ),
    "dates": ([date(1, 1, 1), date(9999, 12, 31)], "date32[day]", None),
    "far times": (
        [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)],  # noqa: DTZ001
        "timestamp[us]",
        None,
    ),
    "one zone": ([datetime(2026, 7, 1, tzinfo=PARIS)], "timestamp[us, tz=Europe/Paris]", None),
    "two zones": (
        [datetime(2026, 7, 1, tzinfo=PARIS), datetime(2026, 7, 1, tzinfo=NEW_YORK)],
        "timestamp[us, tz=UTC]",
        [datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 1, 4, tzinfo=UTC)],
    ),
    "nanoseconds with a zone": (
        [pd.Timestamp(1, tz="Europe/Paris"), pd.NaT],
        "timestamp[ns, tz=Europe/Paris]",
        [pd.Timestamp(1, tz="UTC"), None],
    ),
    "numpy's times": (
        [np.datetime64("2026-01-01"), np.datetime64("NaT"), NOON],
        "timestamp[us]",
        [MIDNIGHT, None, NOON],
    ),
    "durations": (
        [pd.Timedelta(1, "ns"), timedelta(days=-1), np.timedelta64(2, "s")],
        "duration[ns]",
        [pd.Timedelta(1, "ns"), pd.Timedelta(days=-1), pd.Timedelta(seconds=2)],
    ),
    "times of day": ([time(1, 2, 3, 4), None], "time64[us]", None),
    "booleans": ([True, np.False_, None], "bool", [True, False, None]),
    "booleans and NaN": ([True, NAN], "bool", [True, None]),
    "integers": ([np.int8(1), BIG, pd.NA], "int64", [1, BIG, None]),
    "integers and fractions": ([1, 2**60, 1.5, NAN], "double", [1.0, 2.0**60, 1.5, None]),
    "integers beyond 64 bits": ([2**70, 1], "decimal128(38, 0)", [Decimal(2**70), Decimal(1)]),
    "numpy's largest": ([np.uint64(2**64 - 1)], "decimal128(38, 0)", [Decimal(2**64 - 1)]),
    "single precision": ([np.float32(0.1), 1], "double", [float(np.float32(0.1)), 1.0]),
    "decimals": ([Decimal("1.5"), Decimal("2.25"), NAN], "decimal128(38, 2)",
                 [Decimal("1.50"), Decimal("2.25"), None]),
    "decimals and integers": ([2, Decimal("1.5")], "decimal128(38, 1)",
                              [Decimal("2.0"), Decimal("1.5")]),
    "decimals with an exponent": ([Decimal("1E+5"), Decimal("0E-50")], "decimal128(38, 0)",
                                  [Decimal(100000), Decimal(0)]),
    "zeros beyond any scale": ([Decimal("1." + "0" * 45)], "decimal128(38, 0)", [Decimal(1)]),
    "39 digits": ([Decimal("1" * 38 + ".5")], "decimal256(76, 1)", None),
    "text": (["a", np.str_("b"), NAN, Word.YES], "string", ["a", "b", None, "yes"]),
    "bytes": ([b"a", bytearray(b"b"), memoryview(b"c")], "binary", [b"a", b"b", b"c"]),
    "UUIDs": ([UUID(int=5)], "string", ["00000000-0000-0000-0000-000000000005"]),
    "periods": ([pd.Period("2026-01"), None], "string", ["2026-01", None]),
    "lists": ([[1, None], [BIG], None, []], "list<item: int64>", None),
    "lists of numpy": (
        [np.array([1, 2]), None, np.array([3])], "list<item: int64>", [[1, 2], None, [3]],
    ),
    "lists of numpy's times": (
        [np.array(["2026-01-01T00:00:00.000000001"], dtype="M8[ns]")],
        "list<item: timestamp[ns]>",
        [[pd.Timestamp("2026-01-01T00:00:00.000000001")]],
    ),
    "matrices": ([np.array([[1, 2], [3, 4]])], "list<item: list<item: int64>>", [[[1, 2], [3, 4]]]),
    "lists of dates and times": ([[DAY, NOON]], "list<item: timestamp[us]>", [[MIDNIGHT, NOON]]),
    "dictionaries": (
        [{"a": BIG}, {"a": None, "b": "x"}, None],
        "struct<a: int64, b: string>",
        [{"a": BIG, "b": None}, {"a": None, "b": "x"}, None],
    ),
    "pairs": ([[("a", 1)], [], None], "map<string, int64>", None),
    "tuples": ([(1, 2), (3,)], "list<item: int64>", [[1, 2], [3]]),
    "nothing": ([None, NAN, pd.NA, pd.NaT], "null", [None] * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_objects_arrive_exact(name: str) -> None:
    values, kind, expected = EXACT[name]
    column = arrow(objects(values))
    assert str(column.type) == kind
    assert column.to_pylist() == (values if expected is None else expected)


@pytest.mark.parametrize("name", ["one zone", "two zones"])
def test_zones_count_where_a_package_has_pyarrow_ignore_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing pandera or pyspark sets it.
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", "1")
    test_objects_arrive_exact(name)


def test_instants_of_an_hour_that_is_there_twice_and_of_one_that_is_not() -> None:
    twice = [datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=fold) for fold in (0, 1)]
    never = datetime(2026, 3, 29, 2, 30, tzinfo=PARIS)
    column = arrow(objects([*twice, never, pd.Timestamp(twice[1])]))
    assert column.cast(pa.timestamp("us", "UTC")).to_pylist() == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]


REFUSED: dict[str, tuple[list[Any], int, str]] = {
    "with and without a zone": ([datetime(2026, 1, 1, tzinfo=UTC), NOON], 2, "has no zone"),
    "a date and a zone": ([DAY, datetime(2026, 1, 1, tzinfo=UTC)], 1, "has no zone"),
    "a time and text": ([pd.Timestamp(NOON), "2026"], 2, "'2026' .* Timestamp.* of row 1"),
    "booleans and integers": ([True, None, 1], 3, "1 .* no type in common with True"),
    "integers and booleans": ([1, True], 2, "True"),
    "numpy's booleans": ([np.True_, np.int8(1)], 2, "int8"),
    "booleans and fractions": ([1.5, True], 2, "True"),
    "decimals and fractions": ([Decimal("1.5"), 1.5], 2, "1.5 .float."),
    "an integer between doubles": ([1.5, BIG], 2, str(BIG)),
    "NaN": ([Decimal(1), Decimal("NaN")], 2, "NaN"),
    "a signalling NaN": ([Decimal("sNaN")], 1, "sNaN"),
    "infinity": ([Decimal(1), Decimal("-Infinity")], 2, "-Infinity"),
    "more than 76 digits": ([1, 10**80], 2, "76 digits"),
    "text and bytes": (["a", b"a"], 2, "b'a'"),
    "a time with a zone": ([time(1), time(1, tzinfo=UTC)], 2, "zone"),
    "far nanoseconds": ([pd.Timestamp(1), datetime(9999, 1, 1)], 2, "range"),  # noqa: DTZ001
    "months": ([np.datetime64("2026-01")], 1, r"unit \(M\)"),
    "years of duration": ([np.timedelta64(5, "Y")], 1, r"unit \(Y\)"),
    "lists of two kinds": ([[1], [2, "a"]], 2, "'a'"),
    "a boolean in a list": ([[1, 2], None, [[3], True]], 3, "True"),
    "a list and a number": ([[1], 2], 2, "2 .int."),
    "NaN in a list": ([[Decimal(1)], [Decimal("NaN")]], 2, "NaN"),
    "numbers as keys": ([{"a": 1}, {1: 2}], 2, "key 1"),
    "sets": ([{1}], 1, "set"),
    "members of an enum": ([Colour.RED], 1, "RED"),
    "half a character": (["a", "\ud800"], 2, "Unicode"),
    "complex numbers": ([1j], 1, "complex"),
    "anything": ([None, object()], 2, "object"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_objects_without_a_common_type_are_refused_with_their_row(name: str) -> None:
    values, row, words = REFUSED[name]
    with pytest.raises(
        DeclarationError, match=f"Column 'x' of 'df'.*row {row}: .*{words}"
    ) as caught:
        arrow_of(objects(values), what="df", error=DeclarationError)
    assert caught.value.data == {"column": "x", "row": row}
    assert "df['x'] = df['x']." in caught.value.hint


def test_equal_decimals_are_blamed_on_their_first_row() -> None:
    wrong = Decimal("Infinity")
    with pytest.raises(SourceError, match="row 2:"):
        arrow(objects([Decimal(1), wrong, wrong, Decimal(1)]))


TYPES: dict[str, tuple[pd.Series, str, list[Any]]] = {
    "months": (pd.Series(pd.period_range("2026-01", periods=2, freq="M")), "string",
               ["2026-01", "2026-02"]),
    "quarters": (pd.Series(pd.PeriodIndex(["2026Q1", None], freq="Q")), "string",
                 ["2026Q1", None]),
    "days": (pd.Series(pd.period_range("2026-01-01", periods=1, freq="D")), "string",
             ["2026-01-01"]),
    "intervals": (pd.cut(pd.Series([1, 5, None]), [0, 2, 6]), "string", ["(0, 2]", "(2, 6]", None]),
    "categories of months": (
        pd.Series(pd.period_range("2026-01", periods=2, freq="M")).astype("category"),
        "string", ["2026-01", "2026-02"],
    ),
    "categories of integers": (
        pd.Series([BIG, None], dtype="Int64").astype("category"), "int64", [BIG, None],
    ),
    "categories of decimals": (
        pd.Series([Decimal("1.5")]).astype("category"), "decimal128(38, 1)", [Decimal("1.5")],
    ),
    "categories of times": (
        pd.Series(pd.to_datetime(["2026-01-01", None]), dtype="category"),
        "timestamp[us]", [MIDNIGHT, None],
    ),
    "sparse integers": (pd.Series(pd.arrays.SparseArray([1, 0])), "int64", [1, 0]),
    "sparse fractions": (pd.Series(pd.arrays.SparseArray([1.5, NAN])), "double", [1.5, None]),
    "nullable integers": (pd.Series([1, None], dtype="Int8"), "int8", [1, None]),
    "durations": (
        pd.Series(pd.to_timedelta([1, None], unit="ns")), "duration[ns]",
        [pd.Timedelta(1, "ns"), None],
    ),
    "Arrow lists": (
        pd.Series([[BIG, None]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        "list<item: int64>", [[BIG, None]],
    ),
    "Arrow UUIDs": (
        pd.Series(pd.arrays.ArrowExtensionArray(pa.array([UUID(int=5).bytes], pa.uuid()))),
        "string", [str(UUID(int=5))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_columns_of_pandas_own_types_arrive_as_their_values(name: str) -> None:
    series, kind, expected = TYPES[name]
    column = arrow(series.to_frame("x"))
    assert str(column.type) == kind
    assert column.to_pylist() == expected


@pytest.mark.parametrize(
    "series",
    [pd.Series([1j]), pd.Series(np.array([1], dtype=np.longdouble))],
    ids=["complex", "long double"],
)
def test_columns_without_an_arrow_type_are_refused(series: pd.Series) -> None:
    with pytest.raises(SourceError, match="Column 'x' of 'df'") as caught:
        arrow_of(series.to_frame("x"), what="df")
    assert caught.value.data == {"column": "x"}


def test_a_category_that_does_not_fit_is_blamed_on_a_row_that_has_it() -> None:
    mixed = pd.DataFrame({"x": pd.Categorical([1, 1, "a"])})
    with pytest.raises(SourceError, match="row 3: 'a'"):
        arrow(mixed)


def test_levels_of_an_index_with_a_name_come_first_and_others_not_at_all() -> None:
    frame = pd.DataFrame({"x": [1]}, index=pd.Index(["a"]))
    assert arrow_of(frame, what="df").column_names == ["x"]
    assert arrow_of(frame.rename_axis("k"), what="df").column_names == ["k", "x"]
    assert arrow_of(frame["x"], what="df").column_names == ["x"]


def test_a_dictionary_of_columns_is_a_frame_by_the_same_rules() -> None:
    columns = {"x": [DAY, NOON], "n": np.array([1, 2]), "a": pa.array(["a", None])}
    made = arrow_of(columns, what="df")
    assert made["x"].to_pylist() == [MIDNIGHT, NOON]
    assert made.column_names == ["x", "n", "a"]
    with pytest.raises(SourceError, match=r"Column 'x' of 'df'.*row 2"):
        arrow_of({"x": [True, 1]}, what="df")
    with pytest.raises(SourceError, match="df"):
        arrow_of({"x": [1], "y": [1, 2]}, what="df")


# -- Arrow tables and DuckDB relations


def extension(name: str, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.opaque(storage.type, name, "vendor"), storage)


PLAIN: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "uuid": (pa.array([UUID(int=5).bytes, None], pa.uuid()), "string", [str(UUID(int=5)), None]),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"])), "string", ["{}"]),
    "bool8": (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([2, 0, None], pa.int8())),
        "bool", [True, False, None],
    ),
    "period": (
        pa.array(pd.Series(pd.period_range("2026-01", periods=1, freq="M"))), "string", ["2026-01"],
    ),
    "runs": (
        pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["a", None])), "string", ["a", "a", None],
    ),
    "views of lists": (
        pa.array([[1], None, [], [2, None]], pa.list_view(pa.int64())),
        "list<item: int64>", [[1], None, [], [2, None]],
    ),
    "inside a struct": (
        pa.StructArray.from_arrays(
            [pa.array([UUID(int=5).bytes, None], pa.uuid())], names=["u"],
            mask=pa.array([False, True]),
        ),
        "struct<u: string>", [{"u": str(UUID(int=5))}, None],
    ),
    "inside a map": (
        pa.MapArray.from_arrays(
            pa.array([0, None, 1], pa.int32()), pa.array(["k"]),
            pa.array([UUID(int=5).bytes], pa.uuid()),
        ),
        "map<string, string>", [[("k", str(UUID(int=5)))], None],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_types_with_a_plain_one_become_that(name: str) -> None:
    array, kind, expected = PLAIN[name]
    for table in (
        pa.table({"x": array}),
        pa.table({"x": pa.concat_arrays([array, array])[len(array) :]}),
    ):
        column = arrow(table)
        assert str(column.type) == kind
        assert column.to_pylist() == expected
    assert str(arrow(pa.table({"x": array}).slice(0, 0)).type) == kind


@pytest.mark.parametrize(
    "array",
    [
        extension("point", pa.array([b"xy"])),
        pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((1, 2, 2))),
        pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), extension("p", pa.array([1]))),
    ],
    ids=["opaque", "tensor", "inside a list"],
)
def test_what_an_extension_type_stores_is_not_taken_for_its_values(array: pa.Array) -> None:
    with pytest.raises(SourceError, match=r"Column 'x' of 'df' is of type .*extension") as caught:
        arrow_of(pa.table({"fine": [1], "x": array}), what="df")
    assert caught.value.data == {"column": "x"}


def test_a_duckdb_relation_arrives_exact() -> None:
    relation = duckdb.sql("select {'a': 9007199254740993, 'b': null} as x, 5::hugeint as y")
    assert arrow_of(relation, what="df").to_pylist() == [
        {"x": {"a": BIG, "b": None}, "y": Decimal(5)}
    ]


def test_attributes_of_a_frame_do_not_matter() -> None:
    frame = pd.DataFrame({"a": [1], "b": [Decimal("1.50")]})
    frame.attrs["made by"] = object()
    assert arrow_of(frame, what="frame").to_pylist() == [{"a": 1, "b": Decimal("1.50")}]
    assert list(frame.attrs) == ["made by"]
