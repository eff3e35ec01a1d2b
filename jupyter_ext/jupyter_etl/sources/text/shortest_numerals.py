"""A vectorized test whether decimal numerals are the shortest ones for their doubles.

Source:
    G. L. Steele, J. L. White, How to Print Floating-Point Numbers Accurately, 1990.
    T. J. Dekker, A floating-point technique for extending the available precision, 1971.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.sources.text.bytes import TextBytes

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_SURE_DIGITS, _MOST_DIGITS = 10**15, 10**17
"""Doubles preserve all numerals of up to 15 digits, and none of more than 17. Source: IEEE 754,
5.12.2.
"""
_POWERS = tuple(10.0**n for n in range(23))
"""Powers of ten that are exact doubles."""
_EXPONENT_BITS = 0x7FF << 52
_SPLITTER = 2.0**27 + 1
_UNDECIDED = 1e-9
"""Distance from a bound, in units of the last digit, far above the error of the result."""


def are_shortest(texts: pa.Array, values: pa.Array) -> NDArray[np.bool_]:
    """Find the numerals that are the shortest ones for their doubles.

    Args:
        texts: Numerals, none missing.
        values: The nearest doubles.

    Returns:
        Bools of shape ``(n,)``. False also means unknown: for numerals with an exponent or without
        digits after a point, with a trailing zero, and close to a bound.
    """
    import numpy as np
    import pyarrow.compute as pc

    if not TextBytes.of(texts).others("-."):
        return _are_shortest(texts, values.to_numpy())
    written_out = pc.invert(pc.match_substring(texts, "e", ignore_case=True))
    found = np.zeros(len(texts), bool)
    found[written_out] = _are_shortest(
        texts.filter(written_out), values.filter(written_out).to_numpy()
    )
    return found


def _are_shortest(texts: pa.Array, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Implement `are_shortest` for numerals without an exponent.

    In units of the last digit of the numeral, the double is ``nearest + rest``. The numeral is at
    most 12 units away: it equals ``nearest`` if its last two digits are the same. It is the
    shortest one if a numeral with one digit less represents another double.
    """
    import numpy as np

    seen = TextBytes.of(texts)
    points = np.flatnonzero(seen.data == ord("."))
    if len(points) != len(texts) or not ((seen.begins <= points) & (points < seen.ends)).all():
        return np.zeros(len(texts), bool)
    decimals = seen.ends - points - 1
    power = np.array(_POWERS).take(decimals, mode="clip")
    sizes = np.abs(values)
    known = (decimals > 1) & (decimals < len(_POWERS)) & (sizes < _MOST_DIGITS / power)
    sizes = np.where(known, sizes, 0.0)
    product, error = _exact_product(sizes, power)
    whole = np.rint(product)
    rest = (product - whole) + error
    more = np.rint(rest)
    rest -= more
    nearest = whole.astype(np.int64) + more.astype(np.int64)
    ones = seen.data.take(seen.ends - 1) - ord("0")
    tens = seen.data.take(seen.ends - 2) - ord("0")
    known &= nearest % 100 == tens * 10 + ones
    rounded = np.minimum(np.abs(ones + rest), np.abs(10 - ones - rest))
    bits = sizes.view(np.int64)
    exponents = bits & _EXPONENT_BITS
    gap = exponents.view(np.float64) * 2.0**-52
    # Below a power of two, doubles are twice as close.
    long = (bits != exponents) & (ones != 0)
    long &= (np.abs(rest) < 0.5 - _UNDECIDED) & (rounded > gap * power / 2 + _UNDECIDED)
    known &= long | (product < _SURE_DIGITS)
    return known


def _exact_product(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiply, and also return the rounding error."""
    product = left * right
    left_high, left_low = _halves(left)
    right_high, right_low = _halves(right)
    error = (left_high * right_high - product) + left_high * right_low + left_low * right_high
    return product, error + left_low * right_low


def _halves(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split doubles into two parts of 26 bits."""
    scaled = numbers * _SPLITTER
    high = scaled - (scaled - numbers)
    return high, numbers - high
