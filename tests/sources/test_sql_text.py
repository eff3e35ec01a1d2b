from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.sql.statements import parse_statement, quoted


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
