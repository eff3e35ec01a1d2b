"""Random typed tables, and whether a value that was read is the value that was written."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

PARIS = "Europe/Paris"
MISSING = {
    *("", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "#N/A", "#NA", "<NA>"),
    *("#N/A N/A", "\\N", "-NaN", "-nan", "NAN", "NaT", "None"),
}
"""Texts that mean a missing value in a column of numbers or dates."""

_TEXTS = st.one_of(
    # pandas does not quote a carriage return that stands alone: Python's csv does so from 3.13 on.
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8),
    st.sampled_from(
        ["", " ", "NA", "null", "007", "0x1F", "+5", "1e5", "1.50", "true", "TRUE", "2026-01-01"]
    ),
    st.sampled_from(["10:00", "1,5", 'q"t', "a\nb", "a\\", '"', "=1+1", "-", "#N/A", "01/02/2026"]),
)
_SOME_FLOATS = st.sampled_from([0.1, 1e-5, 1e16, 1e22, 5e-324, -0.0, 2.0**53, 1e5, 123456.789])
_MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001

FLAT: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.one_of(
        st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**53 + 1, -(2**63), 0])
    ),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(width=32, allow_nan=True),
    pa.float64(): st.one_of(st.floats(), _SOME_FLOATS),
    pa.decimal128(9, 2): st.decimals(-(10**6), 10**6, places=2, allow_nan=False),
    pa.decimal128(38, 10): st.decimals(-(10**20), 10**20, places=10, allow_nan=False),
    pa.string(): _TEXTS,
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): _MOMENTS,
    pa.timestamp("ms"): _MOMENTS.map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    ),
    pa.timestamp("us", "UTC"): _MOMENTS.map(lambda at: at.replace(tzinfo=UTC)),
    # Before 1911 the offset of Paris has seconds, which no tool writes.
    pa.timestamp("us", PARIS): _MOMENTS.filter(lambda at: at.year > 1911).map(
        lambda at: at.replace(tzinfo=UTC).astimezone(ZoneInfo(PARIS))
    ),
}
"""Types without a structure, and their values."""

NESTED: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.list_(pa.int64()): st.lists(
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=3
    ),
    pa.list_(pa.string()): st.lists(st.one_of(st.none(), _TEXTS), max_size=3),
    pa.struct({"id": pa.int64(), "at": pa.string()}): st.fixed_dictionaries(
        {"id": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), "at": _TEXTS}
    ),
    pa.list_(pa.struct({"v": pa.float64()})): st.lists(
        st.fixed_dictionaries({"v": st.floats(allow_nan=False, allow_infinity=False)}), max_size=2
    ),
}
"""Types with a structure that JSON and Parquet have too."""

BINARY: dict[pa.DataType, st.SearchStrategy[object]] = {pa.binary(): st.binary(max_size=5)}

_NAMES = st.one_of(
    st.text("abcxyz_", min_size=1, max_size=5),
    st.sampled_from(["Id", "a b", "x,y", 'q"t', "é", "7", "select", "a.b", " c", "it's", "%"]),
)


@st.composite
def tables(
    draw: st.DrawFn, kinds: Mapping[pa.DataType, st.SearchStrategy[object]], *, least_rows: int = 0
) -> pa.Table:
    """Up to four columns and six rows of the given types; in half of the tables cells are NULL."""
    chosen = draw(st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=4))
    names = draw(
        st.lists(
            _NAMES,
            min_size=len(chosen),
            max_size=len(chosen),
            unique_by=lambda name: name.strip().casefold(),
        )
    )
    rows = draw(st.integers(least_rows, 6))
    nullable = draw(st.booleans())
    columns = []
    for kind in chosen:
        cell = st.one_of(st.none(), kinds[kind], kinds[kind]) if nullable else kinds[kind]
        columns.append(pa.array(draw(st.lists(cell, min_size=rows, max_size=rows)), kind))
    return pa.Table.from_arrays(columns, names=names)


def differences(
    written: pa.Table, got: pa.Table, same: Callable[[object, object, pa.DataType], bool]
) -> list[str]:
    """Compare two tables value by value.

    Args:
        written: What was given to the writer.
        got: What was read.
        same: Tells whether a written value and one that was read are equal; gets the type of the
            column that was read.

    Returns:
        A line for each column that differs.
    """
    if written.column_names != got.column_names:
        return [f"names: {written.column_names} became {got.column_names}"]
    if written.num_rows != got.num_rows:
        return [f"rows: {written.num_rows} became {got.num_rows}"]
    found = []
    for field, before, after in zip(written.schema, written.columns, got.columns, strict=True):
        pairs = list(zip(before.to_pylist(), after.to_pylist(), strict=True))
        wrong = [pair for pair in pairs if not same(*pair, after.type)]
        if wrong:
            found.append(f"{field.name!r} {field.type} became {after.type}: {wrong[:3]}")
    return found


def same_value(before: object, after: object, kind: pa.DataType) -> bool:
    """Compare values of formats that have types: Parquet, Delta, frames."""
    if isinstance(before, float) and isinstance(after, float):
        return _bits(before) == _bits(after) or (math.isnan(before) and math.isnan(after))
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(
            same_value(a, b, kind) for a, b in zip(before, after, strict=True)
        )
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(
            same_value(value, after[name], kind) for name, value in before.items()
        )
    if isinstance(before, float) and math.isnan(before):
        # pandas does not distinguish missing values from NaN.
        return after is None
    if isinstance(before, datetime) and isinstance(after, datetime):
        # Times that a clock shows twice are never equal to those of another zone.
        return _same_number_or_time(before, after)
    return type(before) is type(after) and before == after


def same_text(before: object, after: object, kind: pa.DataType) -> bool:
    """Compare values of formats that write cells as text: CSV, and JSON for types that it lacks.

    A value may come back as the text that was written, or as a wider type that holds it exactly.
    An empty text and a missing value are one in CSV.
    """
    if after is None:
        return before is None or _is_missing(before, kind)
    if before is None:
        return False
    if isinstance(before, str):
        return _same_cell(before, after)
    if isinstance(after, str):
        return _parsed_like(before, after)
    return _same_number_or_time(before, after)


def same_json(before: object, after: object, kind: pa.DataType) -> bool:
    """Compare values of JSON, which has lists, objects and null, but no times and decimals."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            same_json(a, b, kind) for a, b in zip(before, after, strict=True)
        )
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(
            same_json(value, after[name], kind) for name, value in before.items()
        )
    if before is None or after is None:
        return before is after
    if isinstance(before, str | list | dict):
        return before == after
    return same_text(before, after, kind)


def _is_missing(before: object, kind: pa.DataType) -> bool:
    if isinstance(before, float):
        return math.isnan(before)
    if not isinstance(before, str) or not before:
        return before == ""
    measured = pa.types.is_primitive(kind) and not pa.types.is_boolean(kind)
    return measured and before.strip() in MISSING


def _same_cell(before: str, after: object) -> bool:
    """Tell whether a value that was read, written back, gives the text that was written."""
    if isinstance(after, str):
        return before == after
    if isinstance(after, bool):
        return before.lower() == str(after).lower()
    if isinstance(after, int):
        return before.strip() == str(after)
    if isinstance(after, float):
        text = before.strip()
        return not text.startswith(("+", "0x", ".")) and _same_number_or_time(float(text), after)
    if isinstance(after, date | datetime | time):
        return _parsed_like(after, before)
    return False


def _parsed_like(before: object, text: str) -> bool:
    """Tell whether a text is one of the ways in which a value is written."""
    if isinstance(before, bool):
        return text.lower() == str(before).lower()
    if isinstance(before, float) and not math.isfinite(before):
        return float(text) == before or (math.isnan(before) and math.isnan(float(text)))
    if isinstance(before, int | Decimal):
        return Decimal(text) == before
    if isinstance(before, float):
        return _same_number_or_time(before, float(text))
    if isinstance(before, datetime):
        return _same_number_or_time(before, datetime.fromisoformat(_short_fraction(text)))
    if isinstance(before, date):
        return date.fromisoformat(text[:10]) == before and _is_midnight(text[10:])
    if isinstance(before, time):
        return time.fromisoformat(_short_fraction(text)) == before
    return False


def _short_fraction(text: str) -> str:
    """Return a time with six digits of a second; polars and pyarrow write nine."""
    head, point, rest = text.partition(".")
    if not point:
        return text
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"


def _is_midnight(text: str) -> bool:
    return not text.strip("T 0:.+Z")


def _same_number_or_time(before: object, after: object) -> bool:
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if (
        isinstance(before, float)
        and isinstance(after, float | int)
        and _bits(before) == _single(after)
    ):
        # Writers print a float of 32 bits with the digits that distinguish it from its neighbours.
        return True
    if isinstance(before, float) and isinstance(after, float):
        return _bits(before) == _bits(after)
    if isinstance(before, int | float | Decimal) and isinstance(after, int | float | Decimal):
        if isinstance(before, float) and before == 0 and math.copysign(1, before) < 0:
            return False
        return Decimal(repr(before) if isinstance(before, float) else before) == Decimal(
            repr(after) if isinstance(after, float) else after
        )
    if isinstance(before, datetime) and isinstance(after, datetime):
        aware = before.tzinfo is not None
        return aware == (after.tzinfo is not None) and before - after == timedelta()
    if isinstance(before, date) and isinstance(after, datetime):
        return after.tzinfo is None and after == datetime.combine(before, time())
    if isinstance(before, datetime) and isinstance(after, date):
        # pandas and polars write midnights as days.
        return before == datetime.combine(after, time(), before.tzinfo)
    return type(before) is type(after) and before == after


def _single(value: float) -> bytes | None:
    """Return the bits of the float of 32 bits that is nearest; None where there is none."""
    if abs(value) >= 3.4028235677973362e38:
        return None
    return _bits(struct.unpack("f", struct.pack("f", value))[0])


def _bits(value: float) -> bytes:
    return struct.pack("d", value)
