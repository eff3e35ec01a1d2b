from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from jupyter_etl.errors import DeclarationError, EtlError, NotFound, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, Connector, ReadRequest
from jupyter_etl.sources.sql_connector import SqlConnector
from jupyter_etl.sources.sql_target import sql_target
from jupyter_etl.sources.sql_text import parse_statement
from jupyter_etl.sources.sqlalchemy_reader import read_sqlalchemy

NAIVE = datetime(2026, 1, 1, 10)  # noqa: DTZ001 - a timestamp without timezone
HOSTILE = "x'; DROP TABLE people--"


def secret_access(value: str) -> Access:
    return replace(no_access(), secret=lambda name: value)


def query(source: Source, sql: str, *, limit: int | None = None, **parameters: object) -> pa.Table:
    request = ReadRequest(query=sql, parameters=parameters, limit=limit)
    return SqlConnector().read(source, request, no_access()).batches.read_all()


def refusal(source: Source, sql: str, **parameters: object) -> EtlError:
    with pytest.raises(EtlError) as caught:
        query(source, sql, **parameters)
    return caught.value


def execute(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


# -- SQLite --------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my data?.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE people (id INTEGER, name TEXT, amount REAL)")
        rows = [tuple(row.values()) for row in EXPECTED.to_pylist()]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    return path


@pytest.fixture
def lite(file: Path) -> Source:
    location = f"sqlite:///{file}".replace("?", "%3F")
    return Source(name="wh", kind="sql", location=location, readonly=True)


class TestSqlite(ConnectorContract):
    table = "people"

    @pytest.fixture
    def connector(self) -> Connector:
        return SqlConnector()

    @pytest.fixture
    def source(self, lite: Source) -> Source:
        return lite

    def test_an_absent_file_is_not_created(
        self, connector: Connector, absent: Source, access: Access, tmp_path: Path
    ) -> None:
        before = sorted(tmp_path.iterdir())
        for source in (absent, replace(absent, readonly=False)):
            with pytest.raises(
                SourceError, match=r"no SQLite file .*; its folder holds my data\?.db"
            ):
                connector.read(source, ReadRequest(table="people"), access)
        assert sorted(tmp_path.iterdir()) == before


class TestSqliteWithoutAdbc(TestSqlite):
    @pytest.fixture(autouse=True)
    def _no_adbc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "adbc_driver_sqlite.dbapi", None)


def test_sqlite_types_are_those_of_all_values(file: Path, lite: Source) -> None:
    execute(
        file,
        """
        CREATE TABLE odd (n, grows, blob, none, day DATE);
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 3000)
          INSERT INTO odd SELECT NULL, i, NULL, NULL, '2026-01-01' FROM g;
        INSERT INTO odd VALUES (9007199254740993, 1.5, x'ff00', NULL, NULL);
        """,
    )
    table = query(lite, "SELECT * FROM odd")
    assert [str(kind) for kind in table.schema.types] == [
        "int64", "double", "binary", "null", "string",
    ]  # fmt: skip
    assert table.slice(3000).to_pylist() == [
        {"n": 9007199254740993, "grows": 1.5, "blob": b"\xff\x00", "none": None, "day": None}
    ]


@pytest.mark.parametrize("values", ["(1), ('x')", "('x'), (x'00')", "(9007199254740993), (1.5)"])
def test_sqlite_columns_of_mixed_types_are_named(file: Path, lite: Source, values: str) -> None:
    execute(file, f"CREATE TABLE mixed (v); INSERT INTO mixed VALUES {values};")
    error = refusal(lite, "SELECT v FROM mixed")
    assert "column 'v' holds values of different types" in error.message
    assert not error.retryable


def test_sqlite_values_are_bound(file: Path, lite: Source) -> None:
    found = query(lite, "SELECT id FROM people WHERE name = :p0 OR id = :p1", p0=HOSTILE, p1=1)
    assert found["id"].to_pylist() == [1]
    sql = "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :a AS e, ':a' AS f"
    got = query(lite, sql, a=date(2026, 1, 1), b=NAIVE, c=Decimal("1.5"), d=True)
    assert got.to_pylist() == [
        {
            "a": "2026-01-01",
            "b": "2026-01-01 10:00:00",
            "c": 1.5,
            "d": 1,
            "e": "2026-01-01",
            "f": ":a",
        }
    ]
    assert "is a list" in refusal(lite, "SELECT :a AS a", a=[1]).message


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO people VALUES (1, 'x', 2)",
        "DROP TABLE people",
        "DELETE FROM people",
        "CREATE TABLE other (a)",
        "PRAGMA user_version = 7",
    ],
)
def test_sqlite_readonly_is_refused_by_the_database(file: Path, lite: Source, sql: str) -> None:
    before = file.read_bytes()
    error = refusal(lite, sql)
    assert "readonly" in error.message
    assert not error.retryable
    assert file.read_bytes() == before


def test_sqlite_may_be_written_where_it_is_not_readonly(lite: Source) -> None:
    written = query(replace(lite, readonly=False), "DELETE FROM people WHERE id = :a", a=1)
    assert written.num_columns == 0
    assert query(lite, "SELECT count(*) AS n FROM people")["n"].to_pylist() == [3]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM people", "no such column: nope"),
        ("SELECT * FROM nope", "no such table: nope"),
        ("SELECT 1 AS a, 2 AS a", "two columns named 'a'"),
        ("SELECT 1; SELECT 2", "more than one SQL statement"),
    ],
)
def test_sqlite_wrong_queries(lite: Source, sql: str, says: str) -> None:
    error = refusal(lite, sql)
    assert says in error.message
    assert not error.retryable


def test_sqlite_locked_may_be_asked_again(
    file: Path, lite: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_etl.sources import sqlite_reader

    monkeypatch.setattr(
        sqlite_reader, "connect_sqlite", lambda where: sqlite3.connect(where, uri=True, timeout=0)
    )
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert refusal(lite, "SELECT * FROM people").retryable


def test_tables_of_names_that_need_quotes(file: Path, lite: Source) -> None:
    execute(
        file,
        """
        CREATE TABLE "a.b" ("x y" INTEGER); INSERT INTO "a.b" VALUES (1);
        CREATE TABLE "q`""'; DROP TABLE people--" ("c`d" TEXT);
        CREATE VIEW v AS SELECT id FROM people;
        """,
    )
    connector = SqlConnector()
    names = [table.name for table in connector.tables(lite, no_access())]
    assert names == sorted(["a.b", "q`\"'; DROP TABLE people--", "people", "v"])
    for name in names:
        connector.read(lite, ReadRequest(table=name), no_access()).batches.read_all()
    by_name = ReadRequest(table="a.b", columns=("x y",))
    assert connector.read(lite, by_name, no_access()).batches.read_all().num_rows == 1
    main = connector.read(lite, ReadRequest(table="main.people"), no_access())
    assert main.batches.read_all().num_rows == 4


def test_what_is_asked_must_be_said(lite: Source) -> None:
    connector = SqlConnector()
    with pytest.raises(DeclarationError, match="no table of it is named"):
        connector.read(lite, ReadRequest(), no_access())
    assert "no placeholder for b" in refusal(lite, "SELECT :a AS x", a=1, b=2).message
    request = ReadRequest(query="SELECT * FROM people", columns=("name",), limit=1)
    got = connector.read(lite, request, no_access()).batches.read_all()
    assert got.to_pylist() == [{"name": "Ann"}]


def test_any_other_database_goes_by_sqlalchemy(lite: Source) -> None:
    target = sql_target(lite, no_access())
    statement = parse_statement("SELECT *, ':p0' AS t FROM people WHERE id > :p0", {"p0": 0})
    table = read_sqlalchemy(target, statement, {"p0": 0}, None).read_all()
    assert [str(kind) for kind in table.schema.types] == ["int64", "string", "double", "string"]
    assert table["id"].to_pylist() == [1, 2, 9007199254740993]
    assert set(table["t"].to_pylist()) == {":p0"}
    none = parse_statement("SELECT * FROM people WHERE 1 = 0", {})
    assert read_sqlalchemy(target, none, {}, None).read_all().num_rows == 0
    with pytest.raises(SourceError, match="no such column"):
        read_sqlalchemy(target, parse_statement("SELECT nope FROM people", {}), {}, None)


# -- URLs and secrets ----------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["nonsense", "postgresql://u:pw@h/d", "nodb://h/d"])
def test_urls_that_cannot_be(location: str) -> None:
    source = Source(name="wh", kind="sql", location=location)
    with pytest.raises(EtlError) as caught:
        SqlConnector().read(source, ReadRequest(query="SELECT 1"), no_access())
    assert not caught.value.retryable
    assert "pw" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("password", ["s3cret", "p@ss w/rd+%'\"", "ü€"])
def test_a_password_is_used_and_never_told(password: str) -> None:
    source = Source(
        name="wh", kind="sql", location="postgresql://me@127.0.0.1:1/sales", secrets=("wh_pw",)
    )
    access = secret_access(password)
    target = sql_target(source, access)
    assert password not in repr(target)
    for spelled in (password, target.libpq_uri()):
        with pytest.raises(SourceError) as caught:
            target.fail(RuntimeError(f"cannot connect with {spelled}"))
        assert password not in str(caught.value)
        assert caught.value.__cause__ is None
    with pytest.raises(SourceError, match="Connection refused") as refused:
        SqlConnector().read(source, ReadRequest(query="SELECT 1"), access)
    assert refused.value.retryable
    with pytest.raises(NotFound):
        SqlConnector().read(source, ReadRequest(query="SELECT 1"), no_access())


# -- PostgreSQL ----------------------------------------------------------------------------------


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
    assert "read-only transaction" in error.message
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
