"""The mean of a sample, with a confidence interval for the mean of all rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class MeanInterval:
    """The mean of a column of a sample.

    Args:
        column: Name of the column.
        mean: Mean of the sampled values, without NaN and missing ones.
        low: Lower end of the 95 % interval for the mean of all rows.
        high: Upper end of the interval.
        values: Number of values.
    """

    column: str
    mean: float
    low: float
    high: float
    values: int


def mean_intervals(sample: pa.Table, total_rows: int) -> list[MeanInterval]:
    """Return the intervals of all numeric columns with at least two values.

    Args:
        sample: Rows drawn without replacement with equal probability.
        total_rows: Number of rows that they were drawn from.
    """
    import pyarrow as pa

    found = []
    for field, column in zip(sample.schema, sample.columns, strict=True):
        types = pa.types
        if types.is_integer(field.type) or types.is_floating(field.type):
            pass
        elif types.is_decimal(field.type):
            column = column.cast(pa.float64())
        else:
            continue
        values = column.drop_null().to_numpy().astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values) > 1:
            half = half_width(values, drawn=sample.num_rows, total=total_rows)
            mean = float(values.mean())
            low, high = mean - half, mean + half
            found.append(
                MeanInterval(column=field.name, mean=mean, low=low, high=high, values=len(values))
            )
    return found


def half_width(values: np.ndarray, *, drawn: int, total: int) -> float:
    """Return half the width of the 95 % interval of a mean.

    Args:
        values: At least two values.
        drawn: Number of sampled rows, including those without a value.
        total: Number of rows that they were drawn from.

    Source:
        Cochran, Sampling Techniques, 1977, 2.5 (finite population); Student's quantile by the
        expansion of Abramowitz and Stegun 26.7.5.
    """
    left = math.sqrt(max(0.0, 1 - drawn / total)) if total else 0.0
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return _student(len(values) - 1) * error * left


def _student(freedom: int) -> float:
    z = NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / (4 * freedom)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return z + first + second
