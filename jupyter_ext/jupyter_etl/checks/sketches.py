"""Summaries of a column in constant memory: distinct counts and histograms."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


EXACT = 10_000
"""Maximum number of distinct values that are counted exactly."""
CONFIDENCE_Z = 1.96
"""Half width of a 95 % interval of the normal distribution, in standard deviations."""

_LEAST_BITS, _MOST_BITS = 10, 18


class DistinctCount:
    """Counts distinct values: exactly while there are few, then by HyperLogLog.

    Args:
        error: Half width of the 95 % interval, as a share of the count; at least 0.4 %.

    Source:
        Flajolet, Fusy, Gandouet, Meunier, HyperLogLog, AofA 2007; estimated as in Ertl, New
        cardinality estimation algorithms for HyperLogLog sketches, 2017, which has no bias at any
        size.
    """

    def __init__(self, *, error: float) -> None:
        wanted = math.ceil(math.log2((CONFIDENCE_Z * 1.04 / error) ** 2))
        self._bits = min(max(wanted, _LEAST_BITS), _MOST_BITS)
        self._registers = np.zeros(1 << self._bits, dtype=np.uint8)
        self._few: np.ndarray | None = np.empty(0, dtype=np.uint64)

    @property
    def exact(self) -> bool:
        """Whether the count is exact."""
        return self._few is not None

    @property
    def error(self) -> float:
        """Half width of the 95 % interval as a share of the count; 0 if it is exact."""
        return 0.0 if self.exact else CONFIDENCE_Z * 1.04 / math.sqrt(len(self._registers))

    @property
    def count(self) -> int:
        """Return the number of distinct values, without missing ones."""
        if self._few is not None:
            return len(self._few)
        return round(_estimate(self._registers, self._bits))

    def add(self, values: pa.Array) -> None:
        """Process the next values."""
        hashes = _hashes(values)
        if self._few is not None:
            few = np.union1d(self._few, hashes)
            self._few = few if len(few) <= EXACT else None
            if self._few is not None:
                return
            hashes = few
        place = (hashes >> np.uint64(64 - self._bits)).astype(np.int64)
        rest = hashes << np.uint64(self._bits)
        # The position of the highest bit; for a remainder of zero, all bits are empty. frexp is
        # exact enough: it rounds up to a power of two once in 2**53 values.
        _, exponent = np.frexp(rest.astype(np.float64))
        rank = np.where(rest == 0, 65 - self._bits, 65 - exponent).astype(np.uint8)
        np.maximum.at(self._registers, place, rank)


def _estimate(registers: np.ndarray, bits: int) -> float:
    size, longest = len(registers), 64 - bits
    counts = np.bincount(registers, minlength=longest + 2).tolist()
    weight = size * _tau(1 - counts[longest + 1] / size)
    for rank in range(longest, 0, -1):
        weight = (weight + counts[rank]) / 2
    weight += size * _sigma(counts[0] / size)
    return size**2 / (2 * math.log(2)) / weight


def _sigma(share: float) -> float:
    """Return the weight of the empty registers."""
    total, factor = share, 1.0
    while True:
        share *= share
        before = total
        total += share * factor
        factor *= 2
        if total == before:
            return total


def _tau(share: float) -> float:
    """Return the weight of the full registers."""
    if share in (0.0, 1.0):
        return 0.0
    total, factor = 1 - share, 1.0
    while True:
        share = math.sqrt(share)
        before = total
        factor /= 2
        total -= (1 - share) ** 2 * factor
        if total == before:
            return total / 3


def _hashes(values: pa.Array) -> np.ndarray:
    """Return 64 bits for each value that is not missing."""
    import pandas as pd
    import pyarrow as pa

    present = values.drop_null()
    kind = present.type
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        width = pa.int32() if kind.bit_width == 32 else pa.int64()
        present = present.view(width)
    if pa.types.is_integer(present.type) or pa.types.is_floating(present.type):
        plain = present.to_numpy(zero_copy_only=False)
        if pa.types.is_floating(present.type):
            # Zero has one hash, whatever its sign; NaN is missing.
            plain = plain[~np.isnan(plain)].astype(np.float64) + 0.0
        return pd.util.hash_array(plain)
    try:
        texts = present.unique().cast(pa.large_string())
        plain = texts.to_numpy(zero_copy_only=False)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        plain = np.array([repr(value) for value in present.to_pylist()], dtype=object)
    return pd.util.hash_array(plain, categorize=False)


_MOST = 64
"""Maximum number of bins while counting; at least half of it is used once two values differ."""


class Histogram:
    """Counts numbers in bins of equal width, a power of two that doubles as the range grows.

    Doubling merges neighbouring bins, so all counts are exact in one pass.

    Args:
        least_width: Minimum width of the bins, a power of two; 0 for none.
    """

    def __init__(self, *, least_width: float = 0.0) -> None:
        self._least = least_width
        self._width = 0.0
        self._counts: Counter[int] = Counter()

    def add(self, values: np.ndarray) -> None:
        """Process the next numbers, ignoring those that are not finite."""
        values = values[np.isfinite(values)].astype(np.float64)
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        if not self._width:
            self._width = max(_first_width(low, high), self._least)
        # First make bins so wide that the positions of all numbers are 64-bit integers.
        while max(abs(low), abs(high)) * 2.0**-61 > self._width:
            self._double()
        while self._span(low, high) >= _MOST:
            self._double()
        places, counts = np.unique(self._places(values), return_counts=True)
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            self._counts[place] += count

    def bins(self, most: int) -> list[tuple[float, float, int]]:
        """Return the bins from the lowest to the highest with values: low, high, count.

        Args:
            most: Maximum number of bins; pairs are merged.
        """
        counts, width = self._counts, self._width
        while counts and max(counts) - min(counts) >= most:
            counts, width = _halved(counts), width * 2
        if not counts:
            return []
        places = range(min(counts), max(counts) + 1)
        return [(place * width, (place + 1) * width, counts[place]) for place in places]

    def _places(self, values: np.ndarray) -> np.ndarray:
        """Return the bin number of each value."""
        places = np.floor(values / self._width)
        # A quotient that underflows to -0.0 belongs to the bin below zero.
        return np.where((places == 0) & (values < 0), -1, places).astype(np.int64)

    def _double(self) -> None:
        self._width *= 2
        self._counts = _halved(self._counts)

    def _span(self, low: float, high: float) -> int:
        """Return the number of bins between the first and the last."""
        places: list[int] = self._places(np.array([low, high])).tolist()
        places += [min(self._counts), max(self._counts)] if self._counts else []
        return max(places) - min(places)


def _first_width(low: float, high: float) -> float:
    """Return a power of two that divides the range into at most `_MOST` bins."""
    largest = max(abs(low), abs(high))
    # Divide before subtracting: the range of all floats is not a float.
    span = high / _MOST * 2 - low / _MOST * 2
    least = max(span, largest * 2.0**-50, 2.0**-1000)
    return float(2.0 ** math.floor(math.log2(least))) if largest else 1.0


def _halved(counts: Counter[int]) -> Counter[int]:
    halved: Counter[int] = Counter()
    for place, count in counts.items():
        halved[place >> 1] += count
    return halved
