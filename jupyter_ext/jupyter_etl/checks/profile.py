"""A profile of a stream of rows, in one pass with constant memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_etl.checks.row_sample import RowSample
from jupyter_etl.checks.sketches import DistinctCount, Histogram
from jupyter_etl.model import Bin, ColumnProfile, Frequent, Profile

if TYPE_CHECKING:
    import pyarrow as pa

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles of `ColumnProfile.quantiles`."""
SAMPLE_ROWS = 18_445
"""Sample size for a rank error of 1 % at 95 % confidence, for any distribution.

Source:
    Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, 1990.
"""

_BATCH_ROWS = 65_536
_BINS = 24
_FREQUENT = 5
_TALLIED = 1000
_CHARACTERS = 80
_DISTINCT_ERROR = 0.03
_SEED = 0


def profile_of(name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Profile:
    """Profile all rows.

    Returns:
        Exact except for the quantiles, and for distinct counts beyond ten thousand.
    """
    import pyarrow as pa

    columns = [_Column(field) for field in schema]
    places = [place for place, field in enumerate(schema) if _is_ordered(field.type)]
    ordered = pa.schema([schema.field(place) for place in places])
    drawn = RowSample(ordered, rows=SAMPLE_ROWS, seed=_SEED)
    rows = 0
    for whole in batches:
        for start in range(0, whole.num_rows, _BATCH_ROWS):
            batch = whole.slice(start, _BATCH_ROWS)
            rows += batch.num_rows
            for place, column in enumerate(columns):
                column.add(batch.column(place))
            if places:
                chosen = [batch.column(place) for place in places]
                drawn.add(pa.RecordBatch.from_arrays(chosen, schema=ordered))
    sample = dict(zip(places, drawn.table().columns, strict=True)) if places else {}
    kept = min(rows, SAMPLE_ROWS)
    return Profile(
        name=name,
        rows=rows,
        columns=tuple(column.summary(sample.get(place)) for place, column in enumerate(columns)),
        sampled_rows=kept,
        rank_error=0.0 if kept == rows else 0.01,
    )


class _Column:
    """The statistics of one column so far."""

    def __init__(self, field: pa.Field) -> None:
        self._name, self._type = field.name, field.type
        self._nulls = 0
        self._distinct = DistinctCount(error=_DISTINCT_ERROR)
        self._tally: dict[Any, int] | None = {} if _is_flat(field.type) else None
        self._ends: tuple[Any, Any] | None = None
        self._histogram = Histogram(least_width=_unit(field.type))
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, values: pa.Array) -> None:
        import pyarrow as pa

        present = _present(values)
        self._nulls += len(values) - len(present)
        if not len(present):
            return
        self._distinct.add(present)
        if _is_flat(present.type):
            self._count_each(present)
            self._widen(present)
        if _is_ordered(present.type):
            numbers = _numbers(present)
            self._histogram.add(numbers)
            if not pa.types.is_temporal(present.type):
                self._moments(numbers)

    def summary(self, sample: pa.ChunkedArray | None) -> ColumnProfile:
        """Return the profile.

        Args:
            sample: A random sample of its values.
        """
        tally = self._tally or {}
        often = sorted(tally.items(), key=lambda one: -one[1])[:_FREQUENT]
        least, greatest = self._ends or (None, None)
        return ColumnProfile(
            name=self._name,
            type=str(self._type),
            nulls=self._nulls,
            distinct=self._distinct.count,
            distinct_error=self._distinct.error,
            least=_shown(least),
            greatest=_shown(greatest),
            mean=self._mean if self._count else None,
            std=math.sqrt(self._squares / (self._count - 1)) if self._count > 1 else None,
            quantiles=_quantiles(sample) if sample is not None else (),
            bins=tuple(
                Bin(low=_edge(low, self._type), high=_edge(high, self._type), rows=rows)
                for low, high, rows in self._histogram.bins(_BINS)
            ),
            frequent=tuple(Frequent(value=str(_shown(v)), rows=n) for v, n in often),
        )

    def _count_each(self, present: pa.Array) -> None:
        if self._tally is None:
            return
        for one in present.value_counts():
            value = one["values"].as_py()
            self._tally[value] = self._tally.get(value, 0) + one["counts"].as_py()
            if len(self._tally) > _TALLIED:
                self._tally = None
                return

    def _widen(self, present: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        length = present.type if pa.types.is_duration(present.type) else None
        ends = pc.min_max(present.view(pa.int64()) if length else present)
        low, high = (
            ends[end].cast(length).as_py() if length else ends[end].as_py()
            for end in ("min", "max")
        )
        if self._ends is not None:
            low, high = min(low, self._ends[0]), max(high, self._ends[1])
        self._ends = low, high

    def _moments(self, numbers: np.ndarray) -> None:
        """Update mean and squared deviations (Chan, Golub and LeVeque, 1979)."""
        count = len(numbers)
        with np.errstate(all="ignore"):
            mean = float(np.mean(numbers))
            squares = float(np.sum((numbers - mean) ** 2))
            apart, total = mean - self._mean, self._count + count
            self._squares += squares + apart**2 * self._count * count / total
        self._mean += apart * count / total
        self._count = total


def _present(values: pa.Array) -> pa.Array:
    """Return the values without NULL and NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _plain(values)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    return values.drop_null()


def _plain(values: pa.Array) -> pa.Array:
    """Convert a column to a type that Arrow's functions support."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(values.type):
        return _plain(values.dictionary_decode())
    if types.is_float16(values.type):
        return values.cast(pa.float32())
    if types.is_string_view(values.type):
        return values.cast(pa.large_string())
    return values


def _is_ordered(kind: pa.DataType) -> bool:
    """Return whether a type has quantiles and a histogram: numbers, dates and times."""
    import pyarrow as pa

    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or (types.is_temporal(kind) and not types.is_interval(kind))
    )


def _is_flat(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    codes = types.is_binary(kind) or types.is_large_binary(kind) or types.is_boolean(kind)
    if types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    return bool(texts or codes or _is_ordered(kind))


def _numbers(present: pa.Array) -> np.ndarray:
    """Return numbers unchanged, dates and times as counts of their unit."""
    import pyarrow as pa

    kind = present.type
    if pa.types.is_temporal(kind):
        present = present.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif pa.types.is_decimal(kind):
        present = present.cast(pa.float64())
    return np.asarray(present.to_numpy(zero_copy_only=False), dtype=np.float64)


def _quantiles(sample: pa.ChunkedArray) -> tuple[float | int | str, ...]:
    """Return values of the sample itself, which works for every ordered type."""
    present = _present(sample.combine_chunks())
    if not len(present):
        return ()
    order = np.argsort(_numbers(present), kind="stable")
    places = [order[max(math.ceil(share * len(order)) - 1, 0)] for share in QUANTILES]
    found = [_shown(present[int(place)].as_py()) for place in places]
    return tuple(value for value in found if value is not None)


def _unit(kind: pa.DataType) -> float:
    """Return the minimum bin width: integers, dates and times have nothing between two units."""
    import pyarrow as pa

    whole = pa.types.is_integer(kind) or pa.types.is_temporal(kind)
    return 1.0 if whole else 0.0


def _edge(edge: float, kind: pa.DataType) -> float | str:
    import pyarrow as pa

    if not pa.types.is_temporal(kind):
        return edge
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    try:
        return str(pa.array([math.floor(edge)], width).view(kind)[0].as_py())
    except (OverflowError, ValueError, pa.ArrowInvalid):
        # The edge of a bin may be beyond the last date.
        return "…"


def _shown(value: object) -> float | int | str | None:
    """Return a number unchanged, anything else as text of limited length."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, bytes):
        return f"0x{value[: _CHARACTERS // 2].hex()}"
    text = str(value)
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
