from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.sql_text import parse_statement, quoted


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
