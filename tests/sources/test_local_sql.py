from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, EtlError, SourceError
from jupyter_etl.sources.local_sql import run_local, table_names

ORDERS = pa.table({"id": [1, 2, None], "name": ["a", "b", "x'; DROP TABLE orders--"]})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select 1", []),
        ("from f", ["f"]),
        ("select * from f, (select * from g) where i in (select 1 from k)", ["f", "g", "k"]),
        ("with x as (select * from a.b) select * from x join c on true", ["a.b", "c"]),
        ('select * from "sales.daily" d join wh.public.orders o using (i)', ["sales.daily", "wh.public.orders"]),
        ("select * from read_csv('x.csv'), range(3)", []),
        ("select :p0::int from t where x = ':p1'", ["t"]),
        ("select * from x where exists (with y as (select 1) select * from y)", ["x"]),
        ("with recursive r as (select 1 i union all select i + 1 from r) select * from r", []),
        ("select a.b.c from a.b", ["a.b"]),
        ("select * from f f1 join f f2 using (id)", ["f"]),
    ],
)  # fmt: skip
def test_table_names(query: str, expected: list[str]) -> None:
    assert sorted(table_names(query)) == sorted(expected)


@pytest.mark.parametrize("query", ["", "select * from", "-- nothing", "select (1"])
def test_table_names_of_what_is_no_query(query: str) -> None:
    with pytest.raises(DeclarationError):
        table_names(query)


def test_values_are_bound_and_casts_survive() -> None:
    sql = "select :p0::int as n, ':p0' as t, :p1 as s, :p2 + 1 as d -- :p0"
    got = run_local(sql, {"p0": "5", "p1": "x'; DROP--", "p2": date(2026, 1, 1)}, {})
    assert got["n"].to_pylist() == [5]
    assert got["t"].to_pylist() == [":p0"]
    assert got["s"].to_pylist() == ["x'; DROP--"]
    name = ORDERS["name"][2].as_py()
    found = run_local(
        "select count(*) as n from orders where name = :p0", {"p0": name}, {"orders": ORDERS}
    )
    assert found["n"].to_pylist() == [1]


def test_frames_readers_and_dotted_names() -> None:
    tables = {
        "df": pd.DataFrame({"id": pd.array([1, None], "Int64")}),
        "wh.public.orders": ORDERS,
        "wh.people": ORDERS,
        "sales.daily": ORDERS,
        "stream": ORDERS.to_reader(),
        'odd "name"': ORDERS,
    }
    sql = '''
        select count(*) as n, sum(o.id) as s
        from wh.public.orders o join sales.daily d using (id) join "wh.people" using (id)
        join wh.people using (id) join df using (id) join stream using (id)
        join "odd ""name""" using (id)
    '''
    got = run_local(sql, {}, tables)
    assert got.to_pylist() == [{"n": 1, "s": 1}]
    assert got.schema.field("s").type == pa.int64()


def test_a_reader_named_twice_gives_all_rows_twice() -> None:
    sql = "select count(*) as n from r a join r b on a.id = b.id"
    assert run_local(sql, {}, {"r": ORDERS.to_reader()})["n"].to_pylist() == [2]
    sql = "with x as (from r) select (select count(*) from x) + (select count(*) from x) as n"
    assert run_local(sql, {}, {"r": ORDERS.to_reader()})["n"].to_pylist() == [6]


def test_sums_beyond_64_bits_stay_exact() -> None:
    got = run_local("select sum(id) as s from t", {}, {"t": pa.table({"id": [2**62, 2**62]})})
    assert int(got["s"][0].as_py()) == 2**63


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{file}')",
        "select * from '{file}'",
        "select * from read_text('{file}')",
        "select * from glob('/etc/*')",
        "copy (select 1) to '{file}'",
        "attach '{file}.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "pragma database_list",
        "create table t as select 1",
        "export database '{file}'",
        "call pragma_version()",
        "select 1; select 2",
        "select secret from hidden",
        "from query('copy (select 1) to ''{file}''')",
    ],
)
def test_nothing_but_given_tables(tmp_path: Path, query: str) -> None:
    hidden = pa.table({"secret": [1]})
    path = tmp_path / "a.csv"
    path.write_text("secret\n1\n")
    with pytest.raises(EtlError) as caught:
        run_local(query.format(file=path), {}, {"orders": ORDERS})
    assert not caught.value.retryable
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]
    assert path.read_text() == "secret\n1\n"
    assert hidden.num_rows == 1


@pytest.mark.parametrize(
    ("query", "says", "hint"),
    [
        ("select * from ordres", "no table 'ordres'; there are orders", "'orders'"),
        ("select * from wh.ordres", "no table 'wh.ordres'", ""),
        ("select nmae from orders", "no column 'nmae'; there are id and name", "'name'"),
        ("select nope(id) from orders", "nope", ""),
        ("select from from", "syntax error", ""),
        ("select id, id from orders", "two columns named 'id'", ""),
    ],
)
def test_errors_show_what_there_is(query: str, says: str, hint: str) -> None:
    with pytest.raises(EtlError) as caught:
        run_local(query, {}, {"orders": ORDERS})
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_a_value_that_cannot_be_computed() -> None:
    with pytest.raises(SourceError, match="The query failed") as caught:
        run_local("select name::int as n from orders", {}, {"orders": ORDERS})
    assert not caught.value.retryable


TWINS = pa.table({"ID": [10, 20], "id": [1, 2], "": [7, 8], "s": [{"id": 5}, {"id": 6}]})
TABLES = {
    "t": TWINS,
    "u": pa.table({"Id": [1], "v": [9]}),
    "w": pa.table({"id": [1], "other": [3]}),
    "Orders": pa.table({"x": [1]}),
    "orders": pa.table({"x": [2]}),
    "wh.Orders": pa.table({"x": [3]}),
    "wh.orders": pa.table({"x": [4]}),
    "WH.orders": pa.table({"x": [5]}),
    "main.x": pa.table({"x": [6]}),
    "x": pa.table({"x": [7]}),
    "temp.k": pa.table({"x": [8]}),
    "É": pa.table({"é": [1], "É": [2]}),
    'odd "n': pa.table({'a"b': [1], 'A"B': [2], "a.b": [3], "x y": [4], "select": [5]}),
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select id from t", [{"id": 1}, {"id": 2}]),
        ("select * exclude (s) from t limit 1", [{"ID": 10, "id": 1, "": 7}]),
        ("select sum(id), sum(ID) from t", [{"sum(id)": 3, "sum(ID)": 30}]),
        ("select ID as k from t order by id desc", [{"k": 20}, {"k": 10}]),
        ("select s.id, t.s.id as k, t.id as z from t limit 1", [{"id": 5, "k": 5, "z": 1}]),
        ("select {'id': id} as r, s['id'] as f from t limit 1", [{"r": {"id": 1}, "f": 5}]),
        ("select struct_pack(id := ID).id as r from t limit 1", [{"r": 10}]),
        ("select * exclude (id, s) from t limit 1", [{"ID": 10, "": 7}]),
        ("select * exclude (s) replace (9 as id) from t limit 1", [{"ID": 10, "id": 9, "": 7}]),
        ("select count(*) as n from t where id in (select ID from u)", [{"n": 1}]),
        ("select u.ID as b, t.ID from u, t limit 1", [{"b": 1, "ID": 10}]),
        ("from t select id where ID > 10", [{"id": 2}]),
        ("select ID: id from t limit 1", [{"ID": 1}]),
        ("select max(id) filter (ID > 10) as m from t having max(id) > 1", [{"m": 2}]),
        ("select /* é */ 'id' as a, id from t limit 1 -- id", [{"a": "id", "id": 1}]),
        ("select W.ID as k from w", [{"k": 1}]),
        ("select id from (select 1 as ID, 2 as id)", [{"id": 2}]),
        ("with a as (select 1 as ID, 2 as id) select id from a", [{"id": 2}]),
        ("with a(ID, id) as (select 1, 2) select id from a", [{"id": 2}]),
        ("select ID from (select *, 5 as ID from w)", [{"ID": 5}]),
        (
            "select (select sum(x) from Orders) a, (select sum(x) from orders) b",
            [{"a": 1, "b": 2}],
        ),
        ("select Orders.x, orders.x as y from Orders, orders", [{"x": 1, "y": 2}]),
        (
            "select a.x, b.x y, c.x z, d.x q from wh.Orders a, wh.orders b, WH.orders c, "
            '"wh.orders" d',
            [{"x": 3, "y": 4, "z": 5, "q": 4}],
        ),
        ("select ORDERS.x from orders", [{"x": 2}]),
        ("with Orders as (select x + 10 as x from orders) select x from Orders", [{"x": 12}]),
        ("select a.x, b.x as y from main.x a, x b", [{"x": 6, "y": 7}]),
        ("select temp.k.x from temp.k", [{"x": 8}]),
        ("select é, É from É", [{"é": 1, "É": 2}]),
        (
            'select "a""b", "A""B", "a.b", "x y", "select" from "odd ""n"',
            [{'a"b': 1, 'A"B': 2, "a.b": 3, "x y": 4, "select": 5}],
        ),
    ],
)
def test_names_that_differ_in_case_alone(query: str, expected: list[dict[str, object]]) -> None:
    given = {name: TABLES[name] for name in table_names(query)}
    assert run_local(query, {}, given).to_pylist() == expected
    streams = {name: table.to_reader() for name, table in given.items()}
    assert run_local(query, {}, streams).to_pylist() == expected


def test_a_spelling_that_is_none_of_them_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no column 'Id'; there are ID, id"):
        run_local("select Id from t", {}, {"t": TWINS})


def test_two_columns_of_one_name_are_refused() -> None:
    rows = pa.table([[1], [2]], names=["a", "a"])
    for given in (rows, rows.to_reader()):
        with pytest.raises(SourceError, match="'t' has two columns named 'a'"):
            run_local("select a from t", {}, {"t": given})


@pytest.mark.parametrize("nothing", [pd.DataFrame(), pd.DataFrame(index=range(3)), pa.table({})])
def test_frames_without_columns_are_refused(nothing: object) -> None:
    with pytest.raises(SourceError, match="'t' has no columns"):
        run_local("SELECT count(*) FROM t", {}, {"t": nothing})  # type: ignore[dict-item]


def test_fields_that_differ_in_case_alone_are_refused() -> None:
    rows = pa.table({"s": [[{"ID": 1, "id": 2}]]})
    with pytest.raises(SourceError, match="column 's' has the fields 'ID' and 'id'"):
        run_local("select s from t", {}, {"t": rows})


@pytest.mark.parametrize(
    "query",
    [
        "select s::int from t",
        "select n // 0 from t",
        "select error('no') from t where n > 99000",
        "select n * 9223372036854775807 from t",
        "select n::tinyint from t",
        "select absent from t",
    ],
)
def test_a_streamed_result_fails_as_a_whole_one_does(query: str) -> None:
    rows = {"t": pa.table({"n": range(100_000), "s": ["1"] * 99_999 + ["x"]})}
    failures = []
    for collect in (None, pa.RecordBatchReader.read_all):
        with pytest.raises(EtlError) as caught:
            run_local(query, {}, rows, collect=collect)
        failures.append((type(caught.value), str(caught.value)))
    assert failures[0] == failures[1]


def test_a_streamed_result_has_the_same_values() -> None:
    rows = {"t": pa.table({"n": range(200_000)})}
    query = "select n, n::hugeint as h, {'a': n} as s, n::varchar as v from t order by n desc"
    whole = run_local(query, {}, rows)
    assert run_local(query, {}, rows, collect=pa.RecordBatchReader.read_all).equals(whole)
