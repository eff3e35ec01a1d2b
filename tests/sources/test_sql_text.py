"""What the text of a query tells, and what the query would cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.connector_contract import no_access
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.sql.cost import Estimate, estimate_query
from jupyter_etl.sources.sql.lineage import MOST_CHARACTERS, QueryLineage, lineage_of
from jupyter_etl.sources.sql.statements import parse_statement, quoted

KNOWN = {"o": ["id", "customer", "amount"], "c": ["id", "name"]}


def lineage(query: str, *columns: str, dialect: str = "postgresql", known=None) -> QueryLineage:
    return lineage_of(
        query, dialect=dialect, parameters={"p0": 1}, columns=columns, known=known or {}
    )


@pytest.mark.parametrize(
    ("query", "columns", "origins"),
    [
        (
            "select Day, sum(amount * :p0)::int as total, count(*) n from sales.orders group by 1",
            ("day", "total", "n"),
            {"day": (("sales.orders", "Day"),), "total": (("sales.orders", "amount"),)},
        ),
        ("select * from orders", ("a", "b"), {"a": (("orders", "a"),), "b": (("orders", "b"),)}),
        (
            "with x as (select a, b as c from t) select c, x.a || c as ac from x",
            ("c", "ac"),
            {"c": (("t", "b"),), "ac": (("t", "a"), ("t", "b"))},
        ),
        (
            "with r as (select * from t where x > 0), s as (select *, 1 as one from r) "
            "select a, one, b + a as c from s",
            ("a", "one", "c"),
            {"a": (("t", "a"),), "c": (("t", "a"), ("t", "b"))},
        ),
        ("with r as (select * from t) select * from r", ("a",), {"a": (("t", "a"),)}),
        ("select *, 1 as one from t", ("a",), {}),
        (
            "with r as (select a from t), q as (select b from u) select a from r",
            ("a",),
            {"a": (("t", "a"),)},
        ),
        ("select a from t union all select b from u", ("a",), {"a": (("t", "a"), ("u", "b"))}),
        (
            "select o.id, name from orders o join customers on true",
            ("id", "name"),
            {"id": (("orders", "id"),)},
        ),
        ("select (select max(x) from u) as m, a from t", ("m", "a"), {"a": (("t", "a"),)}),
        ("select *, 1 as one from t join u on true", ("a", "one"), {}),
        ("select 1 as one", ("one",), {}),
        (
            "with recursive r as (select 1 as n union all select n + 1 from r) select n from r",
            ("n",),
            {},
        ),
    ],
)
def test_columns_without_a_catalogue(query: str, columns: tuple, origins: dict) -> None:
    assert dict(lineage(query, *columns).origins) == origins


def test_known_columns_decide_whose_a_column_is() -> None:
    query = "select c.*, amount, customer from o join c on o.customer = c.id"
    found = lineage(query, "id", "name", "amount", "customer", dialect="duckdb", known=KNOWN)
    assert found.tables == ("o", "c")
    assert dict(found.origins) == {
        "id": (("c", "id"),),
        "name": (("c", "name"),),
        "amount": (("o", "amount"),),
        "customer": (("o", "customer"),),
    }


def test_an_ambiguous_column_is_unknown() -> None:
    assert lineage("select id from o, c", "id", known=KNOWN).origins == {}


@pytest.mark.parametrize(
    "query", ["select from where", "", "select a from t; select b from u", "x" * MOST_CHARACTERS]
)
def test_what_cannot_be_read_shows_nothing(query: str) -> None:
    assert lineage(query, "a") == QueryLineage()


def test_tables_are_known_where_columns_are_not() -> None:
    found = lineage("select * from a.t join u using (id)", "id", "x")
    assert (found.tables, dict(found.origins)) == (("a.t", "u"), {})
    assert lineage("delete from t").tables == ("t",)


def estimate(source: Source, query: str, **parameters: object) -> Estimate | None:
    return estimate_query(source, ReadRequest(query=query, parameters=parameters), no_access())


@pytest.fixture
def wh(postgres_url: str) -> Source:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "create table big as select g as id, now()::date as d from generate_series(1, 1000) g"
        )
        connection.execute("analyze big")
    return Source(name="wh", kind="sql", location=postgres_url, readonly=True)


@pytest.mark.postgres
def test_postgres_shows_rows_and_their_width(wh: Source) -> None:
    assert estimate(wh, "select * from big;") == Estimate(rows=1000, width_bytes=8)
    joined = estimate(wh, "select a.* from big a cross join big b")
    assert joined is not None
    assert (joined.rows, joined.bytes) == (1_000_000, 8_000_000)
    bound = estimate(
        wh,
        "select id from big where id % 2 = :p0 and d < :p1 and 'x%s' like '%'",
        p0=1,
        p1=date(2000, 1, 1),
    )
    assert bound is not None
    assert bound.rows < 1000


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (ReadRequest(table="big"), (1000, 8)),
        (ReadRequest(table="public.big", columns=("id",)), (1000, 4)),
        (ReadRequest(table="big", limit=7), (7, 8)),
        (ReadRequest(table="big", limit=5000), (1000, 8)),
        (ReadRequest(table="nowhere"), None),
        (ReadRequest(table="big", columns=("nothing",)), None),
        (ReadRequest(), None),
    ],
)
def test_a_table_is_estimated_as_a_query_is(
    wh: Source, request_: ReadRequest, found: tuple[int, int] | None
) -> None:
    reported = estimate_query(wh, request_, no_access())
    assert reported == (Estimate(rows=found[0], width_bytes=found[1]) if found else None)


@pytest.mark.postgres
def test_nothing_is_executed_and_nothing_is_refused(wh: Source) -> None:
    import psycopg

    assert estimate(wh, "select * from nowhere") is None
    assert estimate(wh, "delete from big") is None
    assert estimate(wh, "select 1; select 2") is None
    gone = "with gone as (delete from big returning id) select * from gone"
    assert estimate(wh, gone) is None
    assert estimate(replace(wh, readonly=False), gone)
    with psycopg.connect(wh.location) as connection:
        assert connection.execute("select count(*) from big").fetchone() == (1000,)


def test_others_do_not_notify(tmp_path) -> None:
    lite = Source(name="wh", kind="sql", location=f"sqlite:///{tmp_path}/a.db")
    assert estimate(lite, "select 1") is None
    assert estimate(Source(name="x", kind="sql", location="no url"), "select 1") is None


def rendered(query: str, *names: str) -> str:
    return parse_statement(query, names).render(lambda name: f"<{name}>")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select :p0::int", "select <p0>::int"),
        ("select ':p0', \":p0\", :p0", "select ':p0', \":p0\", <p0>"),
        ("select 'it''s :p0' || :p0", "select 'it''s :p0' || <p0>"),
        ("select E'\\':p0' || :p0", "select E'\\':p0' || <p0>"),
        ("select $$:p0$$, $a$ :p0 $$ $a$, :p0", "select $$:p0$$, $a$ :p0 $$ $a$, <p0>"),
        ("select /* :p0 */ :p0 -- :p0", "select /* :p0 */ <p0>"),
        ("select a[1:p0], :p0x, :p0", "select a[1:p0], :p0x, <p0>"),
        ("select '10:00'::time, x::p0", "select '10:00'::time, x::p0"),
        (" select 1 ; -- done\n", "select 1"),
        ("select `:p0`, :p0", "select `:p0`, <p0>"),
    ],
)
def test_placeholders_stand_outside_text(query: str, expected: str) -> None:
    assert rendered(query, "p0") == expected


@pytest.mark.parametrize(
    "query",
    ["select 1; select 2", "select 1; drop table t; --", "select ';' ; x", "", "  -- x\n", ";"],
)
def test_one_statement_and_no_more(query: str) -> None:
    with pytest.raises(DeclarationError):
        parse_statement(query, ())


def test_a_semicolon_in_a_text_ends_nothing() -> None:
    assert rendered("select ';', \";\" -- ;") == "select ';', \";\""


@given(st.text())
def test_no_text_breaks_out_of_its_quotes(text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    if "\0" not in text:
        assert (
            rendered(f"select {literal}, {quoted(text)}", "p0")
            == f"select {literal}, {quoted(text)}"
        )


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(DeclarationError):
        quoted("a\0b")


@pytest.mark.parametrize(
    ("sql", "verb", "asks", "changes"),
    [
        ("select 1", "select", True, False),
        ("(select 1) union (select 2)", "select", True, False),
        ("(with x as (select 1) select * from x)", "select", True, False),
        ("values (1)", "values", True, False),
        ("table t;", "table", True, False),
        ("with a as (select 1) select * from a", "select", True, False),
        ("with insert as (select 1) select * from insert", "select", True, False),
        ("with w as (select replace(x, 'a', 'b') from t) select * from w", "select", True, False),
        ("select 'insert into t' as x, \"delete\" from t", "select", True, False),
        ("-- with\n/* select */ delete from t", "delete", False, True),
        ("with a as (select 9) insert into t select * from a", "insert", False, True),
        ("WITH x(a, b) AS MATERIALIZED (select 1, 2), y as (select 3) UPDATE t set a = 1", "update",
         False, True),
        ("with d as (delete from t returning *) select * from d", "select", False, True),
        ("with d as materialized (insert into t values (1) returning *) table d", "table", False,
         True),
        ("with values as (select 1), delete as (select 2) merge into t using s on true", "merge",
         False, True),
        ("with recursive a(i) as (select 1) select * from a", "select", True, False),
        ("select * into b from t", "select", False, True),
        ("replace into t values (1)", "replace", False, True),
        ("explain select 1", "explain", False, False),
        ("pragma user_version", "pragma", False, False),
        ("call f()", "call", False, False),
    ],
)  # fmt: skip
def test_what_a_statement_does(sql: str, verb: str, asks: bool, changes: bool) -> None:
    found = parse_statement(sql, ())
    assert (found.verb, found.asks, found.changes_rows) == (verb, asks, changes)
