"""Queries as a worker runs them: parameters, pages, formats, errors, and what they cannot reach."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.served_queries import SALES, SECRET, Served, body, call_query
from jupyter_etl.errors import DeclarationError
from jupyter_etl.serving.queries.execution import QuerySpec, load_query
from jupyter_etl.serving.queries.pages import CopyRef

BY_CUSTOMER = "select * from sales.daily where cust = {{cust: int}}"


def test_the_answer_has_columns_rows_next_and_version(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    query = served.query(
        "select cust, sum(amount) s from sales.daily where cust = {{c: int}} group by 1"
    )
    answer = call_query(query, {"sales.daily": copy}, c=1)
    assert answer.content_type == "application/json"
    assert body(answer) == {
        "columns": [{"name": "cust", "type": "int32"}, {"name": "s", "type": "double"}],
        "rows": [{"cust": 1, "s": 38.5}],
        "next": None,
        "version": 3,
    }


def pages(served: Served, copy: CopyRef, sql: str, limit: int) -> list[dict[str, Any]]:
    query, rows, more = served.query(sql), [], {}
    while True:
        found = body(call_query(query, {"sales.daily": copy}, limit=limit, **more))
        assert len(found["rows"]) <= limit
        rows += found["rows"]
        if found["next"] is None:
            return rows
        more = {"next": found["next"]}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from sales.daily",
        "select * from sales.daily order by region",
        "select * from sales.daily order by region desc limit 33",
        "select * from sales.daily order by region offset 7",
        "select cust, region, count(*) n from sales.daily group by all",
        "with a as (from sales.daily) select a.*, b.amount as b from a join a b using (cust, region) order by b",
        "select * from sales.daily order by all desc -- comment",
        "select amount, sum(amount) over (order by region, amount) from sales.daily;",
        "select [cust] l, {'a': amount} s, map {region: cust} m from sales.daily",
    ],
)  # fmt: skip
def test_pages_have_every_row_once(sales: tuple[Served, CopyRef], sql: str) -> None:
    served, copy = sales
    whole = pages(served, copy, sql, 1000)
    assert len(whole) > 11
    assert pages(served, copy, sql, 11) == whole


def test_a_chain_stays_on_the_version_that_it_began_with(served: Served) -> None:
    old = served.table("sales.daily", SALES, number=1)
    new = served.table("sales.daily", SALES.slice(0, 3), number=2)
    query = served.query("select * from sales.daily", limit=30)
    first = body(call_query(query, {"sales.daily": old}))
    assert len(first["rows"]) == 30
    assert len(body(call_query(query, {"sales.daily": old}, next=first["next"]))["rows"]) == 20
    assert len(body(call_query(query, {"sales.daily": new}))["rows"]) == 3
    gone = body(call_query(query, {"sales.daily": new}, next=first["next"]), 410)
    assert gone["error"]["kind"] == "OutdatedToken"


def test_a_token_of_other_parameters_or_another_service(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    copies = {"sales.daily": copy}
    query = served.query(BY_CUSTOMER, limit=2)
    token = body(call_query(query, copies, cust=1))["next"]
    assert body(call_query(query, copies, cust=1, next=token, limit=1))["rows"]
    for wrong in ({"cust": 2, "next": token}, {"cust": 1, "next": "x"}):
        assert body(call_query(query, copies, **wrong), 400)["error"]["kind"] == "InvalidToken"
    with_json = call_query(query, copies, {"cust": 1}, next=token)
    assert with_json.status == 400


def test_values_from_json(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    query = served.query(
        "select {{d: decimal}} d, {{day: date}} as \"day\", {{l: list[int]}} is not null l, {{o: int = null}} o"
        .replace("{{l: list[int]}} is not null", "1 in {{l: list[int]}}")
    )  # fmt: skip
    values = {"d": 0.1, "day": "2026-01-02", "l": [1, 2]}
    found = body(call_query(query, {"sales.daily": copy}, values))
    assert found["rows"] == [{"d": "0.1", "day": "2026-01-02", "l": True, "o": None}]


@pytest.mark.parametrize(
    ("pairs", "path"),
    [({"cust": "x"}, "$.cust"), ({}, "$.cust"), ({"cust": 1, "no": 1}, "$.no"), ({"cust": 1, "limit": 0}, "$.limit")],
)  # fmt: skip
def test_a_wrong_parameter_is_422_with_its_path(
    sales: tuple[Served, CopyRef], pairs: dict[str, object], path: str
) -> None:
    served, copy = sales
    error = body(call_query(served.query(BY_CUSTOMER), {"sales.daily": copy}, **pairs), 422)[
        "error"
    ]
    assert error["fields"][0]["path"] == path
    assert error["fields"][0]["message"] == error["message"]


EXACT = """select 9007199254740993::bigint as big, 18446744073709551615::ubigint as u,
    sum(170141183460469231::hugeint) as huge, 1.10::decimal(5, 2) as d, 7::decimal(30, 0) as w,
    'nan'::double as nan, '-inf'::float as inf, '\\x00\\xFF'::blob as b, date '2026-01-02' as day,
    timestamptz '2026-01-02 03:04:05.5+02' as t, timestamp '2026-01-02 03:04:05' as local,
    time '06:30' as clock, uuid '12345678-1234-5678-1234-567812345678' as id, null as n,
    interval '1 month 2 days 3.5 seconds' as gap, map {'a': 1} as m, map {1: 2} as p, [1.5, null] as l,
    {'x': 'é', 'y': [date '2026-01-01']} as s, 'a'::enum('a', 'b') as e, '101'::bit as bits,
    timestamp_ns '2026-01-02 03:04:05.123456789' as ns, date '20000-01-01' as far"""


def test_json_keeps_every_digit(served: Served) -> None:
    text = call_query(served.query(EXACT), {}).body.decode()
    row = json.loads(text, parse_int=str)["rows"][0]
    assert row == {
        "big": "9007199254740993", "u": "18446744073709551615", "huge": "170141183460469231",
        "d": "1.10", "w": "7", "nan": None, "inf": None, "b": "AP8=", "day": "2026-01-02",
        "t": "2026-01-02T01:04:05.500000Z", "local": "2026-01-02T03:04:05", "clock": "06:30:00",
        "id": "12345678-1234-5678-1234-567812345678", "n": None, "gap": "P1M2DT3.5S",
        "m": {"a": "1"}, "p": [["1", "2"]], "l": ["1.5", None],
        "s": {"x": "é", "y": ["2026-01-01"]}, "e": "a", "bits": "101",
        "ns": "2026-01-02T03:04:05.123456789", "far": "20000-01-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/html, text/csv;q=0.5, */*;q=0.1", "text/csv; charset=utf-8"),
        (
            "application/json;q=0.1, application/vnd.apache.parquet",
            "application/vnd.apache.parquet",
        ),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("csv", "text/csv; charset=utf-8"),
        ("TEXT/CSV", "text/csv; charset=utf-8"),
    ],
)
def test_the_format_follows_accept(sales: tuple[Served, CopyRef], accept: str, media: str) -> None:
    served, copy = sales
    answer = call_query(served.query(BY_CUSTOMER), {"sales.daily": copy}, None, accept, cust=1)
    assert (answer.status, answer.content_type) == (200, media)


def test_all_formats_have_the_same_rows_and_the_token(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    query, copies = served.query("select * from sales.daily", limit=20), {"sales.daily": copy}
    rows = body(call_query(query, copies))["rows"]
    arrow, parquet, text = (
        call_query(query, copies, None, one) for one in ("arrow", "parquet", "csv")
    )
    assert pa.ipc.open_stream(arrow.body).read_all().to_pylist() == rows
    assert pq.read_table(io.BytesIO(parquet.body)).to_pylist() == rows
    lines = list(csv.DictReader(io.StringIO(text.body.decode())))
    assert [
        {**one, "cust": int(one["cust"]), "amount": float(one["amount"])} for one in lines
    ] == rows
    for answer in (arrow, parquet, text):
        following = call_query(query, copies, next=answer.headers["X-Next"])
        assert len(body(following)["rows"]) == 20


def test_the_format_in_the_query_string_beats_the_header(served: Served) -> None:
    answer = call_query(served.query("select 1 a"), {}, None, "text/html, */*", format="csv")
    assert answer.body == b"a\n1\n"


@pytest.mark.parametrize(("sql", "accept"), [("select 1 a", "text/html"), ("select [1] l", "csv")])
def test_a_format_that_is_not_possible(served: Served, sql: str, accept: str) -> None:
    assert (
        body(call_query(served.query(sql), {}, None, accept), 406)["error"]["kind"]
        == "NotAcceptable"
    )


def test_names_that_differ_in_case_and_long_names(served: Served) -> None:
    rows = pa.table({"id": [1], "ID": [2], "select": [3]})
    copies = {
        name: served.table(name, pa.table([[number]], names=["x"]))
        for number, name in enumerate(
            ["a.b.c", "main.x", "temp", "a.b.c.d", "sales.daily", "morning-brief"]
        )
    }
    copies["t"] = served.table("t", rows)
    query = served.query(
        'select id, "ID", "select", c.x as c, m.x as m, temp.x as temp, '
        '"a.b.c.d".x as d, sales.daily.x as s, "morning-brief".x as b '
        'from t, a.b.c, main.x m, "temp", "a.b.c.d", sales.daily, "morning-brief"'
    )
    found = body(call_query(query, copies))["rows"]
    assert found == [
        {"id": 1, "ID": 2, "select": 3, "c": 0, "m": 1, "temp": 2, "d": 3, "s": 4, "b": 5}
    ]


@pytest.mark.parametrize(
    ("sql", "pairs", "status", "kind"),
    [
        ("select {{x: str}}::int", {"x": "a"}, 422, "QueryFailed"),
        ("select error({{x: str}})", {"x": "no"}, 422, "QueryFailed"),
        ("select nope from sales.daily", {}, 500, "QueryFailed"),
        ("select list(range) from range({{n: int}})", {"n": 10**9}, 422, "LimitExceeded"),
        ("select count(*) from range(10000000) a, range({{n: int}}) where a.range % 7 = 1", {"n": 10**6}, 504, "Timeout"),
    ],
)  # fmt: skip
def test_a_query_that_fails(
    sales: tuple[Served, CopyRef], sql: str, pairs: dict[str, object], status: int, kind: str
) -> None:
    served, copy = sales
    query = served.query(sql, memory_bytes=64 << 20, timeout_s=0.3)
    error = body(call_query(query, {"sales.daily": copy}, **pairs), status)["error"]
    assert error["kind"] == kind
    assert len(error["message"]) < 500
    assert str(served.folder) not in error["message"]
    assert body(call_query(served.query("select 1 a"), {}))["rows"] == [{"a": 1}]


def test_two_columns_of_one_name_get_two(served: Served) -> None:
    assert body(call_query(served.query("select 1 a, 2 a"), {}))["rows"] == [{"a": 1, "a_1": 2}]


def test_a_table_that_the_call_does_not_bring(served: Served) -> None:
    error = body(call_query(served.query("select * from sales.daily"), {}), 500)["error"]
    assert error["message"] == "The query reads 'sales.daily', which is no published table."


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "attach '/tmp/x.db'",
        "set lock_configuration = false",
    ],
)
def test_a_worker_refuses_what_a_definition_refuses(served: Served, sql: str) -> None:
    error = body(call_query(served.query(sql), {}), 500)["error"]
    assert error["kind"] == "QueryFailed"
    connection = served.query("select 1")._database.cursor()
    with pytest.raises(Exception, match=r"disabled|locked|denied|not exist|cannot|Cannot"):
        connection.execute(sql).fetchall()


def test_loading_reports_what_is_wrong() -> None:
    payload = msgspec.json.encode(QuerySpec(name="q", version=1, sql="select {{x}}"))
    with pytest.raises(DeclarationError, match="has no type"):
        load_query(payload, folder="/nonexistent", secret=SECRET)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"copies": {}, "pairs": [["x"]]}', b"{"])
def test_a_body_that_is_no_call(served: Served, content: bytes) -> None:
    for loaded in (served.query("select 1"), served.tables()):
        answer = loaded.call(content, "application/json")
        assert body(answer, 400)["error"]["kind"] == "InvalidRequest"


def test_there_are_no_batches(served: Served) -> None:
    assert (
        body(served.query("select 1").batch(b"[]", "application/json"), 400)["error"]["kind"]
        == "NoBatch"
    )


def test_words_for_days_refer_to_the_first_page(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = served.query("select {{d: date = today}} + n::int as d from range(3) t(n)", limit=2)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
    monkeypatch.setattr("time.time", lambda: noon)
    first = body(call_query(query, {}))
    monkeypatch.setattr("time.time", lambda: noon + 80_000)
    second = body(call_query(query, {}, next=first["next"]))
    days = [date.fromisoformat(row["d"]).toordinal() for row in first["rows"] + second["rows"]]
    assert days == list(range(days[0], days[0] + 3))
