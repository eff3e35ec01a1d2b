from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from fakes.sql import HOSTILE, NAIVE, execute, query, refusal, secret_access
from jupyter_etl.errors import DeclarationError, EtlError, NotFound, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, Connector, ReadRequest
from jupyter_etl.sources.sql.connector import SqlConnector
from jupyter_etl.sources.sql.sqlalchemy import read_sqlalchemy
from jupyter_etl.sources.sql.statements import parse_statement
from jupyter_etl.sources.sql.target import sql_target

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
    assert "column 'v' contains values of different types" in error.message
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


@pytest.mark.parametrize("sql", ["ATTACH '{}' AS b", "/* x */ vacuum into '{}'"])
def test_sqlite_readonly_makes_no_other_file(lite: Source, tmp_path: Path, sql: str) -> None:
    before = sorted(tmp_path.iterdir())
    assert "readonly" in refusal(lite, sql.format(tmp_path / "b.db")).message
    assert sorted(tmp_path.iterdir()) == before


def test_sqlite_may_be_written_where_it_is_not_readonly(lite: Source) -> None:
    written = query(replace(lite, readonly=False), "DELETE FROM people WHERE id = :a", a=1)
    assert written.num_columns == 0
    assert query(lite, "SELECT count(*) AS n FROM people")["n"].to_pylist() == [3]


@pytest.fixture
def open_lite(lite: Source) -> Source:
    return replace(lite, readonly=False)


def rows_in(source: Source) -> int:
    found: int = query(source, "SELECT count(*) AS n FROM people")["n"][0].as_py()
    return found


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("WITH a AS (SELECT 9 AS i) INSERT INTO people SELECT i, 'x', 0 FROM a", []),
        (
            "/* one */ WITH a AS (SELECT 9 AS i) INSERT INTO people SELECT i, 'x', 0 FROM a "
            "RETURNING id, name;",
            [{"id": 9, "name": "x"}],
        ),
        ("INSERT INTO people VALUES (9, 'x', 0) RETURNING id", [{"id": 9}]),
    ],
)
def test_sqlite_a_with_that_writes_runs_once(
    lite: Source, open_lite: Source, sql: str, rows: list[object]
) -> None:
    before = rows_in(lite)
    assert query(open_lite, sql).to_pylist() == rows
    assert rows_in(lite) == before + 1
    assert "readonly" in refusal(lite, sql).message
    assert rows_in(lite) == before + 1


@pytest.mark.parametrize(
    "returning", ["id, id", "CASE id WHEN 8 THEN 1 ELSE 'x' END AS odd", "nope", '"nope"']
)
def test_sqlite_what_cannot_be_returned_is_not_written(
    lite: Source, open_lite: Source, returning: str
) -> None:
    before = rows_in(lite)
    refusal(
        open_lite,
        f"WITH a(i) AS (VALUES (8), (9)) INSERT INTO people SELECT i, 'x', 0 FROM a "
        f"RETURNING {returning}",
    )
    assert rows_in(lite) == before


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "amout" FROM people',
        'SELECT id FROM people WHERE "amout" > 1',
        'SELECT id FROM people ORDER BY "amout"',
        'UPDATE people SET amount = "amout"',
        'WITH a AS (SELECT "amout" AS x) SELECT x FROM a',
    ],
)
def test_sqlite_a_misspelt_name_in_double_quotes_is_no_text(open_lite: Source, sql: str) -> None:
    error = refusal(open_lite, sql)
    assert "no such column: amout" in error.message
    assert "'amout'" in error.hint


def test_sqlite_names_in_double_quotes(file: Path, lite: Source) -> None:
    execute(
        file, 'CREATE TABLE "q t" ("c`d" INTEGER, "e""f" TEXT); INSERT INTO "q t" VALUES (1, 2)'
    )
    found = query(
        lite, 'SELECT "c`d", "e""f", max("c`d") AS "m n" FROM "q t" AS "u" WHERE "u"."c`d" = 1'
    )
    assert found.to_pylist() == [{"c`d": 1, 'e"f': "2", "m n": 1}]


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
    from jupyter_etl.sources.sql import sqlite

    monkeypatch.setattr(
        sqlite, "connect_sqlite", lambda where: sqlite3.connect(where, uri=True, timeout=0)
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
    with pytest.raises(DeclarationError, match="so a table is needed"):
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
def test_a_password_is_used_and_never_shown(password: str) -> None:
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
