"""What a query would cost, as its database expects."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from contracts.connector_contract import no_access
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.sql.cost import Estimate, estimate_query


def estimate(source: Source, query: str, **parameters: object) -> Estimate | None:
    return estimate_query(source, ReadRequest(query=query, parameters=parameters), no_access())


@pytest.fixture
def wh(postgres_url: str) -> Source:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "create table big as select g as id, now()::date as d from generate_series(1, 1000) g"
        )
        connection.execute("analyze big")
    return Source(name="wh", kind="sql", location=postgres_url, readonly=True)


@pytest.mark.postgres
def test_postgres_shows_rows_and_their_width(wh: Source) -> None:
    assert estimate(wh, "select * from big;") == Estimate(rows=1000, width_bytes=8)
    joined = estimate(wh, "select a.* from big a cross join big b")
    assert joined is not None
    assert (joined.rows, joined.bytes) == (1_000_000, 8_000_000)
    bound = estimate(
        wh,
        "select id from big where id % 2 = :p0 and d < :p1 and 'x%s' like '%'",
        p0=1,
        p1=date(2000, 1, 1),
    )
    assert bound is not None
    assert bound.rows < 1000


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (ReadRequest(table="big"), (1000, 8)),
        (ReadRequest(table="public.big", columns=("id",)), (1000, 4)),
        (ReadRequest(table="big", limit=7), (7, 8)),
        (ReadRequest(table="big", limit=5000), (1000, 8)),
        (ReadRequest(table="nowhere"), None),
        (ReadRequest(table="big", columns=("nothing",)), None),
        (ReadRequest(), None),
    ],
)
def test_a_table_is_estimated_as_a_query_is(
    wh: Source, request_: ReadRequest, found: tuple[int, int] | None
) -> None:
    told = estimate_query(wh, request_, no_access())
    assert told == (Estimate(rows=found[0], width_bytes=found[1]) if found else None)


@pytest.mark.postgres
def test_nothing_is_executed_and_nothing_is_refused(wh: Source) -> None:
    import psycopg

    assert estimate(wh, "select * from nowhere") is None
    assert estimate(wh, "delete from big") is None
    assert estimate(wh, "select 1; select 2") is None
    gone = "with gone as (delete from big returning id) select * from gone"
    assert estimate(wh, gone) is None
    assert estimate(replace(wh, readonly=False), gone)
    with psycopg.connect(wh.location) as connection:
        assert connection.execute("select count(*) from big").fetchone() == (1000,)


def test_others_do_not_notify(tmp_path) -> None:
    lite = Source(name="wh", kind="sql", location=f"sqlite:///{tmp_path}/a.db")
    assert estimate(lite, "select 1") is None
    assert estimate(Source(name="x", kind="sql", location="no url"), "select 1") is None
