"""Every type that Parquet, CSV and JSON know arrives exact, or with an error that names the column."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.files import NAIVE, read, refusal, source_of, write_csv
from jupyter_etl.errors import SourceError

PARQUET = (
    pa.array([True, None]),
    pa.array([-128, None], pa.int8()),
    pa.array([2**63 - 1, None], pa.int64()),
    pa.array([2**64 - 1, None], pa.uint64()),
    pa.array([1.5, None], pa.float16()),
    pa.array([0.1, None], pa.float32()),
    pa.array([math.inf, None], pa.float64()),
    pa.array([Decimal("-0.01"), None], pa.decimal128(5, 2)),
    pa.array([Decimal(10**49), None], pa.decimal256(50, 0)),
    pa.array(["Žofie", None]),
    pa.array(["x", None], pa.large_string()),
    pa.array([b"\xff\x00", None]),
    pa.array([b"ab", None], pa.binary(2)),
    pa.array([date(1, 1, 1), None]),
    pa.array([time(23, 59), None], pa.time32("ms")),
    pa.array([time(23, 59, 59, 999999), None], pa.time64("us")),
    pa.array([1, None], pa.time64("ns")),
    pa.array([NAIVE, None], pa.timestamp("ms")),
    pa.array([NAIVE, None], pa.timestamp("us")),
    pa.array([1, None], pa.timestamp("ns", "Europe/Berlin")),
    pa.array([timedelta(microseconds=1), None], pa.duration("us")),
    pa.array(["a", None]).dictionary_encode(),
    pa.array([[1, None], None]),
    pa.array([{"a": 1, "b": None}, None]),
    pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    pa.array([b"0" * 16, None], pa.uuid()),
    pa.nulls(2),
)


@pytest.mark.parametrize("column", PARQUET, ids=lambda column: str(column.type))
def test_parquet(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"x": column}), tmp_path / "a.parquet")
    got = read(source_of(tmp_path, "parquet"))["x"]
    assert got.to_pylist() == column.to_pylist()
    if not pa.types.is_nested(column.type):
        assert got.type == column.type


CSV: dict[str, tuple[str, object]] = {
    "1": ("int64", 1),
    "-9223372036854775808": ("int64", -(2**63)),
    "9223372036854775808": ("string", "9223372036854775808"),
    "007": ("string", "007"),
    "1.5": ("double", 1.5),
    "0.1": ("double", 0.1),
    "5e-324": ("double", 5e-324),
    "0.1234567890123456": ("double", 0.1234567890123456),
    "0.123456789012345678901": ("string", "0.123456789012345678901"),
    "12345678901234.123456": ("string", "12345678901234.123456"),
    "9007199254740993.0": ("string", "9007199254740993.0"),
    "1e400": ("string", "1e400"),
    "inf": ("string", "inf"),
    "true": ("bool", True),
    "yes": ("string", "yes"),
    "2026-01-01": ("date32[day]", date(2026, 1, 1)),
    "2026-13-01": ("string", "2026-13-01"),
    "01/02/2026": ("string", "01/02/2026"),
    "2026-01-01 10:00:00": ("timestamp[us]", NAIVE),
    "2026-01-01T10:00:00+02:00": ("timestamp[us, tz=UTC]", datetime(2026, 1, 1, 8, tzinfo=UTC)),
    "10:00:00": ("time32[s]", time(10)),
    "10:00:00.5": ("string", "10:00:00.5"),
    "24:00:00": ("string", "24:00:00"),
    "12%": ("string", "12%"),
    '"a, ""b"""': ("string", 'a, "b"'),
    "NA": ("string", "NA"),
}


@pytest.mark.parametrize("cell", CSV)
def test_csv(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(f"x,y\n{cell},1\n,2\n")
    got = read(source_of(tmp_path, "csv"))["x"]
    kind, value = CSV[cell]
    assert str(got.type) == kind
    assert got.to_pylist() == [value, None]


def test_csv_keeps_infinity_beside_a_number_that_no_double_holds(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("fine,odd\ninf,inf\n1.5,1e400\n")
    assert read(source_of(tmp_path, "csv")).to_pylist() == [
        {"fine": math.inf, "odd": "inf"},
        {"fine": 1.5, "odd": "1e400"},
    ]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array([Decimal("0.12345678901234567890")]), pa.array([0.5])),
        (pa.array(["x"]), pa.array([b"\xff"])),
        (pa.array([[Decimal("0.1")]]), pa.array([[0.5]])),
        (pa.array([{"a": "x"}]), pa.array([{"a": b"x"}])),
        (pa.array([2**53 + 1]), pa.array([0.5])),
        (pa.array([2**64 - 1], pa.uint64()), pa.array([-1])),
        (pa.array([NAIVE]), pa.array([NAIVE], pa.timestamp("us", "UTC"))),
        (pa.array([1]), pa.array(["1"])),
        (pa.array([datetime(2300, 1, 1, tzinfo=UTC)]), pa.array([1], pa.timestamp("ns", "UTC"))),
    ],
)
def test_files_whose_types_no_type_holds_both(
    tmp_path: Path, left: pa.Array, right: pa.Array
) -> None:
    pq.write_table(pa.table({"fine": [1], "odd": left}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"fine": [1], "odd": right}), tmp_path / "b.parquet")
    problem = refusal(source_of(tmp_path, "parquet"))
    assert "column 'odd'" in problem.message
    assert not problem.retryable


_CELLS = {
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.decimal128(38, 4): st.decimals(
        allow_nan=False, places=4, min_value=-(10**20), max_value=10**20
    ),
    pa.string(): st.text(st.characters(codec="utf-8")),
    pa.binary(): st.binary(),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(UTC)),
    pa.list_(pa.int64()): st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=3),
    pa.struct({"a": pa.int64()}): st.fixed_dictionaries({"a": st.integers(0, 9)}),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(list(_CELLS)), min_size=1, max_size=5))
    rows = draw(st.integers(0, 6))
    cells = [
        draw(st.lists(st.one_of(st.none(), _CELLS[kind]), min_size=rows, max_size=rows))
        for kind in kinds
    ]
    columns = {
        f"c{n}": pa.array(values, kind)
        for n, (kind, values) in enumerate(zip(kinds, cells, strict=True))
    }
    return pa.table(columns)


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_parquet_round_trips(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> None:
    path = tmp_path_factory.mktemp("round") / "a.parquet"
    pq.write_table(table, path)
    assert read(source_of(path, "parquet")).cast(table.schema).equals(table)


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_csv_fractions_round_trip(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = write_csv(tmp_path_factory.mktemp("round") / "a.csv", [{"x": v, "y": 1} for v in values])
    got = read(source_of(path, "csv"))["x"]
    kept = (
        got.to_pylist() if pa.types.is_floating(got.type) else [float(v) for v in got.to_pylist()]
    )
    assert kept == values


_JSON = st.one_of(
    st.none(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(
        allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9
    ),
)


@settings(deadline=None, max_examples=60)
@given(values=st.lists(_JSON, min_size=1, max_size=6))
def test_json_numbers_round_trip_or_name_the_column(
    tmp_path_factory: pytest.TempPathFactory, values: list[int | float | Decimal | None]
) -> None:
    written = [format(v, "f") if isinstance(v, Decimal) else json.dumps(v) for v in values]
    path = tmp_path_factory.mktemp("round") / "a.json"
    path.write_text("[" + ", ".join(f'{{"x": {text}}}' for text in written) + "]")
    source = source_of(path, "json")
    exact = [None if text == "null" else Decimal(text) for text in written]
    try:
        got = read(source)["x"].to_pylist()
    except SourceError:
        assert "column 'x'" in refusal(source).message
        return
    assert [
        None if v is None else Decimal(repr(v) if isinstance(v, float) else v) for v in got
    ] == exact
