"""Summaries of data from one pass: profiles, samples and estimates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One bar of a histogram.

    Args:
        low: Lower edge, inclusive; of the column's type, text for dates and times.
        high: Upper edge, exclusive.
        rows: Number of values in it.
    """

    low: float | str
    high: float | str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Frequent:
    """A frequent value.

    Args:
        value: The value as text.
        rows: Exact number of occurrences.
    """

    value: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """The profile of one column. Statistics that its type lacks are None or empty.

    Args:
        name: Name of the column.
        type: Arrow type.
        nulls: Number of rows without a value, including NaN.
        distinct: Number of distinct values.
        distinct_error: Half width of the 95 % interval as a share of ``distinct``; 0 for exact.
        least: The smallest value, exact; a number, else as text.
        greatest: The greatest value, exact.
        mean: Mean of numbers, exact up to rounding.
        std: Standard deviation of the rows, exact up to rounding.
        quantiles: Values at 5, 25, 50, 75 and 95 %, from a random sample.
        bins: The exact histogram, from the smallest to the greatest value.
        frequent: The most frequent values, if there are at most a thousand distinct ones.
    """

    name: str
    type: str
    nulls: int
    distinct: int
    distinct_error: float
    least: float | int | str | None = None
    greatest: float | int | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float | int | str, ...] = ()
    bins: tuple[Bin, ...] = ()
    frequent: tuple[Frequent, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The profile of a table.

    Args:
        name: Name as requested.
        rows: Exact number of rows.
        columns: Columns in order.
        sampled_rows: Number of sampled rows for the quantiles.
        rank_error: Maximum rank error of a quantile, as a share of the rows, at 95 %; 0 for exact.
    """

    name: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    sampled_rows: int
    rank_error: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate with its error.

    Args:
        text: The question: ``mean(fare)``.
        value: The estimate; None if there are no values. Text for quantiles of dates and times.
        low: Lower end of the 95 % interval; the value if it is exact.
        high: Upper end of the interval.
        exact: Whether there is no error except rounding.
        rows: Number of rows used.
        total_rows: Total number of rows; None if unknown.
        note: How it was computed, and the cost of an exact answer.
    """

    text: str
    value: float | int | str | None
    low: float | int | str | None
    high: float | int | str | None
    exact: bool
    rows: int
    total_rows: int | None
    note: str
