"""Histograms of latencies and of differences between answers, with buckets that grow by a constant factor.

Source:
    C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
    relative-error guarantees", VLDB 2019.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

ERROR = 0.02
"""Largest relative error of a quantile."""

_LOG = math.log((1 + ERROR) / (1 - ERROR))
_LEAST = 1e-9


def bucket_of(value: float) -> int:
    """Return the number of the bucket of a positive value; values below 1e-9 share one."""
    return math.ceil(math.log(max(value, _LEAST)) / _LOG)


def quantile(buckets: Mapping[int, int], share: float) -> float | None:
    """Return a quantile of the values; None if there are none.

    Args:
        buckets: Number of values by bucket.
        share: From 0 to 1; 0.95 for p95.
    """
    total = sum(buckets.values())
    if not total:
        return None
    rank, seen = math.ceil(share * total), 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= rank:
            break
    return 2 * math.exp(bucket * _LOG) / (math.exp(_LOG) + 1)


def merged(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Return the sum of histograms."""
    total: Counter[int] = Counter()
    for one in histograms:
        total.update(one)
    return dict(total)
