"""A histogram of a stream whose range nobody knows beforehand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

_MOST = 64
"""Bins while counting; the least is half of it as soon as two values differ."""


class Histogram:
    """Counts numbers in bins of one width, a power of two, that doubles as the range grows.

    Doubling adds up neighbours, so all counts are exact in one pass.

    Args:
        least_width: A power of two that bins are not narrower than; 0 for none.
    """

    def __init__(self, *, least_width: float = 0.0) -> None:
        self._least = least_width
        self._width = 0.0
        self._counts: Counter[int] = Counter()

    def add(self, values: np.ndarray) -> None:
        """Take the next numbers; those that are not finite are left out."""
        values = values[np.isfinite(values)].astype(np.float64)
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        if not self._width:
            self._width = max(_first_width(low, high), self._least)
        # First so wide that the places of all numbers are 64 bit integers.
        while max(abs(low), abs(high)) * 2.0**-61 > self._width:
            self._double()
        while self._span(low, high) >= _MOST:
            self._double()
        places, counts = np.unique(self._places(values), return_counts=True)
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            self._counts[place] += count

    def bins(self, most: int) -> list[tuple[float, float, int]]:
        """Return the bins from the lowest to the highest that holds a value: low, high, count.

        Args:
            most: So many bins at most; pairs are added up.
        """
        counts, width = self._counts, self._width
        while counts and max(counts) - min(counts) >= most:
            counts, width = _halved(counts), width * 2
        if not counts:
            return []
        places = range(min(counts), max(counts) + 1)
        return [(place * width, (place + 1) * width, counts[place]) for place in places]

    def _places(self, values: np.ndarray) -> np.ndarray:
        """Return the number of the bin of each value."""
        places = np.floor(values / self._width)
        # A quotient that underflows to -0.0 is in the bin below zero.
        return np.where((places == 0) & (values < 0), -1, places).astype(np.int64)

    def _double(self) -> None:
        self._width *= 2
        self._counts = _halved(self._counts)

    def _span(self, low: float, high: float) -> int:
        """Return how many bins lie between the first and the last."""
        places: list[int] = self._places(np.array([low, high])).tolist()
        places += [min(self._counts), max(self._counts)] if self._counts else []
        return max(places) - min(places)


def _first_width(low: float, high: float) -> float:
    """Return a power of two that cuts the range into at most `_MOST` bins."""
    largest = max(abs(low), abs(high))
    # Divided before it is subtracted: the range of all floats is not a float.
    span = high / _MOST * 2 - low / _MOST * 2
    least = max(span, largest * 2.0**-50, 2.0**-1000)
    return float(2.0 ** math.floor(math.log2(least))) if largest else 1.0


def _halved(counts: Counter[int]) -> Counter[int]:
    halved: Counter[int] = Counter()
    for place, count in counts.items():
        halved[place >> 1] += count
    return halved
