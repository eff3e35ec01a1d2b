"""Conversion of data to JSON without silent loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from jupyter_etl.rest.views.sources import Preview, PreviewColumn
from jupyter_etl.services.preview import values_of

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT = 2**53
"""Larger integers are not exact in a browser, so they are sent as text."""

_LONGEST = 10_000
"""Maximum number of characters of one cell; cut texts are marked."""


def preview_of(data: pa.Table, total_rows: int | None, line: str) -> Preview:
    """Make the view of some rows.

    Args:
        total_rows: Total number of rows, if known.
        line: Command line that shows the same rows in a notebook or a terminal.
    """
    columns = [map(cell_value, values_of(column)) for column in data.columns]
    return Preview(
        columns=tuple(PreviewColumn(name=one.name, type=str(one.type)) for one in data.schema),
        rows=[list(row) for row in zip(*columns, strict=True)],
        total_rows=total_rows,
        line=line,
    )


def cell_value(value: object) -> object:
    """Convert one value to JSON.

    Dates and times become ISO text, decimals and integers beyond 2**53 text, bytes hex, NaN null,
    infinities the text ``inf`` and ``-inf``; nested values are converted recursively.
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


def _short(text: str, length: int) -> str:
    if length <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({length:,} characters)"
