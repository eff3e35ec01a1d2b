"""Queries are checked before they are published: against the tables, without reading a row."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.serving.queries.definition import define_query, leading_comment

TABLES = {
    "sales.daily": pa.schema(
        {"cust": pa.int64(), "day": pa.date32(), "amount": pa.decimal128(12, 2), "tags": pa.list_(pa.string())}
    ),
    "customers": pa.schema({"cust": pa.int64(), "name": pa.string()}),
}  # fmt: skip


def schema_of_table(name: str) -> pa.Schema:
    if name not in TABLES:
        raise NotFound(f"There is no publication {name!r}.")
    return TABLES[name]


SQL = """-- Sales by day.
-- One row a day.
select cust, day, sum(amount) as amount, any_value(tags) as tags, count(*) as n
from sales.daily join customers using (cust)
where cust = {{cust: int}} and day >= {{since: date = 2026-01-01}} and name in {{names: list[str] = ['a']}}
group by all"""


def test_a_definition_says_what_the_query_takes_reads_and_returns() -> None:
    found = define_query(SQL, schema_of_table, key=("cust",))
    assert found.reads == ("sales.daily", "customers")
    assert found.keys == {"sales.daily": ("cust",), "customers": ("cust",)}
    assert found.doc == "Sales by day.\nOne row a day."
    assert [one.name for one in found.parameters] == ["cust", "since", "names"]
    request = json.loads(found.request_schema)
    assert request["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert request["required"] == ["cust"]
    row = json.loads(found.response_schema)
    assert row["required"] == ["cust", "day", "amount", "tags", "n"]
    assert row["properties"]["amount"] == {"type": ["string", "null"], "format": "decimal"}
    assert row["properties"]["n"] == {"type": ["integer", "null"]}
    assert row["properties"]["tags"]["items"] == {"type": ["string", "null"]}


@pytest.mark.parametrize(
    ("sql", "key", "message"),
    [
        ("select * from nope", (), "reads 'nope', which is no published table"),
        ("select * from 'data.csv'", (), "reads 'data.csv', which is no published table"),
        ("select * from Customers", (), "reads 'Customers', which is no published table"),
        ("select * from information_schema.tables", (), "which is no published table"),
        ("select nme from customers", (), 'Referenced column "nme" not found'),
        ("select name + 1 from customers", (), "The query is wrong"),
        ("select foo(name) from customers", (), "The query is wrong"),
        ("select * from customers", ("day",), "key 'day' is no column of customers"),
        ("select * from customers where cust = {{cust|sqlsafe}}", (), "never becomes SQL"),
        ("set threads = 1", (), "one SELECT"),
        ("select '{{x: int}}'", (), "inside a string"),
    ],
)
def test_a_query_that_cannot_be_served(sql: str, key: tuple[str, ...], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        define_query(sql, schema_of_table, key=key)


def test_a_value_that_the_query_cannot_use_is_no_fault_of_the_query() -> None:
    found = define_query("select {{x: str}}::int as n", schema_of_table)
    assert json.loads(found.response_schema)["properties"] == {"n": {"type": ["integer", "null"]}}


@pytest.mark.parametrize(
    ("sql", "doc"),
    [
        ("select 1 -- later", ""),
        ("/* A\n * B */ select 1", "A\nB"),
        ("\n-- A\n\n/* B */\nselect 1", "A\nB"),
        ("", ""),
    ],
)
def test_the_leading_comment_is_the_documentation(sql: str, doc: str) -> None:
    assert leading_comment(sql) == doc
