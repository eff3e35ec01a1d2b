"""``GET /tables/NAME?...``: operators, types, columns, pages, and strings that change no plan."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from fakes.served_queries import SALES, Served, body, call_query, call_table
from jupyter_etl.serving.queries.pages import CopyRef

HOURS = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (1, 2, 3)]
ROWS = pa.table(
    {
        "n": pa.array([1, 2, 3, None], pa.int64()),
        "s": pa.array(["EU", "a,b", "", None]),
        "f": pa.array([0.5, -1.0, float("inf"), None]),
        "b": pa.array([True, False, True, None]),
        "d": pa.array([date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3), None]),
        "t": pa.array([*HOURS, None], pa.timestamp("us", "UTC")),
        "local": pa.array([*(one.replace(tzinfo=None) for one in HOURS), None], pa.timestamp("us")),
        "m": pa.array([Decimal("1.10"), Decimal("2.00"), Decimal("3.00"), None], pa.decimal128(10, 2)),
        "x": pa.array([b"\x00", b"ab", b"", None]),
        "u": pa.array([2**64 - 1, 0, 1, None], pa.uint64()),
        "l": pa.array([[1], [2], [3], None]),
        "limit": pa.array([5, 6, 7, None]),
        "n__gt": pa.array([7, 8, 9, None]),
        "a b&c": pa.array([1, 2, 3, None]),
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, CopyRef]:
    made = Served(tmp_path_factory.mktemp("copies"))
    return made, made.table("sales.daily", ROWS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ([], [0, 1, 2, 3]),
        ([("n", "2")], [1]),
        ([("n__ne", "2")], [0, 2]),
        ([("n__gte", "2")], [1, 2]),
        ([("n__gt", "8")], [1]),  # the column n__gt
        ([("n__gt__gt", "8")], [2]),
        ([("n__lt", "2")], [0]),
        ([("n__lte", "2"), ("n__gte", "2")], [1]),
        ([("n__in", "1,3")], [0, 2]),
        ([("n__in", "1"), ("n__in", "3")], [0, 2]),
        ([("s", "EU")], [0]),
        ([("s", "")], [2]),
        ([("s", "null")], []),
        ([("s__in", 'EU,"a,b"')], [0, 1]),
        ([("s__in", "a,b"), ("s__in", "EU")], [0, 1]),
        ([("f__lt", "0.5")], [1]),
        ([("b", "true")], [0, 2]),
        ([("d__gte", "2026-01-02")], [1, 2]),
        ([("t", "2026-01-01T03:00:00+01:00")], [1]),
        ([("t__gt", "2026-01-01T01:30")], [1, 2]),
        ([("local", "2026-01-01T02:00")], [1]),
        ([("m", "1.1")], [0]),
        ([("m__gt", "1.999999999999999999999999")], [1, 2]),
        ([("x", base64.b64encode(b"ab").decode())], [1]),
        ([("u", str(2**64 - 1))], [0]),
        ([("u__lt", "-1")], []),
        ([("n", str(2**100))], []),
        ([("limit__eq", "6")], [1]),
        ([("limit__in", "5,7")], [0, 2]),
        ([("a b&c", "3")], [2]),
        ([("s__ne", "EU"), ("b", "true")], [2]),
    ],
)
def test_filters(
    table: tuple[Served, CopyRef], query: list[tuple[str, str]], found: list[int]
) -> None:
    served, copy = table
    answer = body(call_table(served.tables(), copy, [*query, ("columns", "n")]))
    values = ROWS.column("n").to_pylist()
    assert [row["n"] for row in answer["rows"]] == [values[place] for place in found]


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        ([("nn", "1")], "$.nn", "no column 'nn'"),
        ([("n__like", "1")], "$.n__like", "no operator 'like'"),
        ([("nope__gt", "1")], "$.nope__gt", "no column 'nope'"),
        ([("n", "x")], "$.n", "takes an integer"),
        ([("n__in", "1,x")], "$.n__in", "takes an integer"),
        ([("n__in", "")], "$.n__in", "1 to 10,000"),
        ([("n", "1"), ("n", "2")], "$.n", "use __in"),
        ([("d", "2026-13-01")], "$.d", "takes a date"),
        ([("b", "2")], "$.b", "takes true or false"),
        ([("f", "nan")], "$.f", "takes a number"),
        ([("m", "1" * 40)], "$.m", "at most 38 digits"),
        ([("x", "%")], "$.x", "base64"),
        ([("l", "1")], "$.l", "cannot be filtered"),
        ([("columns", "n,q")], "$.columns", "no column 'q'"),
        ([("columns", "n,n")], "$.columns", "named twice"),
        ([("limit", "0")], "$.limit", "from 1 to"),
        ([("limit", "1"), ("limit", "2")], "$.limit", "2 times"),
        ([("offset", "1")], "$.offset", "follow 'next'"),
        ([("rowid", "1")], "$.rowid", "no column 'rowid'"),
        ([("c0", "1")], "$.c0", "no column 'c0'"),
    ],
)
def test_what_is_not_allowed(
    table: tuple[Served, CopyRef], query: list[tuple[str, str]], path: str, message: str
) -> None:
    served, copy = table
    error = body(call_table(served.tables(), copy, query), 422)["error"]
    assert error["fields"][0]["path"] == path
    assert message in error["message"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("s,n", ["s", "n"]),
        ('"a b&c",n', ["a b&c", "n"]),
        ("limit", ["limit"]),
        ("", ROWS.schema.names),
    ],
)
def test_columns(table: tuple[Served, CopyRef], text: str, names: list[str]) -> None:
    served, copy = table
    answer = body(call_table(served.tables(), copy, [("columns", text)]))
    assert [one["name"] for one in answer["columns"]] == names
    assert [one["type"] for one in answer["columns"]] == [
        str(ROWS.schema.field(name).type) for name in names
    ]


def test_pages_follow_the_order_of_the_table(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    tables, more = served.tables(limit=6), []
    rows: list[Any] = []
    while True:
        answer = body(call_table(tables, copy, [("region", "EU"), *more]))
        rows += answer["rows"]
        if answer["next"] is None:
            break
        more = [("next", answer["next"])]
    assert rows == [row for row in SALES.to_pylist() if row["region"] == "EU"]
    assert answer["version"] == copy.number
    other = call_table(tables, copy, [("region", "US"), *more])
    assert other.status == 400


_PIECES = [
    "'", "''", '"', "\\", "\\'", ";", "--", "/*", "*/", "' OR '1'='1", "' OR 1=1 --", '" OR ""="',
    "1 OR 1=1", "1; DROP TABLE data", "'; DROP TABLE data; --", "') OR ('1'='1", "1) OR (1=1",
    "' UNION SELECT * FROM etl_copy --", "x' AND sleep_ms(1000) --", "$p0", "$1", "?", ":p0", ":name",
    "{{x}}", "{{ x|sqlsafe }}", "{% if %}", "${x}", "%s", "%27", "%", "_", "\0", "\n", "\r\n", "\t", "\x1b",
    "NULL", "null", "true", "1e400", "NaN", "0x10", "1/0", "-1", "é'", "\u2019", "\uff07", "\u02bc",
    "'||(select 1)||'", "read_csv('/etc/passwd')", "getenv('HOME')", "current_setting('threads')",
    "c0", "rowid", "data", "c0 = c0", "(select 1)", "[1]", "{'a': 1}", "COLUMNS(*)", "*", "a.b", "\u202e'", "'" * 50,
]  # fmt: skip
INJECTIONS = list(dict.fromkeys(
    text for piece in _PIECES for text in (piece, f"EU{piece}", f"{piece}EU", f"EU' {piece} 'EU", piece * 3)
))  # fmt: skip


def test_there_are_200_strings() -> None:
    assert len(INJECTIONS) >= 200


def test_a_value_is_only_ever_compared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each string finds the one row that has it, whatever it looks like."""
    served = Served(tmp_path_factory.mktemp("copies"))
    names = [*INJECTIONS, "EU"]
    copy = served.table("sales.daily", pa.table({"s": names, "n": range(len(names))}))
    tables = served.tables(limit=5)
    query = served.query(
        "select n from sales.daily where s = {{s: str}} or s in {{l: list[str] = ['EU']}}"
    )
    for place, text in enumerate(INJECTIONS):
        found = body(call_table(tables, copy, [("s", text)]))["rows"]
        assert found == [{"s": text, "n": place}]
        in_list = body(call_table(tables, copy, [("s__in", text), ("s__in", text)]))["rows"]
        assert in_list == found
        rows = body(call_query(query, {"sales.daily": copy}, s=text))["rows"]
        assert rows == [{"n": place}, {"n": len(INJECTIONS)}]
    assert body(call_table(tables, copy, [("s__gte", "")]))["next"]


def test_a_name_is_only_ever_looked_up(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    tables = served.tables()
    for text in INJECTIONS:
        for name in (text, f"cust__{text}", f"{text}__gt", f"cust{text}"):
            error = body(call_table(tables, copy, [(name, "1")]), 422)["error"]
            assert error["kind"] == "InvalidParameters"
        assert call_table(tables, copy, [("columns", text)]).status == 422
    assert len(body(call_table(tables, copy, []))["rows"]) == 50
