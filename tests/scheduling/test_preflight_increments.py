"""What is said of incremental loads before a notebook runs."""

from __future__ import annotations

import pytest

from scheduling.test_preflight import check

LOAD = "orders = %etl load wh.orders --since updated_at"
UPSERT = "%etl publish table sales.daily orders --mode upsert --key id"
APPEND = "%etl publish table sales.daily orders --mode append"


def warnings(*sources: str) -> list[tuple[int | None, str]]:
    found = check(*sources, last="")
    return [(one.cell, one.message) for one in found if one.severity == "warning"]


def test_a_watermark_that_never_moves() -> None:
    ((cell, message),) = warnings("x = 1", LOAD, "print(orders)")
    assert cell == 1
    assert "the watermark never moves" in message


def test_late_rows_that_are_appended() -> None:
    ((cell, message),) = warnings(f"{LOAD} --lag 2h", APPEND)
    assert cell == 1
    assert "would be duplicated in the table" in message


@pytest.mark.parametrize(
    "sources",
    [
        (LOAD, UPSERT),
        (LOAD, APPEND),
        (f"{LOAD} --lag 2h --key id", UPSERT),
        ("orders = %etl load wh.orders", APPEND),
        (LOAD, "import jupyter_etl as etl\netl.publish('sales.daily', orders, mode='upsert')"),
    ],
)
def test_what_is_well(sources: tuple[str, ...]) -> None:
    assert warnings(*sources) == []
