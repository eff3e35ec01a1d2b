"""Estimates of single figures of a table, with their error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jupyter_etl.checks.row_sample import RowSample, half_width
from jupyter_etl.checks.sketches import DistinctCount
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.exploration import (
    Amount,
    Question,
    parse_percent,
    parse_question,
)
from jupyter_etl.model import Estimate
from jupyter_etl.notebook.exploration import SampledTable, known_column, sampled_by_database

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.notebook.session import DataSession

_SEED = 0


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """The values of an estimate.

    Args:
        values: Values of the column in the sampled rows.
        total: Total number of rows.
    """

    values: pa.ChunkedArray
    total: int

    @property
    def whole(self) -> bool:
        return len(self.values) == self.total


def approx_data(session: DataSession, question: str, *, error: str = "1%") -> Estimate:
    """Estimate one figure.

    Args:
        question: ``quantile(fare, .95) of trips``; see `parse_question`.
        error: Intended half width of the 95 % interval: relative for a distinct count, of the
            rank for a quantile. Mean and sum use as many rows as a quantile.

    Returns:
        The figure and its interval. It is exact, and marked as such, if that costs no more.

    Raises:
        DeclarationError: The question or the error is not valid, or does not apply to the column.
        NotFound, SourceError, PublishError: The table cannot be read.
    """
    asked, share = parse_question(question), parse_percent(error)
    if asked.measure == "count_distinct":
        return _distinct(session, asked, share)
    # Massart's bound: the rank of every value is within `share` in 95 of 100 samples.
    wanted = math.ceil(math.log(2 / 0.05) / (2 * share**2))
    drawn = _by_database(session, asked, wanted)
    if drawn is not None and not drawn.whole:
        if asked.measure == "quantile":
            return _quantile(asked, drawn, share)
        return _from_sample(asked, drawn)
    if asked.measure == "quantile":
        return _quantile(asked, _by_stream(session, asked, wanted), share)
    return _exactly(session, asked)


def _by_database(session: DataSession, asked: Question, wanted: int) -> _Drawn | None:
    amount = Amount(rows=wanted)
    table = SampledTable(name=asked.table, amount=amount, seed=_SEED, columns=(asked.column,))
    found = sampled_by_database(session, table)
    if found is None:
        return None
    return _Drawn(values=_numeric(asked, found[0].column(0)), total=found[1])


def _by_stream(session: DataSession, asked: Question, wanted: int) -> _Drawn:
    reader = _reader(session, asked)
    drawn = RowSample(reader.schema, rows=wanted, seed=_SEED)
    for batch in reader:
        drawn.add(batch)
    return _Drawn(values=_numeric(asked, drawn.table().column(0)), total=drawn.seen)


def _reader(session: DataSession, asked: Question) -> pa.RecordBatchReader:
    target = session.find(asked.table)
    if target.variable is not None:
        from jupyter_etl.notebook.frames import to_arrow

        known_column(asked.column, to_arrow(target.variable, what=asked.table).column_names)
    return session.stream(asked.table, columns=(asked.column,))


def _distinct(session: DataSession, asked: Question, error: float) -> Estimate:
    counted, rows = DistinctCount(error=error), 0
    for batch in _reader(session, asked):
        counted.add(batch.column(0))
        rows += batch.num_rows
    count, half = counted.count, counted.error
    note = "Exact: there are few enough distinct values to count them all."
    if not counted.exact:
        missed = "" if half <= error else f" The smallest possible error is {half:.1%}."
        note = f"HyperLogLog, ±{half:.2%} in 95 of 100 cases, in constant memory.{missed}"
    return Estimate(
        text=asked.text, value=count, low=math.floor(count * (1 - half)),
        high=math.ceil(count * (1 + half)), exact=counted.exact, rows=rows, total_rows=rows,
        note=note,
    )  # fmt: skip


def _quantile(asked: Question, drawn: _Drawn, error: float) -> Estimate:
    ordered = drawn.values.drop_null().sort()
    share = asked.share or 0.0
    reach = 0.0 if drawn.whole else max(error, math.sqrt(math.log(40) / (2 * max(len(ordered), 1))))

    def at(rank: float) -> float | int | str | None:
        place = min(max(math.ceil(rank * len(ordered)) - 1, 0), len(ordered) - 1)
        value = ordered[place].as_py() if len(ordered) else None
        return value if isinstance(value, int | float) or value is None else str(value)

    note = (
        f"The interval has the values at {share - reach:.1%} and {share + reach:.1%} of a sample."
    )
    if drawn.whole:
        note = "Exact: a sample for this error would be as large as the table."
    return Estimate(
        text=asked.text, value=at(share), low=at(share - reach), high=at(share + reach),
        exact=drawn.whole, rows=len(drawn.values), total_rows=drawn.total, note=note,
    )  # fmt: skip


def _from_sample(asked: Question, drawn: _Drawn) -> Estimate:
    """Estimate a mean or sum from sampled rows."""
    import pyarrow as pa

    rows, total = len(drawn.values), drawn.total
    values = drawn.values.cast(pa.float64())
    if asked.measure == "sum":
        # A missing value adds nothing: the sum is the mean of all rows, with 0 for NULL, times
        # their number.
        values, times = values.fill_null(0.0), total
    else:
        values, times = values.drop_null(), 1
    numbers = values.to_numpy()
    exact_too = "For the exact figure, the database scans the table once: use %etl sql."
    if len(numbers) < 2:
        return Estimate(
            text=asked.text, value=None, low=None, high=None, exact=False, rows=rows,
            total_rows=total, note=f"The sample has too few values. {exact_too}",
        )  # fmt: skip
    value = float(np.mean(numbers)) * times
    half = half_width(numbers, drawn=rows, total=total) * times
    share = f" (±{half / abs(value):.2%})" if value else ""
    return Estimate(
        text=asked.text, value=value, low=value - half, high=value + half, exact=False, rows=rows,
        total_rows=total, note=f"95 % interval by the normal approximation{share}. {exact_too}",
    )  # fmt: skip


def _exactly(session: DataSession, asked: Question) -> Estimate:
    """Add up all values if they have to be read anyway."""
    import pyarrow as pa
    import pyarrow.compute as pc

    reader, rows, count = _reader(session, asked), 0, 0
    whole = pa.types.is_integer(reader.schema.field(0).type)
    total: int | float = 0
    for batch in reader:
        values = _numeric(asked, batch.column(0)).drop_null()
        rows, count = rows + batch.num_rows, count + len(values)
        if whole:
            # Halves of 32 bits: their sums cannot overflow where the sum of the numbers might.
            numbers = values.to_numpy(zero_copy_only=False)
            high = int(np.sum(numbers >> 32, dtype=np.int64))
            total += (high << 32) + int(np.sum(numbers & 0xFFFFFFFF, dtype=np.int64))
        else:
            total += pc.sum(values.cast(pa.float64())).as_py() or 0.0
    value: int | float | None = total
    if asked.measure == "mean":
        value = total / count if count else None
    return Estimate(
        text=asked.text, value=value, low=value, high=value, exact=True, rows=rows,
        total_rows=rows,
        note="Exact: every row has to be read anyway.",
    )  # fmt: skip


def _numeric(asked: Question, values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Reject a column without numbers; NaN becomes NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = values.type, pa.types
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if not numeric and not (asked.measure == "quantile" and types.is_temporal(kind)):
        raise DeclarationError(
            f"{asked.text} needs numbers, and {asked.column} is {kind}.",
            hint=f"Use count_distinct({asked.column}).",
        )
    return pc.if_else(pc.is_nan(values), None, values) if types.is_floating(kind) else values
