"""Rows by key, for features at request time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from fakes.served_queries import SALES, Served
from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.queries.rejection import Rejected


def test_rows_by_key_have_the_values_of_the_table(served: Served) -> None:
    rows = pa.table(
        {
            "k": pa.array([1, 2, 2], pa.uint64()),
            "text": ["a", "b", "c"],
            "m": pa.array([Decimal("1.10"), None, Decimal("2.00")], pa.decimal128(9, 2)),
            "at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            "l": [[1], [], None],
        }
    )
    copy = served.table("t", rows, keys=("k",))
    lookups = served.lookups()
    every = rows.to_pylist()
    assert lookups.lookup("t", copy, {"k": 2}) == every[1:]
    assert lookups.lookup("t", copy, {"k": 2, "text": "c"}) == every[2:]
    assert lookups.lookup("t", copy, {"k": 1}, columns=["l", "m"]) == [
        {"l": [1], "m": Decimal("1.10")}
    ]
    assert lookups.lookup("t", copy, {"k": 9}) == []
    assert lookups.lookup("t", copy, {"text": "' or 1=1 --"}) == []


@pytest.mark.parametrize(
    ("key", "columns", "message"),
    [
        ({}, None, "needs a key"),
        ({"nope": 1}, None, "has no column 'nope'"),
        ({"cust": 1}, ["nope"], "has no column 'nope'"),
        ({"cust": object()}, None, "cannot be bound"),
        ({"cust": "x"}, None, "The query failed"),
    ],
)
def test_what_cannot_be_looked_up(
    sales: tuple[Served, CopyRef], key: dict[str, Any], columns: list[str] | None, message: str
) -> None:
    served, copy = sales
    with pytest.raises(EtlError, match=message):
        served.lookups().lookup("sales.daily", copy, key, columns=columns)


def test_a_key_of_too_many_rows(served: Served) -> None:
    copy = served.table("t", pa.table({"k": [1] * 10_001}))
    with pytest.raises(DeclarationError, match="More than 10,000 rows"):
        served.lookups().lookup("t", copy, {"k": 1})


def test_an_open_copy_is_replaced_when_it_gets_another_index(served: Served) -> None:
    copy, lookups = served.table("t", SALES), served.lookups()
    before = lookups._database.open_copy("t", copy)
    assert lookups._database.open_copy("t", copy) is before
    assert served.table("t", SALES, keys=("cust",)) == copy
    assert lookups._database.open_copy("t", copy).alias != before.alias
    assert len(lookups.lookup("t", copy, {"cust": 0})) == 8


def test_deleted_copies_are_closed_when_others_are_opened(served: Served) -> None:
    old, new = (served.table("t", SALES, number=number) for number in (1, 2))
    lookups = served.lookups()
    lookups.lookup("t", old, {"cust": 0})
    served.copies.discard(old.file)
    assert len(lookups.lookup("t", old, {"cust": 0})) == 8
    lookups.lookup("t", new, {"cust": 0})
    assert list(lookups._database._open) == [new.file]


def test_an_instance_can_be_replaced(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    lookups = served.lookups()
    before = lookups.lookup("sales.daily", copy, {"cust": 1})
    lookups._database.reset()
    assert lookups.lookup("sales.daily", copy, {"cust": 1}) == before


def test_lookups_in_threads(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    lookups = served.lookups()
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: lookups.lookup("sales.daily", copy, {"cust": n % 7}), range(40))
    assert [len(rows) for rows in found] == [8 if n % 7 == 0 else 7 for n in range(40)]


def test_a_copy_that_is_gone(served: Served) -> None:
    with pytest.raises(Rejected, match="is being prepared"):
        served.lookups().lookup("t", CopyRef(1, "1-x.duckdb"), {"k": 1})


def test_a_query_is_read_by_typed_values(sales: tuple[Served, CopyRef]) -> None:
    served, copy = sales
    query = served.query(
        "select amount from sales.daily where cust = {{cust: int}} order by 1", limit=2
    )
    found = query.rows({"sales.daily": copy}, {"cust": 3})
    assert (
        found.to_pylist()
        == [row for row in SALES.select(["cust", "amount"]).to_pylist() if row.pop("cust") == 3][:2]
    )
