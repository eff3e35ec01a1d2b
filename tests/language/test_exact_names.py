"""Names that differ only in case are replaced, and only if necessary."""

from __future__ import annotations

import pytest
import sqlglot

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sql.exact_names import exact_names, inner_columns, inner_name, shown

TWINS = {"t": ["ID", "id"]}


def rewritten(sql: str, tables: dict[str, list[str]]) -> str:
    return exact_names(sql, sqlglot.parse_one(sql, dialect="duckdb"), tables).sql


@pytest.mark.parametrize(
    "sql",
    [
        "select *, x as ID from t",
        "with a as (select id as Id from t) select ID from a",
        "select T.id from t",
    ],
)
def test_a_query_without_twins_stays_as_it_is(sql: str) -> None:
    assert rewritten(sql, {"t": ["id", "x"]}) == sql


def test_only_the_twins_change_and_the_rest_of_the_text_stays() -> None:
    sql = """select /* ID */ 'id' , "id"  , t.ID from t"""
    expected = sql.replace('"id"', inner_name("id")).replace("t.ID", f"t.{inner_name('ID')}")
    assert rewritten(sql, TWINS) == expected
    assert shown(expected) == sql.replace('"id"', "id")


@pytest.mark.parametrize(
    "sql",
    [
        "select columns('i.*') from t",
        "select * like 'i%' from t",
        "select t from t",
        "unpivot t on id, ID into name n value v",
    ],
)
def test_what_would_show_the_names_as_values_is_refused(sql: str) -> None:
    with pytest.raises(DeclarationError, match="'ID' and 'id' differ only in case"):
        rewritten(sql, TWINS)


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (["ID", "id", "x"], ["ID", "id"]),
        (["É", "é"], ["É", "é"]),
        (["straße", "STRASSE"], ["straße", "STRASSE"]),
        (["e\u0301", "\u00e9"], ["e\u0301", "\u00e9"]),
        (["a", ""], [""]),
        (["a", "b"], []),
    ],
)
def test_columns_that_need_a_name_of_their_own(names: list[str], alike: list[str]) -> None:
    found = inner_columns(names)
    assert list(found) == alike
    assert [shown(inner) for inner in found.values()] == alike
