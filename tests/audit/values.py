"""Values of different readers, made comparable, and why they may differ."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fakes.published_file import bits_of

NOT_CANONICAL = "a number that is not written as it would be written back is text"
MISSING = "a text that pandas takes for missing is text in a column of texts"
DIGITS = "a number with more digits than a double has is text"
DATE = "pandas leaves dates and times as text"

_MISSING = {"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "", "-nan", "<NA>", "#N/A"}


def same_bits(back: pa.Table, rows: pa.Table) -> bool:
    """Tell whether every value is read back; types of a table may be wider."""
    for after, before in zip(back.columns, rows.columns, strict=True):
        if pa.types.is_null(before.type) and after.null_count == len(after):
            # Tables do not support the type.
            continue
        kept = after.cast(before.type)
        if not kept.equals(before) and bits_of(kept) != bits_of(before):
            return False
    return True


def plain(value: Any) -> Any:
    """Make values of numpy, pandas and Python equal where they mean the same."""
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case None | pd.NaT:
            return None
        case bool():
            return ("bool", value)
        case float():
            return None if value != value else value
        case dict():
            return {key: plain(item) for key, item in value.items() if item is not None}
        case list() | tuple() | np.ndarray():
            return [plain(item) for item in value]
        case datetime():
            at = pd.Timestamp(value)
            return at.tz_convert("UTC") if at.tzinfo else at
        case date():
            return pd.Timestamp(value)
    return value


def because(column: str, ours: Any, theirs: Any) -> str:
    """Return why two values differ."""
    if isinstance(ours, pd.Timestamp | time) and isinstance(theirs, str):
        return DATE if _moment(theirs, ours) == ours else f"{column}: {ours!r}, not {theirs!r}"
    if isinstance(ours, str) and theirs is None and ours.strip() in _MISSING:
        return MISSING
    if isinstance(ours, str) and isinstance(theirs, int | float):
        try:
            exact = Decimal(ours.strip())
        except InvalidOperation:
            return f"{column}: {ours!r}, not {theirs!r}"
        if exact == Decimal(theirs) or Decimal(repr(theirs)) == exact:
            return NOT_CANONICAL
        if float(exact) == theirs:
            return DIGITS
    return f"{column}: {ours!r}, not {theirs!r}"


def _moment(text: str, like: object) -> object:
    if isinstance(like, time):
        return time.fromisoformat(text.strip().zfill(5))
    try:
        at = pd.Timestamp(text)
    except ValueError:
        return None
    return at.tz_convert("UTC") if at.tzinfo else at
