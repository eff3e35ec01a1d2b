"""Every DuckDB type arrives as DuckDB shows it, or with an error that names the column."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from jupyter_etl.errors import EtlError, SourceError
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.local_sql import run_local

KEY = "190532336368564675417118094528692087698"
INSTANT = datetime(2026, 1, 1, 8, tzinfo=UTC)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - a timestamp without timezone

ARRIVES: dict[str, tuple[str, object]] = {
    "md5_number('b')": ("string", KEY),
    "5::uhugeint": ("decimal128(38, 0)", Decimal(5)),
    "(-5)::hugeint": ("int64", -5),
    "(2::hugeint ** 100)::hugeint": ("decimal128(38, 0)", Decimal(2**100)),
    "170141183460469231731687303715884105727::hugeint": ("string", str(2**127 - 1)),
    "'-170141183460469231731687303715884105727'::hugeint": ("string", str(1 - 2**127)),
    "'123456789012345678901234567890123456789012345'::bignum": (
        "string", "123456789012345678901234567890123456789012345"),
    "'-12'::bignum": ("decimal128(38, 0)", Decimal(-12)),
    "'0101'::bit": ("string", "0101"),
    "'10:00:00+02'::timetz": ("string", "10:00:00+02"),
    "'15:30:00.5-05:30'::timetz": ("string", "15:30:00.5-05:30"),
    "'10:00'::time": ("time64[us]", time(10)),
    "interval '1 month 2 days 3 us'": ("month_day_nano_interval", pa.MonthDayNano([1, 2, 3000])),
    "uuid '12345678-1234-1234-1234-123456789012'": (
        "string", "12345678-1234-1234-1234-123456789012"),
    "'{\"a\": 1.50}'::json": ("string", '{"a": 1.50}'),
    "1.5::decimal(38, 10)": ("decimal128(38, 10)", Decimal("1.5")),
    "'\\xff\\x00'::blob": ("binary", b"\xff\x00"),
    "'a' || chr(0)": ("string", "a\0"),
    "18446744073709551615::ubigint": ("uint64", 2**64 - 1),
    "'-inf'::double": ("double", -math.inf),
    "1.5::float": ("float", 1.5),
    "true": ("bool", True),
    "null": ("null", None),
    "date '2026-01-01'": ("date32[day]", date(2026, 1, 1)),
    "timestamp '2026-01-01'": ("timestamp[us]", NAIVE),
    "'2026-01-01'::timestamp_s": ("timestamp[s]", NAIVE),
    "'2026-01-01'::timestamp_ms": ("timestamp[ms]", NAIVE),
    "timestamptz '2026-01-01 10:00+02'": ("timestamp[us, tz=UTC]", INSTANT),
    "[timestamptz '2026-01-01 10:00+02']": ("list<item: timestamp[us, tz=UTC]>", [INSTANT]),
    "['101'::bit]": ("list<item: string>", ["101"]),
    "{'x y': md5_number('b'), 'e': 'a'::enum('a', 'b')}": (
        "struct<x y: string, e: dictionary<values=string, indices=uint8, ordered=0>>",
        {"x y": KEY, "e": "a"}),
    "map{'101'::bit: md5_number('b')}": ("map<string, string>", [("101", KEY)]),
    "array_value('101'::bit, '1'::bit)": ("fixed_size_list<item: string>[2]", ["101", "1"]),
    "row('10:00:00+02'::timetz, 2)": (
        "struct<element1: string, element2: int32>",
        {"element1": "10:00:00+02", "element2": 2}),
    "[5::hugeint]": ("list<item: decimal128(38, 0)>", [Decimal(5)]),
    "[1, null]::integer[2]": ("fixed_size_list<item: int32>[2]", [1, None]),
}  # fmt: skip

REFUSED = (
    "'infinity'::timestamp",
    "'-infinity'::timestamp",
    "'infinity'::timestamptz",
    "'infinity'::timestamp_s",
    "'-infinity'::timestamp_ms",
    "'infinity'::timestamp_ns",
    "'infinity'::date",
    "'-infinity'::date",
    "'24:00'::time",
    "[timestamp 'infinity']",
    "{'a': ['infinity'::date]}",
    "map{timestamp 'infinity': 1}",
    "map{1: time '24:00'}",
    "array_value(date '-infinity')",
    "interval '3000000 hours'",
    "[interval '-3000000 hours']",
    "[170141183460469231731687303715884105727::hugeint]",
    "union_value(k := 1)",
    "[union_value(k := 1)]",
    "'1.5'::variant",
)


def test_the_matrix() -> None:
    columns = ", ".join(f"{sql} AS c{n}" for n, sql in enumerate(ARRIVES))
    table = run_local(f"SELECT {columns}", {}, {})
    found = {
        sql: (str(kind), value)
        for sql, kind, value in zip(
            ARRIVES, table.schema.types, table.to_pylist()[0].values(), strict=True
        )
    }
    assert found == ARRIVES


@pytest.mark.parametrize("sql", REFUSED)
def test_what_arrow_lacks_names_the_column(sql: str) -> None:
    with pytest.raises(EtlError, match="column 'odd'") as caught:
        run_local(f"SELECT 1 AS fine, {sql} AS odd", {}, {})
    assert not caught.value.retryable


def test_nulls_and_rows_beside_them_stay() -> None:
    query = (
        "select * from (values (1, '1'::bit, null::date), (2, null, 'infinity'::date)) t(a, b, c)"
    )
    assert run_local(f"{query} where a = 1", {}, {}).to_pylist() == [{"a": 1, "b": "1", "c": None}]
    ordered = run_local(
        "select i, i::varchar::bignum as b from range(3) t(i) order by i desc", {}, {}
    )
    assert ordered["b"].to_pylist() == [2, 1, 0]


GIVEN: tuple[tuple[pa.Array, object], ...] = (
    (pa.array([Decimal("1.5")], pa.decimal256(50, 2)), Decimal("1.5")),
    (pa.array([Decimal(100)], pa.decimal128(5, -2)), Decimal(100)),
    (pa.array([1.5], pa.float16()), 1.5),
    (pa.array([1000], pa.duration("ns")), pa.MonthDayNano([0, 0, 1000])),
    (pa.array([pa.MonthDayNano([1, 2, 3000])]), pa.MonthDayNano([1, 2, 3000])),
    (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
    (pa.array(["a"]).dictionary_encode(), "a"),
    (pa.array([time(1)], pa.time32("s")), time(1)),
    (pa.array([1], pa.timestamp("s", "Asia/Kolkata")), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    (pa.array([b"1" * 16], pa.uuid()), "31313131-3131-3131-3131-313131313131"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"), GIVEN, ids=lambda value: str(getattr(value, "type", ""))
)
def test_a_frame_passes_through_a_query(values: pa.Array, expected: object) -> None:
    found = run_local("select x from t", {}, {"t": pa.table({"x": values})})
    assert found["x"].to_pylist() == [expected]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1], pa.duration("ns")),
        pa.array([pa.MonthDayNano([1, 2, 3])]),
        pa.array([Decimal(10) ** 45], pa.decimal256(50, 2)),
    ],
    ids=lambda values: str(values.type),
)
def test_what_duckdb_would_cut_off_is_refused(values: pa.Array) -> None:
    with pytest.raises(SourceError, match="column 'x'"):
        run_local("select x from t", {}, {"t": pa.table({"x": values})})


def test_a_relation_of_the_notebook_is_a_frame() -> None:
    with duckdb.connect() as connection:
        relation = connection.sql("select md5_number('b') as k, '101'::bit as b")
        assert arrow_of(relation, what="r").to_pylist() == [{"k": KEY, "b": "101"}]
        odd = connection.sql("select 'infinity'::date as d")
        with pytest.raises(SourceError, match="'r': column 'd' holds infinity"):
            arrow_of(odd, what="r")
        wrong = connection.sql("select 'x'::varchar as a").project("a::int as n")
        with pytest.raises(SourceError, match="'r' cannot be read"):
            arrow_of(wrong, what="r")
