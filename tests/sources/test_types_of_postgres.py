"""Every type of PostgreSQL is read exactly, or with an error that names the column."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.sql import query, refusal
from jupyter_etl.model import Source

pytestmark = pytest.mark.postgres

ARRIVES: dict[str, tuple[str, object]] = {
    "'2026-01-01 10:00+02'::timestamptz": (
        "timestamp[us, tz=UTC]", datetime(2026, 1, 1, 8, tzinfo=UTC)),
    "'-Infinity'::float8": ("double", -math.inf),
    "'(1,2)'::point": ("string", "(1,2)"),
    "'{1,2,3}'::line": ("string", "{1,2,3}"),
    "'[(0,0),(1,1)]'::lseg": ("string", "[(0,0),(1,1)]"),
    "'((0,0),(1,1))'::box": ("string", "(1,1),(0,0)"),
    "'[(0,0),(1,1)]'::path": ("string", "[(0,0),(1,1)]"),
    "'((0,0),(1,1))'::polygon": ("string", "((0,0),(1,1))"),
    "'<(0,0),1>'::circle": ("string", "<(0,0),1>"),
    "'10.0.0.0/8'::cidr": ("string", "10.0.0.0/8"),
    "'08:00:2b:01:02:03'::macaddr": ("string", "08:00:2b:01:02:03"),
    "'fat cat'::tsvector": ("string", "'cat' 'fat'"),
    "'16/B374D848'::pg_lsn": ("string", "16/B374D848"),
    "'x'::name": ("string", "x"),
    "'x'::\"char\"": ("string", "x"),
    "B'101'::varbit(5)": ("string", "101"),
    "'{[1,3),[5,7)}'::int4multirange": ("string", "{[1,3),[5,7)}"),
    "'pg_class'::regclass": ("string", "pg_class"),
    "''::text": ("string", ""),
    "0.1::numeric(38,38)": ("decimal128(38, 38)", Decimal("0.1")),
    "1e-20::numeric": ("decimal128(38, 20)", Decimal("1e-20")),
    "0::numeric": ("decimal128(38, 0)", Decimal(0)),
    "ARRAY[]::int[]": ("list<item: int32>", []),
    "ARRAY[true]": ("list<item: bool>", [True]),
    "ARRAY['2026-01-01']::date[]": ("list<item: date32[day]>", [date(2026, 1, 1)]),
    "ARRAY['\\xff']::bytea[]": ("list<item: binary>", [b"\xff"]),
    "ARRAY['{}']::jsonb[]": ("list<item: string>", ["{}"]),
    "ARRAY[1.5]::money[]": ("list<item: decimal128(38, 2)>", [Decimal("1.5")]),
    "ARRAY[4294967295]::oid[]": ("list<item: int64>", [4294967295]),
    "ARRAY['10:00+02']::timetz[]": ("list<item: string>", ["10:00:00+02"]),
}  # fmt: skip

REFUSED = (
    "'294276-12-31'::timestamp",
    "ARRAY['infinity']::date[]",
    "ARRAY['infinity']::timestamptz[]",
    "ARRAY['24:00']::time[]",
    "ARRAY['NaN']::numeric[]",
    "ARRAY[[1,2],[3,4]]",
    "ARRAY[['a'],['b']]",
    "ARRAY[['1.2.3.4'],['1.2.3.5']]::inet[]",
    "1e100::numeric",
)


@pytest.fixture
def wh(postgres_url: str) -> Source:
    return Source(name="wh", kind="sql", location=postgres_url, readonly=True)


def test_the_matrix(wh: Source) -> None:
    columns = ", ".join(f"{sql} AS c{n}" for n, sql in enumerate(ARRIVES))
    table = query(wh, f"SELECT {columns}")
    found = {
        sql: (str(kind), value)
        for sql, kind, value in zip(
            ARRIVES, table.schema.types, table.to_pylist()[0].values(), strict=True
        )
    }
    assert found == ARRIVES


def test_what_arrow_lacks_names_the_column(wh: Source) -> None:
    for sql in REFUSED:
        error = refusal(wh, f"SELECT 1 AS fine, {sql} AS odd")
        assert "column odd" in error.message.replace("'", ""), sql
        assert not error.retryable


def test_dates_outside_of_the_years_of_python_keep_their_number(wh: Source) -> None:
    sql = "SELECT '0044-03-15 BC'::date AS d, '4713-01-01 BC'::timestamp AS t"
    table = query(wh, sql).combine_chunks()
    assert table["d"].cast(pa.int32()).to_pylist() == [-735_160]
    assert table["t"].cast(pa.int64()).to_pylist() == [-210_863_520_000_000_000]


def test_every_type_of_the_catalogue_can_be_read(wh: Source) -> None:
    names = query(
        wh,
        "SELECT format_type(oid, NULL) AS n FROM pg_type WHERE typtype IN ('b', 'r', 'm') "
        "AND typname !~ '^(pg_(?!lsn)|gtsvector)' AND typname !~ '^_pg_' ORDER BY 1",
    )["n"].to_pylist()
    assert len(names) > 100
    columns = ", ".join(f"CAST(NULL AS {name}) AS c{n}" for n, name in enumerate(names))
    table = query(wh, f"SELECT {columns}")
    odd = [
        name
        for name, kind in zip(names, table.schema.types, strict=True)
        if isinstance(kind, pa.BaseExtensionType) or pa.types.is_struct(kind)
    ]
    assert not odd


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            st.one_of(st.none(), st.floats(allow_nan=False)),
            st.one_of(
                st.none(),
                st.decimals(allow_nan=False, places=4, min_value=-(10**9), max_value=10**9),
            ),
            st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
            st.one_of(st.none(), st.binary()),
            st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
            st.one_of(st.none(), st.dates()),
            st.one_of(st.none(), st.times()),
        ),
        max_size=8,
    )
)
def test_round_trips(wh: Source, rows: list[tuple[object, ...]]) -> None:
    import psycopg

    with psycopg.connect(wh.location) as connection:
        connection.execute("DROP TABLE IF EXISTS rows")
        connection.execute(
            "CREATE TABLE rows (i int8, f float8, n numeric(14,4), t text, b bytea, "
            "ts timestamptz, d date, tm time)"
        )
        marks = ", ".join(["%s"] * 8)
        connection.cursor().executemany(f"INSERT INTO rows VALUES ({marks})", rows)
    got = query(wh, "SELECT * FROM rows")
    assert [tuple(row.values()) for row in got.to_pylist()] == rows
