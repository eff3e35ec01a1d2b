from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.notebook.api import read
from jupyter_etl.notebook.frames import to_arrow, to_pandas
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession


def test_whole_numbers_with_missing_values_stay_whole() -> None:
    big = 2**60 + 1
    table = pa.table({"n": pa.array([big, None], pa.int64()), "ok": pa.array([True, None])})
    frame = to_pandas(table)
    assert str(frame["n"].dtype) == "Int64"
    assert frame["n"][0] == big
    assert str(frame["ok"].dtype) == "boolean"
    assert to_arrow(frame).equals(table)


def test_values_survive_the_way_there_and_back() -> None:
    table = pa.table(
        {
            "day": pa.array([dt.date(2026, 1, 1), None]),
            "at": pa.array(
                [dt.datetime(1500, 1, 1, tzinfo=dt.UTC), None], pa.timestamp("us", "UTC")
            ),
            "money": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
            "text": ["a", None],
            "bytes": [b"\x00", None],
            "list": [[1, 2], None],
            "small": pa.array([1, None], pa.uint8()),
        }
    )
    back = to_arrow(to_pandas(table))
    for name in ("day", "at", "money", "text", "bytes", "small"):
        assert back.column(name).to_pylist() == table.column(name).to_pylist(), name


def test_columns_of_one_name_are_kept_apart() -> None:
    table = pa.Table.from_arrays([pa.array([1, None]), pa.array([None, 2])], names=["a", "a"])
    frame = to_pandas(table)
    assert list(frame.columns) == ["a", "a"]
    assert str(frame.dtypes.iloc[0]) == str(frame.dtypes.iloc[1]) == "Int64"


@pytest.mark.parametrize("kind", [pa.decimal64(10, 2), pa.decimal128(10, 2), pa.decimal256(50, 2)])
def test_decimals_are_exact_and_equal_ones_one_object(kind: pa.DataType) -> None:
    first, second = ["1.10", None, "1.10", "-0.05"], ["1.10", "1.20"]
    chunks = [pa.array([n and Decimal(n) for n in part], kind) for part in (first, second)]
    column = pa.chunked_array(chunks)
    frame = to_pandas(pa.table({"n": range(6), "money": column, "flag": [True] * 6}))
    assert list(frame.columns) == ["n", "money", "flag"]
    assert frame["money"].tolist() == column.to_pylist()
    assert str(frame["money"][0]) == "1.10"
    shared = frame["money"][0] is frame["money"][4]
    assert shared == (kind != pa.decimal64(10, 2))
    assert to_arrow(frame)["money"].to_pylist() == column.to_pylist()


BIG = 2**53 + 1
NESTED = {
    "integers": pa.array([[1, None, BIG], None, []], pa.list_(pa.int64())),
    "small integers": pa.array([[1]], pa.list_(pa.int8())),
    "unsigned integers": pa.array([[2**64 - 1]], pa.list_(pa.uint64())),
    "booleans": pa.array([[True, None]], pa.list_(pa.bool_())),
    "fractions": pa.array([[1.5, None]], pa.list_(pa.float32())),
    "decimals": pa.array([[Decimal("1.50"), None]], pa.list_(pa.decimal128(10, 2))),
    "dates": pa.array([[dt.date(2026, 1, 1)], [None]], pa.list_(pa.date32())),
    "microseconds": pa.array([[dt.datetime(1500, 1, 1)]], pa.list_(pa.timestamp("us"))),  # noqa: DTZ001
    "nanoseconds": pa.array([[1, None]], pa.list_(pa.timestamp("ns"))),
    "a zone": pa.array([[1, None]], pa.list_(pa.timestamp("ns", "Europe/Paris"))),
    "durations": pa.array([[1]], pa.list_(pa.duration("ns"))),
    "lists of lists": pa.array([[[BIG, None], []], None, []], pa.list_(pa.list_(pa.int64()))),
    "lists of one length": pa.array([[1, 2], None, [3, None]], pa.list_(pa.int64(), 2)),
    "large lists": pa.array([[1]], pa.large_list(pa.int64())),
    "structs": pa.array([{"x": BIG}, {"x": None}, None], pa.struct([("x", pa.int64())])),
    "structs of times": pa.array([{"x": 1}], pa.struct([("x", pa.timestamp("ns"))])),
    "structs in lists": pa.array(
        [[{"x": BIG, "y": None}, None]],
        pa.list_(pa.struct([("x", pa.int64()), ("y", pa.list_(pa.timestamp("us", "UTC")))])),
    ),
    "maps": pa.array([[("a", BIG), ("b", None)], None, []], pa.map_(pa.string(), pa.int64())),
    "maps of integers": pa.array([[(1, "a")]], pa.map_(pa.int32(), pa.string())),
    "maps of maps": pa.array(
        [[("a", [("b", 1)])]], pa.map_(pa.string(), pa.map_(pa.string(), pa.int64()))
    ),
    "a slice": pa.array([[1], [2, None], None, [4]], pa.list_(pa.int64())).slice(1, 3),
    "a slice of maps": pa.array(
        [[("a", 1)], [("b", 2)], None], pa.map_(pa.string(), pa.int64())
    ).slice(1, 2),
    "decimals at the top": pa.array([Decimal("1.5"), None], pa.decimal128(15, 2)),
    "dates at the top": pa.array([dt.date(2026, 1, 1), None]),
    "fixed bytes": pa.array([b"ab", None], pa.binary(2)),
    "seconds of a day": pa.array([1, None], pa.time32("s")),
}


@pytest.mark.parametrize("kind", NESTED)
def test_types_and_values_survive_pandas(kind: str) -> None:
    table = pa.table({"id": range(len(NESTED[kind])), "x": NESTED[kind]})
    assert to_arrow(to_pandas(table)).equals(table)
    nothing = table.slice(0, 0)
    assert to_arrow(to_pandas(nothing)).equals(nothing)
    missing = table.set_column(1, "x", pa.nulls(len(table), table["x"].type))
    assert to_arrow(to_pandas(missing)).equals(missing)


def test_nested_values_are_plain_python_objects() -> None:
    made = {name: to_pandas(pa.table({"x": NESTED[name]}))["x"].tolist() for name in NESTED}
    assert made["integers"] == [[1, None, BIG], None, []]
    assert type(made["integers"][0][2]) is int
    assert made["structs"] == [{"x": BIG}, {"x": None}, None]
    assert made["maps"] == [[("a", BIG), ("b", None)], None, []]
    assert made["nanoseconds"] == [[pd.Timestamp(1), None]]
    assert made["lists of one length"] == [[1, 2], None, [3, None]]


def money(*texts: str | None) -> pd.DataFrame:
    values = [text and Decimal(text) for text in texts]
    return to_pandas(
        pa.table({"k": ["a", "b"], "n": [1, 2], "x": pa.array(values, pa.decimal128(6, 2))})
    )


STEPS = {
    "filtered": lambda frame: frame[frame["n"] > 1],
    "all filtered": lambda frame: frame[frame["n"] > 2],
    "with a new column": lambda frame: frame.assign(y=1),
    "sorted": lambda frame: frame.sort_values("n", ascending=False),
    "grouped": lambda frame: frame.groupby("k", as_index=False).sum(),
    "indexed": lambda frame: frame.set_index("k"),
    "joined": lambda frame: pd.concat([frame, frame]),
    "emptied": lambda frame: frame.assign(x=None),
    "pickled": lambda frame: pickle.loads(pickle.dumps(frame)),  # noqa: S301
}


@pytest.mark.parametrize("step", STEPS)
def test_types_survive_the_usual_steps(step: str) -> None:
    made = to_arrow(STEPS[step](money("1.50", "20.00")))
    assert str(made.schema.field("x").type) == "decimal128(6, 2)"


@pytest.mark.parametrize(
    ("change", "kind", "expected"),
    [
        (lambda x: x * 1000, "decimal128(38, 2)", [Decimal("1500.00"), Decimal("20000.00")]),
        (lambda x: x * Decimal("1.00"), "decimal128(38, 4)", [Decimal("1.5"), Decimal(20)]),
        (lambda x: x.map(str), "large_string", ["1.50", "20.00"]),
        (lambda x: x.map(float), "double", [1.5, 20.0]),
        (lambda x: x.map(int), "int64", [1, 20]),
        (lambda x: x.map(lambda v: [v]), "list<item: decimal128(38, 2)>",
         [[Decimal("1.50")], [Decimal("20.00")]]),
    ],
)  # fmt: skip
def test_a_type_that_the_values_no_longer_have_is_not_taken(
    change: Callable[[pd.Series], pd.Series], kind: str, expected: list[object]
) -> None:
    frame = money("1.50", "20.00")
    frame["x"] = change(frame["x"])
    made = to_arrow(frame)["x"]
    assert str(made.type) == kind
    assert made.to_pylist() == expected


def test_what_a_frame_keeps_is_text_that_pandas_can_write(tmp_path: Path) -> None:
    frame = money("1.50", None)
    assert all(isinstance(value, str) for value in frame.attrs.values())
    frame.to_parquet(tmp_path / "x.parquet")
    assert to_arrow(pd.read_parquet(tmp_path / "x.parquet")).schema.equals(to_arrow(frame).schema)
    frame.attrs = dict.fromkeys(frame.attrs, "no schema")
    assert str(to_arrow(frame).schema.field("x").type) == "decimal128(38, 2)"
    assert to_pandas(pa.table({"n": [1], "t": ["a"]})).attrs == {}


@pytest.mark.parametrize("values", [[], [None, None]])
def test_decimals_that_are_not_there(values: list[None]) -> None:
    frame = to_pandas(pa.table({"money": pa.array(values, pa.decimal128(10, 2))}))
    assert frame["money"].tolist() == values


def test_decimals_of_a_frame_have_its_scale_and_all_the_digits_there_are() -> None:
    one = Decimal("12.5")
    values = [one, None, one, Decimal("0.125"), float("nan"), Decimal("12.5")]
    frame = pd.DataFrame({"a": range(6), "money": pd.Series(values, dtype=object), "b": "x"})
    frame["again"] = frame["money"]
    table = to_arrow(frame)
    exact = [one, None, one, Decimal("0.125"), None, one]
    for name in ("money", "again"):
        assert table[name].equals(pa.chunked_array([pa.array(exact, pa.decimal128(38, 3))]))
    assert frame["money"].tolist()[:2] == [one, None]


def test_a_decimal_too_long_for_arrow_is_blamed_on_its_column() -> None:
    frame = pd.DataFrame({"money": [Decimal("1" * 80)]})
    with pytest.raises(DeclarationError, match="money"):
        to_arrow(frame)


def test_index_metadata_of_a_table_moves_no_column() -> None:
    made = pa.Table.from_pandas(pd.DataFrame({"n": [1, 2]}, index=pd.Index([5, 6], name="key")))
    missing = made.set_column(0, "n", pa.array([None, 2]))
    frame = to_pandas(missing)
    assert list(frame.columns) == ["n", "key"]
    assert frame["key"].tolist() == [5, 6]
    assert frame["n"].isna().tolist() == [True, False]


def test_an_index_with_a_name_is_a_column() -> None:
    frame = pd.DataFrame({"v": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    assert to_arrow(frame).column_names == ["key", "v"]
    assert to_arrow(frame.reset_index(drop=True)).column_names == ["v"]
    assert to_arrow(frame["v"]).column_names == ["key", "v"]
    assert to_arrow(frame).schema.metadata is None


def test_whatever_speaks_arrow_is_a_frame() -> None:
    table = pa.table({"a": [1, 2]})
    assert to_arrow(table) is table
    assert to_arrow(table.to_batches()[0]).equals(table)
    assert to_arrow(table.to_reader()).equals(table)
    relation = duckdb.sql("select 1 as a")
    assert to_arrow(relation).to_pydict() == {"a": [1]}


def test_none_is_reported_as_none() -> None:
    with pytest.raises(DeclarationError, match="'orders' is None, not a frame"):
        to_arrow(None, what="orders")


@pytest.mark.parametrize("value", [1, "text", [1, 2], object()])
def test_what_is_no_frame_is_named(value: object) -> None:
    with pytest.raises(DeclarationError) as caught:
        to_arrow(value, what="orders")
    assert caught.value.message == f"'orders' is a {type(value).__name__}, not a frame."
    assert "pandas" in caught.value.hint


def test_a_column_of_mixed_types_has_a_hint_to_fix_it() -> None:
    with pytest.raises(DeclarationError) as caught:
        to_arrow(pd.DataFrame({"mixed": [1, "a"]}), what="orders")
    assert "orders" in caught.value.message
    assert "mixed" in caught.value.message
    assert "astype" in caught.value.hint


def test_two_columns_of_one_name_are_reported() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DeclarationError) as caught:
        to_arrow(frame, what="orders")
    assert "Duplicate column names" in caught.value.message
    clash = pd.DataFrame({"k": [1]}, index=pd.Index([1], name="k"))
    with pytest.raises(DeclarationError, match="k"):
        to_arrow(clash)


@pytest.mark.parametrize("days", [-800_000, 2_932_897])
@pytest.mark.parametrize("nested", [False, True])
def test_dates_that_python_does_not_have_are_refused_with_their_column(
    days: int, nested: bool
) -> None:
    dates = pa.array([0, days], pa.int32()).cast(pa.date32())
    if nested:
        dates = pa.ListArray.from_arrays([0, 2], dates)
    table = pa.table({"id": range(len(dates)), "died": dates})
    with pytest.raises(DeclarationError) as caught:
        to_pandas(table)
    assert caught.value.data["column"] == "died"
    assert "--as arrow" in caught.value.hint
    assert to_pandas(table.select(["id"]))["id"].tolist() == list(range(len(dates)))


def test_times_that_python_does_not_have_are_exact_in_pandas() -> None:
    occurrences = [-70_000_000_000_000_000, 9_000_000_000_000_000_000]
    frame = to_pandas(pa.table({"at": pa.array(occurrences, pa.int64()).cast(pa.timestamp("us"))}))
    assert frame["at"].astype("int64").tolist() == occurrences


DAYS = 60
FIRST = date(2026, 1, 1)
ORDERS = """
CREATE TABLE orders AS SELECT
    DATE '2026-01-01' + day AS day,
    (ARRAY['north', 'south', 'east'])[1 + n % 3] AS region,
    -- Sums of three to nine digits, in no order of days.
    ((n * 37 % 1000) * power(10, day * 7 % 6) / 100)::numeric(12, 2) AS amount
FROM generate_series(0, 59) AS day, generate_series(1, 40) AS n
"""
SUMS = "select day, region, sum(amount) as amount from orders"
ONE_DAY = SUMS + " where day = {{day}} group by day, region"


@pytest.mark.postgres
@pytest.mark.slow
def test_sixty_days_of_sums_are_those_of_the_database(
    session: DataSession, postgres_url: str
) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(ORDERS.encode())
        expected = sorted(connection.execute(f"{SUMS} group by day, region".encode()).fetchall())
    session.declare("wh", postgres_url)
    for number in range(DAYS):
        sums = session.sql("wh", ONE_DAY, parameters={"day": FIRST + timedelta(days=number)})
        assert isinstance(sums, pd.DataFrame)
        # Every other day the frame loses its recorded types.
        frame = sums.sort_values("region") if number % 2 else pd.DataFrame(sums.to_dict("list"))
        publish_table(session, "sums.added", frame, mode="append", live=True)
        publish_table(
            session, "sums.merged", frame, mode="upsert", key=("day", "region"), live=True
        )
    for name in ("sums.added", "sums.merged"):
        found = read(name)
        assert sorted(found.itertuples(index=False, name=None)) == expected
    assert len(expected) == DAYS * 3
    digits = {len(amount.as_tuple().digits) for _, _, amount in expected}
    assert {4, 8} <= digits
    assert all(isinstance(amount, Decimal) for amount in found["amount"])
