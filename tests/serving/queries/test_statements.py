"""What a query may be, what it reads, and the order of its rows."""

from __future__ import annotations

import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.serving.queries.statements import parse_select


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("values (1), (2)", ()),
        ("select * from sales.daily;", ("sales.daily",)),
        ('from "sales"."daily" d, "morning-brief"', ("sales.daily", "morning-brief")),
        ("with a as (select * from b.c), d as (from a) select * from d, A", ("b.c",)),
        ("with a as (from a) select * from a", ("a",)),
        ("select * from (with a as (select 1) from a), a", ("a",)),
        ("select (select max(x) from u), exists (from v), 1 in (from w)", ("u", "v", "w")),
        ("with recursive r as (select 1 x union all select x + 1 from r) from r", ()),
        ("select * from a union all select * from b intersect select * from c", ("a", "b", "c")),
        ("select 'from x' -- from y\nfrom z /* from w */", ("z",)),
        ("from range(3), unnest([1]) u", ()),
        ("select * from a.b.c.d", ("a.b.c.d",)),
    ],
)
def test_the_tables_of_a_query(sql: str, tables: tuple[str, ...]) -> None:
    assert parse_select(sql).tables == tables


REFUSED = [
    ("", "no statements"),
    ("-- nothing", "no statements"),
    ("select 1; select 2", "2 statements"),
    ("select 1; drop table t", "one SELECT"),
    ("insert into t values (1)", "one SELECT"),
    ("update t set a = 1", "one SELECT"),
    ("delete from t", "one SELECT"),
    ("create table t (a int)", "one SELECT"),
    ("drop table t", "one SELECT"),
    ("attach 'x.db'", "one SELECT"),
    ("copy (select 1) to 'x.csv'", "one SELECT"),
    ("copy t from 'x.csv'", "one SELECT"),
    ("export database 'x'", "one SELECT"),
    ("install httpfs", "one SELECT"),
    ("load httpfs", "one SELECT"),
    ("set threads = 8", "one SELECT"),
    ("reset threads", "one SELECT"),
    ("pragma version", "one SELECT"),
    ("call pragma_version()", "one SELECT"),
    ("use other", "one SELECT"),
    ("explain select 1", "one SELECT"),
    ("execute p", "one SELECT"),
    ("pivot t on a using sum(b)", "PIVOT"),
    ("with t as (insert into x values (1) returning *) from t", "one SELECT"),
    ("describe t", "DESCRIBE"),
    ("show tables", "DESCRIBE"),
    ("summarize t", "DESCRIBE"),
    ("selec 1", "syntax error"),
    ("select * from t tablesample 10%", "sample"),
    ("select * from t using sample 3", "sample"),
    ("from t at (version => 3)", "AT"),
    *[
        (f"select * from {call}", "only publications")
        for call in (
            "read_csv('x')", "read_csv_auto('x')", "read_parquet('x')", "parquet_scan('x')",
            "read_json('x')", "read_text('x')", "read_blob('x')", "glob('*')", "sniff_csv('x')",
            "parquet_metadata('x')", "query('select 1')", "query_table('t')", "duckdb_settings()",
            "duckdb_secrets()", "pragma_table_info('t')", "json_execute_serialized_sql('x')",
            "READ_CSV('x')", "no_such_function()", "seq_scan('t')", "checkpoint()",
        )
    ],
    ("select (select count(*) from read_csv('x'))", "only publications"),
    ("with a as (from glob('*')) from a", "only publications"),
    *[
        (f"select {call}", "not available")
        for call in (
            "current_setting('threads')", "getvariable('x')", "getenv('HOME')", "version()",
            "current_database()", "pg_typeof(1)",
        )
    ],
    *[
        (f"select {call}", "differs in each call")
        for call in ("random()", "uuid()", "gen_random_uuid()", "nextval('s')", "RANDOM()")
    ],
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), REFUSED)
def test_what_is_not_served(sql: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        parse_select(sql)


@pytest.mark.parametrize(
    ("sql", "end"),
    [
        ("select a from t", "ORDER BY ALL"),
        ("select a from t -- all;", "ORDER BY ALL"),
        ("select a from t order by a", ", 1, 2"),
        ("select a from t order by all desc", "order by all desc"),
        ("select a from t limit 3", "ORDER BY ALL limit 3"),
        ("select a from t order by a limit 3 offset 4", ", 1, 2 limit 3 offset 4"),
        ("select a from t order by t.limit, t.offset", ", 1, 2"),
        ("select a from (from t order by a limit 3)", "ORDER BY ALL"),
        ("select max(a) over (order by b) as limit from t", "ORDER BY ALL"),
        ("select a from t union select b from u order by 1", ", 1, 2"),
        ("select a from t where b = ' order by ' offset 2;", "ORDER BY ALL offset 2"),
    ],
)
def test_the_order_is_total(sql: str, end: str) -> None:
    stable = parse_select(sql).stable(2)
    assert " ".join(stable.split()).endswith(end)
    assert parse_select(stable).tables == parse_select(sql).tables


def test_an_order_in_parentheses_is_refused() -> None:
    with pytest.raises(DeclarationError, match="parentheses"):
        parse_select("(select 1 order by 1)").stable(1)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from é.x, a.b.c", 'select * from é.x, "a.b.c" AS "c"'),
        ('from a."b "" d".c as q', 'from "a.b "" d.c" as q'),
        ("from main.x", 'from "main.x" AS "x"'),
        ("from sales.daily", "from sales.daily"),
    ],
)
def test_long_names_are_quoted_as_a_whole(sql: str, expected: str) -> None:
    assert parse_select(sql).with_whole_names() == expected
