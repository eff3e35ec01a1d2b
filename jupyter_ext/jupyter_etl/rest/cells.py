"""Rows of data as JSON that loses nothing silently."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT = 2**53
"""Whole numbers beyond it are not exact in a browser, so they go as text."""

_LONGEST = 10_000
"""Characters of one cell; what is cut says so."""


def preview_view(data: pa.Table, total_rows: int | None) -> dict[str, object]:
    """Make the JSON of some rows.

    Args:
        total_rows: How many there are in all, where that is known.

    Returns:
        ``columns`` with name and Arrow type, ``rows`` as lists in their order, ``total_rows``.
    """
    columns = [_column(data.column(index)) for index in range(data.num_columns)]
    return {
        "columns": [{"name": field.name, "type": str(field.type)} for field in data.schema],
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "total_rows": total_rows,
    }


def cell_value(value: object) -> object:
    """Turn one value into JSON.

    Dates and times become ISO text, decimals and whole numbers beyond 2**53 text, bytes hex,
    NaN null, infinities the text ``inf`` and ``-inf``; nested values are walked through.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return _short(value[:_LONGEST].hex(), 2 * len(value))
    if isinstance(value, Mapping):
        return {str(key): cell_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [cell_value(item) for item in value]
    if isinstance(value, Decimal | timedelta):
        return str(value)
    text = str(value)
    return _short(text, len(text))


def _column(column: pa.ChunkedArray) -> list[object]:
    try:
        return [cell_value(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):
        # An instant that Python's datetime cannot hold: nanoseconds, or the year 20,000.
        import pyarrow as pa

        return [cell_value(value) for value in column.cast(pa.string()).to_pylist()]


def _short(text: str, length: int) -> str:
    if length <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({length:,} characters)"
