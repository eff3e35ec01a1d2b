"""Profiles, and samples drawn at random."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from decimal import Decimal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_etl.checks.profile import profile_of
from jupyter_etl.checks.row_sample import RowSample, mean_intervals
from jupyter_etl.checks.sketches import EXACT, DistinctCount, Histogram
from jupyter_etl.model import ColumnProfile, Profile

DAY = dt.date(2026, 1, 1)
ODD = pa.table(
    {
        "day": [DAY, None, dt.date(9999, 12, 31)],
        "price": [Decimal("1.50"), Decimal("-2.00"), None],
        "list": [[1], [1], None],
        "struct": [{"a": 1}, {"a": 2}, None],
        "flag": [True, False, None],
        "bytes": [b"\x00", b"a", None],
        "nothing": pa.nulls(3),
        "time": [dt.time(1), dt.time(2), None],
        "at": pa.array([1, 2**60, None], pa.timestamp("ns", "UTC")),
        "took": pa.array([1, 2, None], pa.duration("s")),
        "code": pa.array(["a", "b", None]).dictionary_encode(),
        "half": pa.array([1.5, math.nan, math.inf]).cast(pa.float16()),
        "view": pa.array(["x", "y", None], pa.string_view()),
        "large": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "span": pa.array([(1, 2, 3), None, None], pa.month_day_nano_interval()),
    }
)


def _profile(table: pa.Table, chunk: int = 1000) -> Profile:
    return profile_of("t", table.schema, table.to_batches(max_chunksize=chunk))


def _column(values: object, kind: pa.DataType | None = None) -> ColumnProfile:
    (column,) = _profile(pa.table({"x": pa.array(values, kind)}), chunk=7).columns
    return column


def test_every_type_has_a_profile_that_json_holds() -> None:
    profile = _profile(ODD)
    assert profile.rows == 3
    assert len(profile.columns) == len(ODD.column_names)
    reported = msgspec.json.decode(msgspec.json.encode(profile))
    assert [column["name"] for column in reported["columns"]] == ODD.column_names
    found = {column.name: column for column in profile.columns}
    assert (found["day"].least, found["day"].greatest) == ("2026-01-01", "9999-12-31")
    assert (found["price"].least, found["price"].mean) == ("-2.00", -0.25)
    assert (found["list"].distinct, found["struct"].distinct) == (1, 2)
    assert (found["nothing"].nulls, found["nothing"].distinct) == (3, 0)
    assert (found["half"].nulls, found["half"].greatest) == (1, math.inf)
    assert (found["large"].least, found["large"].greatest) == (0, 2**64 - 1)
    assert found["took"].greatest == "0:00:02"
    assert found["took"].bins[0].low == "0:00:01"
    assert [one.value for one in found["code"].frequent] == ["a", "b"]
    assert found["bytes"].greatest == "0x61"


def test_no_rows_and_no_columns() -> None:
    assert _profile(pa.table({})).rows == 0
    column = _column([], pa.float64())
    assert (column.least, column.mean, column.quantiles, column.bins) == (None, None, (), ())


def test_a_large_table_shows_what_is_estimated() -> None:
    values = np.random.default_rng(3).permutation(50_000)
    profile = _profile(pa.table({"x": values}), chunk=50_000)
    (column,) = profile.columns
    assert (profile.sampled_rows, profile.rank_error) == (18_445, 0.01)
    assert 0 < column.distinct_error <= 0.03
    assert column.distinct == pytest.approx(50_000, rel=0.05)
    assert column.quantiles[2] == pytest.approx(25_000, abs=750)
    assert (column.least, column.greatest) == (0, 49_999)
    assert sum(one.rows for one in column.bins) == 50_000
    assert column.frequent == ()


@example([63.0, -5e-324])
@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e12, 1e12), st.integers(-50, 50).map(float)), max_size=40
    )
)
def test_figures_agree_with_arrow(values: list[float | None]) -> None:
    column, known = _column(values, pa.float64()), [v for v in values if v is not None]
    assert column.nulls == len(values) - len(known)
    assert column.distinct == len(set(known))
    assert column.distinct_error == 0
    if known:
        assert (column.least, column.greatest) == (min(known), max(known))
        assert column.mean == pytest.approx(np.mean(known), rel=1e-9, abs=1e-3)
        assert column.quantiles[2] == sorted(known)[math.ceil(len(known) / 2) - 1]
    if len(known) > 1:
        wanted = float(pc.stddev(pa.array(known), ddof=1).as_py())
        assert column.std == pytest.approx(wanted, rel=1e-6, abs=1e-3)
    for one in column.bins:
        assert one.rows == sum(float(one.low) <= v < float(one.high) for v in known)
    assert sum(one.rows for one in column.bins) == len(known)
    assert len(column.bins) <= 24


@pytest.mark.parametrize(
    "values",
    [[5.0], [0.0], [1e300, -1e300], [1.7e308, -1.7e308], [2.0**63, 1.0], [1e18, 1e18 + 256],
     [5e-324], [math.inf, 1.0, math.nan], [1e-300, 1e300]],
    ids=str,
)  # fmt: skip
def test_a_histogram_holds_any_number_of_its_kind(values: list[float]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(np.array([value]))
    bins = histogram.bins(24)
    finite = [value for value in values if math.isfinite(value)]
    assert sum(count for _, _, count in bins) == len(finite)
    assert 1 <= len(bins) <= 24


def test_few_different_values_are_counted_exactly() -> None:
    counted = DistinctCount(error=0.01)
    for _ in range(3):
        counted.add(pa.array([*range(EXACT), None]))
    assert (counted.count, counted.exact, counted.error) == (EXACT, True, 0.0)


def test_many_are_estimated_within_the_error_that_is_stated() -> None:
    inside, shares = 0, []
    for seed in range(30):
        counted = DistinctCount(error=0.02)
        values = np.random.default_rng(seed).integers(0, 2**62, 12_000 + 1800 * seed)
        counted.add(pa.array(values))
        counted.add(pa.array(values[:5000]))
        share = counted.count / len(values) - 1
        shares.append(share)
        inside += abs(share) <= counted.error
    assert inside >= 30 * 0.95 - 6
    assert abs(float(np.mean(shares))) < 0.005


def test_texts_numbers_and_zeros_that_are_equal_are_one() -> None:
    counted = DistinctCount(error=0.1)
    counted.add(pa.array([0.0, -0.0, math.nan, None]))
    assert counted.count == 1
    texts = DistinctCount(error=0.1)
    texts.add(pa.array(["a", "b", "a"]))
    texts.add(pa.array(["b", "c", None]))
    assert texts.count == 3


ROWS = pa.table({"n": range(2000), "g": [None if i % 5 == 0 else i % 5 for i in range(2000)]})


def _draw(table: pa.Table = ROWS, chunk: int = 700, seed: int = 7, **amount: object) -> pa.Table:
    drawn = RowSample(table.schema, seed=seed, **amount)
    for batch in table.to_batches(max_chunksize=chunk):
        drawn.add(batch)
    assert drawn.seen == table.num_rows
    return drawn.table()


@pytest.mark.parametrize(
    "amount",
    [{"rows": 100}, {"share": 0.05}, {"rows": 30, "by": "g"}, {"share": 0.05, "by": "g"}],
    ids=str,
)
def test_the_seed_draws_the_same_rows_however_they_are_cut(amount: dict[str, object]) -> None:
    whole = _draw(chunk=2000, **amount)
    assert whole.equals(_draw(chunk=7, **amount))
    assert whole.equals(_draw(chunk=333, **amount))
    assert not whole.equals(_draw(seed=8, **amount))
    places = whole.column("n").to_pylist()
    assert places == sorted(set(places))


def test_as_many_rows_as_asked_for_or_as_there_are() -> None:
    assert _draw(rows=100).num_rows == 100
    assert _draw(rows=9000).equals(ROWS)
    assert _draw(share=1.0).equals(ROWS)
    assert _draw(ROWS.slice(0, 0), rows=10).num_rows == 0


def test_by_a_column_each_value_has_its_rows() -> None:
    drawn = _draw(rows=30, by="g")
    assert Counter(drawn.column("g").to_pylist()) == dict.fromkeys([None, 1, 2, 3, 4], 30)
    rare = pa.table({"g": ["often"] * 3000 + ["once"]})
    assert "once" in _draw(rare, share=0.001, by="g").column("g").to_pylist()


def test_waiting_rows_are_settled_again_and_again() -> None:
    many = pa.table({"n": np.arange(400_000)})
    drawn = _draw(many, chunk=70_000, rows=50)
    assert drawn.num_rows == 50
    assert drawn.equals(_draw(many, chunk=400_000, rows=50))


def test_every_row_is_as_likely_and_rows_are_drawn_by_themselves() -> None:
    """Blocks of rows would give counts far from these; the bounds are five deviations wide."""
    small = pa.table({"n": range(40)})
    for amount in ({"rows": 10}, {"share": 0.25}):
        hits = Counter(
            n
            for seed in range(800)
            for n in _draw(small, seed=seed, **amount).column("n").to_pylist()
        )
        assert len(hits) == 40
        assert all(200 - 62 < hit < 200 + 62 for hit in hits.values()), amount
    both = sum(
        {0, 1} <= set(_draw(small, seed=seed, share=0.25).column("n").to_pylist())
        for seed in range(800)
    )
    assert 50 - 35 < both < 50 + 35


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    values = np.random.default_rng(1).gamma(4, size=2000)
    table = pa.table({"x": values, "text": ["a"] * 2000})
    covered = 0
    for seed in range(300):
        (one,) = mean_intervals(_draw(table, chunk=2000, seed=seed, rows=200), 2000)
        covered += one.low <= values.mean() <= one.high
    assert 300 * 0.95 - 19 < covered <= 300


def test_the_interval_of_all_rows_is_the_mean() -> None:
    (one,) = mean_intervals(pa.table({"x": [1, 2, 6, None]}), 4)
    assert (one.low, one.mean, one.high, one.values) == (3.0, 3.0, 3.0, 3)
    assert mean_intervals(pa.table({"x": [1], "b": [True]}), 9) == []


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 60), max_size=20), st.integers(1, 80))
def test_a_number_of_rows_is_met_for_any_batches(batches: list[int], rows: int) -> None:
    table = pa.table({"n": range(sum(batches))})
    drawn, start = RowSample(table.schema, rows=rows, seed=0), 0
    for count in batches:
        drawn.add(pa.RecordBatch.from_pydict({"n": list(range(start, start + count))}))
        start += count
    kept = drawn.table().column("n").to_pylist()
    assert len(kept) == min(rows, start)
    assert kept == sorted(set(kept))
