"""Profiles, samples and estimates of a notebook's data."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.notebook.estimates import approx_data
from jupyter_etl.notebook.exploration import profile_data, sample_data
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession

FRAME = pd.DataFrame({"id": range(1000), "region": ["n", "s"] * 500})


@pytest.fixture
def names() -> dict[str, Any]:
    return {"df": FRAME}


def test_frames_files_databases_and_publications_have_the_same_profile(
    session: DataSession, here: Path, names: dict[str, Any]
) -> None:
    FRAME.to_csv(here / "rows.csv", index=False)
    session.declare("rows", "rows.csv")
    with sqlite3.connect(here / "wh.db") as connection:
        FRAME.to_sql("rows", connection, index=False)
    connection.close()
    session.declare("wh", "wh.db")
    publish_table(session, "sales.rows", FRAME, live=True)
    names["arrow"], names["polars"] = pa.Table.from_pandas(FRAME), pl.from_pandas(FRAME)
    wanted = profile_data(session, "df")
    assert (wanted.rows, [c.distinct for c in wanted.columns]) == (1000, [1000, 2])
    for name in ("rows", "wh.rows", "sales.rows", "arrow", "polars"):
        found = profile_data(session, name)
        assert (found.rows, len(found.columns)) == (1000, 2)
        for one, other in zip(found.columns, wanted.columns, strict=True):
            assert (one.least, one.greatest, one.mean, one.bins, one.frequent) == (
                other.least, other.greatest, other.mean, other.bins, other.frequent,
            )  # fmt: skip
    assert profile_data(session, "given", FRAME.head(3)).rows == 3


def test_a_sample_shows_how_many_rows_it_is(session: DataSession) -> None:
    drawn = sample_data(session, "df", "50", seed=7)
    assert (drawn.data.num_rows, drawn.total_rows, drawn.seed) == (50, 1000, 7)
    assert drawn.data.equals(sample_data(session, "df", "50", seed=7).data)
    (mean,) = drawn.means()
    assert mean.low < mean.mean < mean.high
    apart = sample_data(session, "df", "5", by="region")
    assert apart.data.column("region").value_counts().field("counts").to_pylist() == [5, 5]
    with pytest.raises(DeclarationError, match="no confidence interval"):
        apart.means()


@pytest.mark.parametrize(
    ("amount", "by", "said"),
    [("0", None, "not a number or share"), ("0%", None, "above 0 %"), ("101%", None, "100 %"),
     ("some", None, "not a number or share"), ("5", "regoin", "no column 'regoin'")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(
    session: DataSession, amount: str, by: str | None, said: str
) -> None:
    with pytest.raises(DeclarationError, match=said):
        sample_data(session, "df", amount, by=by)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("count_distinct(region) of df", 2),
        ("sum(id) of df", 499_500),
        ("mean(id) of df", 499.5),
        ("quantile(id, .95) of df", 949),
        ("quantile(id, 0) of df", 0),
        ("quantile(id, 1) of df", 999),
    ],
)
def test_small_data_are_answered_exactly_and_it_is_reported(
    session: DataSession, question: str, value: float
) -> None:
    found = approx_data(session, question)
    assert found.exact
    assert (found.value, found.low, found.high) == (value, value, value)
    assert (found.rows, found.total_rows) == (1000, 1000)
    assert "Exact" in found.note


def test_large_data_have_an_interval_that_holds(
    session: DataSession, names: dict[str, Any]
) -> None:
    values = np.random.default_rng(2).permutation(40_000)
    names["big"] = pa.table({"x": values})
    quantile = approx_data(session, "quantile(x, .5) of big", error="2%")
    assert not quantile.exact
    assert quantile.low < 19_999 < quantile.high
    assert (quantile.rows, quantile.total_rows) == (4612, 40_000)
    distinct = approx_data(session, "count_distinct(x) of big", error="2%")
    assert not distinct.exact
    assert distinct.low < 40_000 < distinct.high
    assert distinct.high - distinct.low < 0.04 * 40_000


def test_sums_of_large_whole_numbers_are_exact(session: DataSession, names: dict[str, Any]) -> None:
    names["large"] = pa.table({"x": [2**63 - 1, 2**63 - 1, -5, None]})
    assert approx_data(session, "sum(x) of large").value == 2 * (2**63 - 1) - 5
    names["empty"] = pa.table({"x": pa.array([], pa.float64())})
    assert approx_data(session, "mean(x) of empty").value is None
    assert approx_data(session, "quantile(x, .5) of empty").value is None


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("median(id) of df", "no measure 'median'"),
        ("mean(id)", "The question"),
        ("mean() of df", "needs a column"),
        ("quantile(id) of df", "a number from 0 to 1"),
        ("quantile(id, 95) of df", "a number from 0 to 1"),
        ("mean(region) of df", "needs numbers"),
        ("mean(idd) of df", "no column 'idd'"),
    ],
)
def test_what_cannot_be_answered_is_refused(session: DataSession, question: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        approx_data(session, question)


def test_an_error_of_zero_and_a_table_that_is_not_there(session: DataSession) -> None:
    with pytest.raises(DeclarationError, match="above 0 %"):
        approx_data(session, "mean(id) of df", error="0%")
    with pytest.raises(NotFound):
        approx_data(session, "mean(id) of fd_")


@pytest.mark.postgres
def test_postgres_draws_rows_itself(session: DataSession, postgres_url: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("create table numbers as select i from generate_series(1,20000) i")
        )
        connection.execute(sa.text("create view seen as select * from numbers"))
    engine.dispose()
    url = sa.make_url(postgres_url)
    session.declare("pg", url.render_as_string(hide_password=False))
    drawn = sample_data(session, "pg.numbers", "500", seed=3)
    assert (drawn.data.num_rows, drawn.total_rows) == (500, 20_000)
    assert "database" in drawn.drawn_by
    assert drawn.data.equals(sample_data(session, "pg.numbers", "500", seed=3).data)
    share = sample_data(session, "pg.numbers", "5%", seed=3)
    assert 1000 - 160 < share.data.num_rows < 1000 + 160
    view = sample_data(session, "pg.seen", "500", seed=3)
    assert (view.data.num_rows, view.drawn_by) == (500, "row by row")
    mean = approx_data(session, "mean(i) of pg.numbers", error="5%")
    assert not mean.exact
    assert mean.low < mean.value < mean.high
    assert abs(mean.value - 10_000.5) < 5 * (mean.high - mean.low)
