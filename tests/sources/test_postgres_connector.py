from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pyarrow as pa
import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from fakes.sql import HOSTILE, NAIVE, query, refusal
from jupyter_etl.model import Source
from jupyter_etl.ports import Connector, ReadRequest
from jupyter_etl.sources.sql.connector import SqlConnector


def prepare(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture
def big(postgres_url: str) -> Source:
    return Source(name="wh", kind="sql", location=postgres_url, readonly=True)


@pytest.mark.postgres
class TestPostgres(ConnectorContract):
    table = "people"

    @pytest.fixture
    def connector(self) -> Connector:
        return SqlConnector()

    @pytest.fixture
    def source(self, postgres_url: str) -> Source:
        import psycopg

        with psycopg.connect(postgres_url) as connection:
            connection.execute("CREATE TABLE people (id bigint, name text, amount float8)")
            rows = [tuple(row.values()) for row in EXPECTED.to_pylist()]
            connection.cursor().executemany("INSERT INTO people VALUES (%s, %s, %s)", rows)
        return Source(name="wh", kind="sql", location=postgres_url, readonly=True)

    @pytest.fixture
    def absent(self, source: Source) -> Source:
        return replace(source, location=source.location.replace("/t", "/no", 1))


@pytest.mark.postgres
class TestPostgresWithoutAdbc(TestPostgres):
    @pytest.fixture(autouse=True)
    def _no_adbc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)


UUID = "00000000-0000-0000-0000-000000000001"


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("1::int2", "int16", 1),
        ("1::int4", "int32", 1),
        ("9007199254740993::int8", "int64", 9007199254740993),
        ("1.5::float4", "float", 1.5),
        ("0.1::float8", "double", 0.1),
        ("12.30::numeric(10,2)", "decimal128(10, 2)", Decimal("12.30")),
        ("0.001::numeric(2,3)", "decimal128(3, 3)", Decimal("0.001")),
        ("1200::numeric(2,-2)", "decimal128(4, 0)", Decimal(1200)),
        ("123456789.123456789::numeric", "decimal128(38, 9)", Decimal("123456789.123456789")),
        ("'x'::text", "string", "x"),
        ("'x'::varchar(5)", "string", "x"),
        ("'x'::char(3)", "string", "x  "),
        ("true", "bool", True),
        ("'2026-01-01'::date", "date32[day]", date(2026, 1, 1)),
        ("'10:00'::time", "time64[us]", time(10)),
        ("'10:00+02'::timetz", "string", "10:00:00+02"),
        ("'2026-01-01 10:00'::timestamp", "timestamp[us]", NAIVE),
        (
            "'1 month 2 days'::interval",
            "month_day_nano_interval",
            pa.MonthDayNano([1, 2, 0]),
        ),
        ("'\\xff00'::bytea", "binary", b"\xff\x00"),
        ("'{\"a\": 1}'::json", "string", '{"a": 1}'),
        ("'{\"a\": 1}'::jsonb", "string", '{"a": 1}'),
        (f"'{UUID}'::uuid", "string", UUID),
        ("'1.2.3.4'::inet", "string", "1.2.3.4/32"),
        ("1.50::money", "decimal128(38, 2)", Decimal("1.50")),
        ("4294967295::oid", "int64", 4294967295),
        ("'[1,5)'::int4range", "string", "[1,5)"),
        ("B'101'", "string", "101"),
        ("'<a/>'::xml", "string", "<a/>"),
        ("'happy'::mood", "string", "happy"),
        ("ROW(1, 'x')", "string", "(1,x)"),
        ("ARRAY[1, NULL]::int4[]", "list<item: int32>", [1, None]),
        ("ARRAY[1.5]::numeric[]", "list<item: decimal128(38, 1)>", [Decimal("1.5")]),
        (f"ARRAY['{UUID}']::uuid[]", "list<item: string>", [UUID]),
        ("ARRAY['happy']::mood[]", "list<item: string>", ["happy"]),
    ],
)
def test_postgres_types_arrive_exact(big: Source, sql: str, kind: str, value: object) -> None:
    prepare(big.location, "CREATE TYPE mood AS ENUM ('happy', 'sad')")
    outer = "generate_series(1, 2) AS g LEFT JOIN"
    table = query(big, f"SELECT v FROM {outer} (SELECT 1 AS k, {sql} AS v) t ON k = g ORDER BY g")
    assert str(table.schema.field("v").type) == kind
    assert table["v"].to_pylist() == [value, None]


@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        "'infinity'::date",
        "'-infinity'::date",
        "'infinity'::timestamp",
        "'-infinity'::timestamptz",
        "'24:00'::time",
        "'NaN'::numeric",
        "'NaN'::numeric(5,2)",
        "12345678901234567890123456789012345678901234.5::numeric",
        "12345678901234567890123456789012345678901234.5::numeric(50, 1)",
    ],
)
def test_postgres_values_that_arrow_lacks_name_the_column(big: Source, sql: str) -> None:
    error = refusal(big, f"SELECT {sql} AS odd")
    assert "column 'odd'" in error.message
    assert error.hint
    assert not error.retryable


@pytest.mark.postgres
def test_postgres_scale_of_numeric_over_many_batches(big: Source) -> None:
    sql = "SELECT (g * 1.5)::numeric AS n, repeat('x', 100) AS pad FROM generate_series(1, 300000) AS g"
    table = query(big, sql + " UNION ALL SELECT 0.123456, ''")
    assert table.schema.field("n").type == pa.decimal128(38, 18)
    assert table["n"][-1].as_py() == Decimal("0.123456")
    assert table.num_rows == 300_001


@pytest.mark.postgres
def test_postgres_values_are_bound_with_the_type_of_their_place(big: Source) -> None:
    prepare(
        big.location,
        "CREATE TYPE mood AS ENUM ('happy', 'sad')",
        "CREATE TABLE people (id int, day date, key uuid, mood mood, name text, price numeric)",
        f"INSERT INTO people VALUES (1, '2026-01-01', '{UUID}', 'happy', 'Ann', 1.5)",
    )
    for condition, value in {
        "day = :v": "2026-01-01",
        "day >= :v::date": "2025-12-31",
        "key = :v": UUID,
        "mood = :v": "happy",
        "id = :v": 1,
        "id < :v": 2**40,
        "id > :v - 0.5": 1,
        "price = :v": Decimal("1.5"),
        "price < :v": 1.6,
        "id = ANY(:v)": [1, 2],
        "name <> :v": HOSTILE,
        "coalesce(:v, name) = name": None,
    }.items():
        found = query(big, f"SELECT id, ':v' AS t FROM people WHERE {condition} -- :v", v=value)
        assert found.to_pylist() == [{"id": 1, "t": ":v"}], condition
    assert query(big, "SELECT :v AS v", v=HOSTILE)["v"].to_pylist() == [HOSTILE]
    assert refusal(big, "SELECT 1 FROM people WHERE day = :v", v="soon").retryable is False


@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO people VALUES (2)",
        "WITH x AS (INSERT INTO people VALUES (2) RETURNING id) SELECT * FROM x",
        "DROP TABLE people",
        "CREATE TABLE other (a int)",
        "SELECT nextval('counter')",
    ],
)
def test_postgres_readonly_is_refused_by_the_database(big: Source, sql: str) -> None:
    prepare(big.location, "CREATE TABLE people (id int)", "CREATE SEQUENCE counter")
    error = refusal(big, sql)
    assert re.search("read-only transaction|is readonly", error.message)
    assert not error.retryable
    assert query(big, "SELECT count(*) AS n FROM people")["n"].to_pylist() == [0]


@pytest.mark.postgres
def test_postgres_may_be_written_where_it_is_not_readonly(big: Source) -> None:
    prepare(big.location, "CREATE TABLE people (id int)")
    writable = replace(big, readonly=False)
    assert query(writable, "INSERT INTO people VALUES (:a)", a=7).num_columns == 0
    made = query(writable, "INSERT INTO people VALUES (8) RETURNING id")
    assert made["id"].to_pylist() == [8]
    assert query(big, "SELECT sum(id) AS n FROM people")["n"].to_pylist() == [15]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope", 'column "nope" does not exist'),
        ("SELECT * FROM nope", 'relation "nope" does not exist'),
        ("SELECT 1 AS a, 2 AS a", "two columns named 'a'"),
        ("SELECT 1; SELECT 2", "more than one SQL statement"),
        ("SELECT 1 / 0", "division by zero"),
        ("SELECT 1 / (g - 9) AS x FROM generate_series(1, 10) AS g", "division by zero"),
    ],
)
def test_postgres_wrong_queries(big: Source, sql: str, says: str) -> None:
    error = refusal(big, sql)
    assert says in error.message
    assert not error.retryable


@pytest.mark.postgres
def test_postgres_statements_that_copy_does_not_know(big: Source) -> None:
    assert query(big, "SHOW standard_conforming_strings;").num_rows == 1
    assert query(big, "EXPLAIN SELECT 1").num_rows == 1
    assert query(big, "TABLE pg_am -- end").num_rows > 0
    assert query(big, "SELECT * FROM generate_series(1, 9) AS g", limit=2).num_rows == 2


@pytest.mark.postgres
def test_postgres_schemas_and_names_that_need_quotes(big: Source) -> None:
    prepare(
        big.location,
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id int, price numeric(10,2), at timestamptz)",
        'CREATE TABLE "Odd.""Name""" ("Col ""x""" int)',
        "CREATE VIEW v AS SELECT id FROM sales.orders",
    )
    connector = SqlConnector()
    tables = {table.name: table for table in connector.tables(big, no_access())}
    assert list(tables) == ['Odd."Name"', "sales.orders", "v"]
    assert [column.type for column in tables["sales.orders"].columns] == [
        "int32", "decimal128(10, 2)", "timestamp[us, tz=UTC]",
    ]  # fmt: skip
    for name, info in tables.items():
        got = connector.read(big, ReadRequest(table=name), no_access()).batches.read_all()
        assert got.schema.names == [column.name for column in info.columns]
        assert [str(kind) for kind in got.schema.types] == [c.type for c in info.columns]
