"""Sums of a database, published daily through pandas: the type does not depend on the day's values."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from jupyter_etl.notebook.api import read
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession

DAYS = 60
FIRST = date(2026, 1, 1)
ORDERS = """
CREATE TABLE orders AS SELECT
    DATE '2026-01-01' + day AS day,
    (ARRAY['north', 'south', 'east'])[1 + n % 3] AS region,
    -- Sums of three to nine digits, in no order of days.
    ((n * 37 % 1000) * power(10, day * 7 % 6) / 100)::numeric(12, 2) AS amount
FROM generate_series(0, 59) AS day, generate_series(1, 40) AS n
"""
SUMS = "select day, region, sum(amount) as amount from orders"
ONE_DAY = SUMS + " where day = {{day}} group by day, region"


@pytest.mark.postgres
@pytest.mark.slow
def test_sixty_days_of_sums_are_those_of_the_database(
    session: DataSession, postgres_url: str
) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(ORDERS.encode())
        expected = sorted(connection.execute(f"{SUMS} group by day, region".encode()).fetchall())
    session.declare("wh", postgres_url)
    for number in range(DAYS):
        sums = session.sql("wh", ONE_DAY, parameters={"day": FIRST + timedelta(days=number)})
        assert isinstance(sums, pd.DataFrame)
        # Every other day the frame loses its recorded types.
        frame = sums.sort_values("region") if number % 2 else pd.DataFrame(sums.to_dict("list"))
        publish_table(session, "sums.added", frame, mode="append", live=True)
        publish_table(
            session, "sums.merged", frame, mode="upsert", key=("day", "region"), live=True
        )
    for name in ("sums.added", "sums.merged"):
        found = read(name)
        assert sorted(found.itertuples(index=False, name=None)) == expected
    assert len(expected) == DAYS * 3
    digits = {len(amount.as_tuple().digits) for _, _, amount in expected}
    assert {4, 8} <= digits
    assert all(isinstance(amount, Decimal) for amount in found["amount"])
