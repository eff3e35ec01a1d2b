"""Seeded samples of the rows of a stream, and confidence intervals of their means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


_SLACK_ROWS = 65_536
"""Number of excess candidates after which those that are out are discarded."""


class RowSample:
    """Samples the rows of a stream.

    Every row gets a random number between 0 and 1. A share keeps the rows with numbers below it; a
    number of rows keeps those with the smallest numbers: all sets of that size are equally likely.
    The numbers depend only on the seed and the row's position, so the same rows in the same order
    give the same sample, regardless of their batches.

    Args:
        rows: Number of rows to keep; None if a share is given.
        share: Probability of each row, from 0 to 1.
        seed: Seed of the random numbers.
        by: Column to sample by: the amount applies to each of its values, with at least one row
            for a share; None for a simple sample.

    Source:
        Bottom-k sampling: Cohen and Kaplan, Summarizing data using bottom-k sketches, PODC 2007.
    """

    def __init__(
        self,
        schema: pa.Schema,
        *,
        rows: int | None = None,
        share: float = 1.0,
        seed: int,
        by: str | None = None,
    ) -> None:
        self._rows = rows
        self._share = share
        self._by = by
        self._random = np.random.default_rng(seed)
        self._table = schema.empty_table()
        self._keys = np.empty(0)
        self._limit = 1.0 if rows is not None or by is not None else share
        self._waiting: list[pa.Table] = []
        self._waiting_keys: list[np.ndarray] = []
        self._waiting_rows = 0
        self.seen = 0
        """Number of rows processed."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Process the next rows."""
        import pyarrow as pa

        keys = self._random.random(batch.num_rows)
        self.seen += batch.num_rows
        chosen = np.flatnonzero(keys < self._limit)
        if not len(chosen):
            return
        self._waiting.append(pa.Table.from_batches([batch.take(pa.array(chosen))]))
        self._waiting_keys.append(keys[chosen])
        self._waiting_rows += len(chosen)
        if self._waiting_rows > max(_SLACK_ROWS, len(self._keys)):
            self._settle()

    @property
    def kept_bytes(self) -> int:
        """Bytes of the sampled rows so far, without the candidates."""
        return int(self._table.nbytes)

    def table(self) -> pa.Table:
        """Return the sampled rows in their original order."""
        self._settle()
        return self._table

    def _settle(self) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.concat_tables([self._table, *self._waiting])
        keys = np.concatenate([self._keys, *self._waiting_keys])
        kept = self._kept(table, keys)
        self._table, self._keys = table.take(pa.array(kept)).combine_chunks(), keys[kept]
        self._waiting, self._waiting_keys, self._waiting_rows = [], [], 0
        if self._by is None and self._rows is not None and len(kept) == self._rows:
            self._limit = float(self._keys.max(initial=0.0))

    def _kept(self, table: pa.Table, keys: np.ndarray) -> np.ndarray:
        """Return the positions of the rows to keep, ascending."""
        if self._by is not None:
            rank = _rank_in_group(table.column(self._by), keys)
            good = (
                rank < self._rows if self._rows is not None else (keys < self._share) | (rank < 1)
            )
            return np.flatnonzero(good)
        if self._rows is None or len(keys) <= self._rows:
            return np.arange(len(keys))
        return np.sort(np.argpartition(keys, self._rows)[: self._rows])


def _rank_in_group(column: pa.ChunkedArray, keys: np.ndarray) -> np.ndarray:
    """Return for each row how many rows of its group have a smaller key."""
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    groups = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.lexsort((keys, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(starts, append=len(keys)))
    return rank


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
