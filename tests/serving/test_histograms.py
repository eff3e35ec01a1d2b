"""Quantiles of histograms."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.serving.histograms import ERROR, bucket_of, merged, quantile


@given(
    st.lists(st.floats(min_value=1e-6, max_value=3600), min_size=1, max_size=200),
    st.sampled_from([0.5, 0.95, 0.99, 1.0]),
)
def test_the_relative_error_is_bounded(times: list[float], share: float) -> None:
    found = quantile(Counter(map(bucket_of, times)), share)
    exact = sorted(times)[math.ceil(share * len(times)) - 1]
    assert found == pytest.approx(exact, rel=ERROR + 1e-9)


def test_no_calls_have_no_quantile() -> None:
    assert quantile({}, 0.95) is None


def test_nothing_is_below_the_least_value() -> None:
    assert bucket_of(0.0) == bucket_of(1e-9)


def test_histograms_are_added() -> None:
    assert merged([{1: 2, 3: 1}, {3: 4}, {}]) == {1: 2, 3: 5}
