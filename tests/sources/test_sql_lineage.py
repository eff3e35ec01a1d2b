"""Tables and columns derived from the text of a query."""

from __future__ import annotations

import pytest

from jupyter_etl.sources.sql.lineage import MOST_CHARACTERS, QueryLineage, lineage_of

KNOWN = {"o": ["id", "customer", "amount"], "c": ["id", "name"]}


def told(query: str, *columns: str, dialect: str = "postgresql", known=None) -> QueryLineage:
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
    assert dict(told(query, *columns).origins) == origins


def test_known_columns_decide_whose_a_column_is() -> None:
    query = "select c.*, amount, customer from o join c on o.customer = c.id"
    found = told(query, "id", "name", "amount", "customer", dialect="duckdb", known=KNOWN)
    assert found.tables == ("o", "c")
    assert dict(found.origins) == {
        "id": (("c", "id"),),
        "name": (("c", "name"),),
        "amount": (("o", "amount"),),
        "customer": (("o", "customer"),),
    }


def test_an_ambiguous_column_is_unknown() -> None:
    assert told("select id from o, c", "id", known=KNOWN).origins == {}


@pytest.mark.parametrize(
    "query", ["select from where", "", "select a from t; select b from u", "x" * MOST_CHARACTERS]
)
def test_what_cannot_be_read_shows_nothing(query: str) -> None:
    assert told(query, "a") == QueryLineage()


def test_tables_are_known_where_columns_are_not() -> None:
    found = told("select * from a.t join u using (id)", "id", "x")
    assert (found.tables, dict(found.origins)) == (("a.t", "u"), {})
    assert told("delete from t").tables == ("t",)
