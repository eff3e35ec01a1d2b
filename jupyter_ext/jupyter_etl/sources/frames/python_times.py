"""Conversion of Python's and pandas' dates and times to Arrow, to the nanosecond."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyter_etl.sources.frames.type_conflicts import Unfit, shown

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"W": 604_800 * 10**9, "D": 86_400 * 10**9, "h": 3_600 * 10**9, "m": 60 * 10**9}
_UNITS |= {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


def timestamps(values: Sequence[Any]) -> pa.Array:
    """Convert datetimes and dates to timestamps.

    The unit is microseconds, or nanoseconds if a value has some. Mixed time zones become UTC.

    Args:
        values: `datetime`, `date`, pandas' Timestamp, numpy's datetime64; None is missing.

    Raises:
        Unfit: Only some values have a time zone, or a value exceeds the unit's range.
    """
    import pyarrow as pa

    aware: dict[bool, int] = {}
    zones: set[str] = set()
    for row, value in enumerate(values):
        if value is None:
            continue
        known = isinstance(value, datetime) and value.utcoffset() is not None
        aware.setdefault(known, row)
        if known:
            zones.add(_zone(value))
    if len(aware) > 1:
        zoned, bare = aware[True], aware[False]
        raise Unfit(
            f"{shown(values[bare])} has no zone, unlike {shown(values[zoned])}",
            row=bare,
            other=zoned,
            fix=".map(lambda t: pd.to_datetime(t, utc=True))",
        )
    zone = (next(iter(zones)) if len(zones) == 1 else "UTC") if zones else None
    if all(type(value) in (datetime, date, type(None)) for value in values):
        # PYARROW_IGNORE_TIMEZONE, which importing pandera or pyspark sets, makes pyarrow drop offsets.
        plain = [_without_zone(value) for value in values]
        return pa.array(plain, pa.timestamp("us")).cast(pa.timestamp("us", tz=zone))
    return _counted(values, _instant, lambda unit: pa.timestamp(unit, tz=zone))


def durations(values: Sequence[Any]) -> pa.Array:
    """Convert to durations in microseconds, or in nanoseconds if a value has some.

    Args:
        values: `timedelta`, pandas' Timedelta, numpy's timedelta64; None is missing.

    Raises:
        Unfit: A value exceeds the unit's range, or is in months or years.
    """
    import pyarrow as pa

    return _counted(values, _length, pa.duration)


def times(values: Sequence[Any]) -> pa.Array:
    """Convert to times of day; raises `Unfit` for one with a time zone."""
    import pyarrow as pa

    for row, value in enumerate(values):
        if value is not None and value.tzinfo is not None:
            raise Unfit(
                f"the time {shown(value)} has a zone, which no Arrow type keeps",
                row=row,
                fix=".map(lambda t: t.isoformat())",
            )
    return pa.array(values, pa.time64("us"))


def _without_zone(value: date | datetime | None) -> datetime | None:
    """Return a date as its midnight, and an aware datetime in UTC."""
    if not isinstance(value, datetime):
        return None if value is None else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return value if value.utcoffset() is None else value.astimezone(UTC).replace(tzinfo=None)


def _counted(values: Sequence[Any], count: Any, kind: Any) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    counted: list[int | None] = []
    for row, value in enumerate(values):
        missing = value is None or (
            isinstance(value, np.datetime64 | np.timedelta64) and np.isnat(value)
        )
        counted.append(None if missing else count(value, row))
    fine = any(one is not None and one % 1000 for one in counted)
    unit = "ns" if fine else "us"
    occurrences = counted if fine else [None if one is None else one // 1000 for one in counted]
    for row, one in enumerate(occurrences):
        if one is not None and not -(2**63) < one < 2**63:
            raise Unfit(
                f"the column has nanoseconds, and {shown(values[row])} is beyond their range",
                row=row,
                fix=".map(lambda t: pd.Timestamp(t).floor('us'))",
            )
    return pa.array(occurrences, pa.int64()).cast(kind(unit))


def _instant(value: Any, row: int) -> int:
    """Return nanoseconds since 1970; aware values are in UTC."""
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return _occurrences(value.asm8, row)
    if isinstance(value, np.datetime64):
        return _occurrences(value, row)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif value.utcoffset() is None:
        value = value.replace(tzinfo=UTC)
    return int((value - _EPOCH) // _MICROSECOND) * 1000


def _length(value: Any, row: int) -> int:
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.Timedelta):
        return _occurrences(value.asm8, row)
    if isinstance(value, np.timedelta64):
        return _occurrences(value, row)
    return int(value // _MICROSECOND) * 1000


def _occurrences(value: Any, row: int) -> int:
    import numpy as np

    unit, steps = np.datetime_data(value.dtype)
    if unit not in _UNITS:
        raise Unfit(f"{shown(value)} is in a unit ({unit}) without a fixed length", row=row)
    return int(value.astype(np.int64)) * steps * _UNITS[unit]


def _zone(value: datetime) -> str:
    """Return the name of a time zone or offset; UTC if Arrow has no name for it."""
    import pyarrow as pa

    try:
        return str(pa.lib.tzinfo_to_string(value.tzinfo))
    except (pa.ArrowException, ValueError, TypeError):
        return "UTC"
