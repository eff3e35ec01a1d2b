"""What looking at data in one pass tells: profiles, samples and estimates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One bar of a histogram.

    Args:
        low: Its lower edge, which belongs to it; of the column's type, for dates and times a text.
        high: Its upper edge, which does not.
        rows: How many values lie in it.
    """

    low: float | str
    high: float | str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Frequent:
    """A value that occurs often.

    Args:
        value: As text.
        rows: How often, exactly.
    """

    value: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What one column holds. What its type does not have is None or empty.

    Args:
        name: Of the column.
        type: Of Arrow.
        nulls: Rows without a value; NaN counts as none.
        distinct: Different values.
        distinct_error: Half width of the 95 % interval as a share of ``distinct``; 0 for exact.
        least: The smallest value, exact; a number, else as text.
        greatest: The greatest, exact.
        mean: Of numbers, exact up to rounding.
        std: Standard deviation of the rows, exact up to rounding.
        quantiles: Values at 5, 25, 50, 75 and 95 %, of a random sample.
        bins: The histogram, exact; from the smallest to the greatest value.
        frequent: The most frequent values, where there are at most a thousand different ones.
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
    """What a table holds.

    Args:
        name: As it was asked for.
        rows: How many, exactly.
        columns: In order.
        sampled_rows: How many of them the quantiles are from.
        rank_error: Most that a quantile's rank is off, as a share of the rows, at 95 %; 0 for
            exact.
    """

    name: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    sampled_rows: int
    rank_error: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An answer with its error.

    Args:
        text: What was asked: ``mean(fare)``.
        value: The answer; None where there is no value to answer from. For the quantile of dates
            and times a text.
        low: Lower end of the 95 % interval; the value where it is exact.
        high: Its upper end.
        exact: Whether there is no error but that of rounding.
        rows: Rows that were looked at.
        total_rows: Rows there are; None where nobody counted.
        note: How it was found, and what an exact answer would cost.
    """

    text: str
    value: float | int | str | None
    low: float | int | str | None
    high: float | int | str | None
    exact: bool
    rows: int
    total_rows: int | None
    note: str
