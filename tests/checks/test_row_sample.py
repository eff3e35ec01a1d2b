from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.checks.means import mean_intervals
from jupyter_etl.checks.row_sample import RowSample

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
