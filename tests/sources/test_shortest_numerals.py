"""The numerals of doubles: what arrays show at once is what exact arithmetic shows of each."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.sources.text.numbers import doubles, is_double
from jupyter_etl.sources.text.shortest_numerals import are_shortest


def shortest(texts: list[str]) -> list[bool]:
    array = pa.array(texts)
    return list(are_shortest(array, array.cast(pa.float64())))


def around(value: float) -> list[str]:
    """Write a double, its neighbours in the last digits, and more or fewer digits than it needs."""
    with localcontext() as context:
        context.prec = 50
        written = format(Decimal(repr(value)), "f")
        if "." not in written:
            written += ".0"
        step = Decimal(1).scaleb(-len(written.partition(".")[2]))
        near = [format(Decimal(written) + n * step, "f") for n in (-12, -2, -1, 1, 2, 12)]
    return [written, *near, written + "0", written + "1", written + "11", written[:-1] + "5"]


@given(
    st.lists(
        st.floats(1e-6, 1e18) | st.floats(0.5, 2000) | st.integers(-20, 60).map(lambda n: 2.0**n),
        min_size=1,
        max_size=20,
    )
)
@settings(deadline=None)
def test_numerals_around_doubles(values: list[float]) -> None:
    texts = [text for value in values for text in around(value)]
    texts += [f"-{text}" for text in texts if not text.startswith("-")]
    found = shortest(texts)
    assert [
        text for text, yes in zip(texts, found, strict=True) if yes and not is_double(text)
    ] == []
    for text in texts:
        assert (doubles(pa.array([text, None, "0.5"])) is not None) == is_double(text)


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 50.0, 1e6, 1e9])
def test_nearly_all_are_found_by_arithmetic(scale: float) -> None:
    values = np.random.default_rng(7).random(5_000) * scale
    texts = [text for text in map(repr, values.tolist()) if "e" not in text]
    assert sum(shortest(texts)) > 0.999 * len(texts)


def test_exponents_are_left_to_printing() -> None:
    texts = ["1.2345678901234568e-05", "0.12345678901234568", "123456.78901234567"]
    assert shortest(texts) == [False, True, True]
    assert doubles(pa.array(texts)) is not None
    assert doubles(pa.array([*texts, "1.23456789012345678e-05"])) is None


def test_numerals_without_a_point_are_not_known() -> None:
    assert shortest(["12345678901234567", "0.1234567890123456"]) == [False, False]


@pytest.mark.parametrize(
    "text",
    [
        "9" * 400 + ".25",
        "0." + "0" * 30 + "1234567890123456",
        "0." + "1" * 60,
        "12345678901234567.25",
    ],
)
def test_numerals_out_of_reach_are_not_known(text: str) -> None:
    assert shortest([text]) == [False]
    assert (doubles(pa.array([text])) is not None) == is_double(text)
