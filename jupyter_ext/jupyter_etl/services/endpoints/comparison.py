"""Statistics of calls, and the comparison of two versions by them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_etl.model import CallCounts, CallRole
from jupyter_etl.serving.histograms import merged, quantile

_Z = 1.959964
"""The normal distribution has 95 % of its mass within this many standard deviations."""


@dataclass(frozen=True, kw_only=True)
class CallStatistics:
    """Calls of an endpoint, or of one of its versions.

    Args:
        calls, errors, refused: As in `CallCounts`.
        p50_ms, p95_ms: Quantiles of the latency in milliseconds; None without calls.
    """

    calls: int
    errors: int
    refused: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A share with its 95 % confidence interval; all None without observations.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
        Journal of the American Statistical Association 22, 1927.
    """

    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class VersionComparison:
    """How two versions of an endpoint did since an instant.

    Args:
        name, before, after: The endpoint, and the numbers of the versions.
        since: The calls from here on are compared, UTC.
        statistics: The calls of each version, ``before`` first.
        errors: The share of the calls of each version that failed.
        compared: Number of requests that both versions answered, one of them as the shadow.
        differing: The share of them with different answers.
        gap_p50, gap_p95: Quantiles of the largest difference between two numbers in these answers;
            None if no numbers differ.
    """

    name: str
    before: int
    after: int
    since: datetime
    statistics: tuple[CallStatistics, CallStatistics]
    errors: tuple[Interval, Interval]
    compared: int
    differing: Interval
    gap_p50: float | None
    gap_p95: float | None


def compare_calls(
    counts: Sequence[CallCounts], before: int, after: int, *, name: str, since: datetime
) -> VersionComparison:
    """Compare the calls of two versions of an endpoint since an instant."""
    # Drafts have numbers of their own.
    of = [
        [one for one in counts if one.version == number and one.role is not CallRole.DRAFT]
        for number in (before, after)
    ]
    shadows = [one for both in of for one in both if one.compared]
    compared = sum(one.compared for one in shadows)
    differing = sum(one.differing for one in shadows)
    gaps = merged(one.gaps for one in shadows)
    first, second = (statistics_of(one) for one in of)
    return VersionComparison(
        name=name,
        before=before,
        after=after,
        since=since,
        statistics=(first, second),
        errors=(wilson(first.errors, first.calls), wilson(second.errors, second.calls)),
        compared=compared,
        differing=wilson(differing, compared),
        gap_p50=quantile(gaps, 0.5),
        gap_p95=quantile(gaps, 0.95),
    )


def statistics_of(counts: Sequence[CallCounts]) -> CallStatistics:
    """Return the statistics of calls."""
    seconds = merged(one.seconds for one in counts)
    p50, p95 = quantile(seconds, 0.5), quantile(seconds, 0.95)
    return CallStatistics(
        calls=sum(one.calls for one in counts),
        errors=sum(one.errors for one in counts),
        refused=sum(one.refused for one in counts),
        p50_ms=None if p50 is None else round(1e3 * p50, 3),
        p95_ms=None if p95 is None else round(1e3 * p95, 3),
    )


def wilson(count: int, total: int) -> Interval:
    """Return the share of ``count`` in ``total`` with its confidence interval."""
    if not total:
        return Interval(share=None, low=None, high=None)
    share = count / total
    center = (share + _Z**2 / (2 * total)) / (1 + _Z**2 / total)
    spread = math.sqrt(share * (1 - share) / total + (_Z / (2 * total)) ** 2)
    half = _Z * spread / (1 + _Z**2 / total)
    return Interval(share=share, low=max(0.0, center - half), high=min(1.0, center + half))
