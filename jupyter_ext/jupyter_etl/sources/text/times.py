"""Strings that are dates, times and timestamps: their notations, and fast tests for them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from jupyter_etl.sources.text.bytes import TextBytes

if TYPE_CHECKING:
    import pyarrow as pa

_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(?:(:\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
_FIRST_DAY = (date(1, 1, 1) - date(1970, 1, 1)).days
_NS_YEARS = (1677, 2262)
"""The first and last year of the 64-bit nanosecond range."""
_PARTS_OF_A_DAY = re.compile(r"%-?[HIMSfpzXc]")


@dataclass(frozen=True, kw_only=True)
class StampForm:
    """A notation of timestamps; a column uses only one.

    Args:
        separator: Between date and time: ``T`` or a blank.
        seconds: Whether seconds are written.
        zoned: Whether a time zone is written: ``Z`` or an offset.
        unit: ``us``, or ``ns`` if a fraction has more than six digits.
    """

    separator: str
    seconds: bool
    zoned: bool
    unit: str

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of such a column; zones are converted to UTC."""
        import pyarrow as pa

        return pa.timestamp(self.unit, "UTC" if self.zoned else None)


@dataclass(frozen=True, kw_only=True)
class DateForm:
    """Dates, or dates with times, in a declared format.

    Args:
        pattern: For Python's ``strptime``: ``%d.%m.%Y``.
    """

    pattern: str

    @property
    def type(self) -> pa.DataType:
        """``date32``, or ``timestamp[us]`` if the format has a time."""
        import pyarrow as pa

        if not _PARTS_OF_A_DAY.search(self.pattern):
            return pa.date32()
        return pa.timestamp("us", "UTC" if "%z" in self.pattern else None)

    def parse(self, text: str) -> datetime | None:
        """Parse a string; None unless it is exactly what the format gives for that date."""
        with suppress(ValueError):
            # Python parses "%-d" as "%d", and formats it itself.
            found = datetime.strptime(text, self.pattern.replace("%-", "%"))  # noqa: DTZ007 - the form decides
            if found.strftime(self.pattern) == text:
                return found.astimezone(UTC) if found.tzinfo else found
        return None


def is_date(text: str) -> bool:
    """Return whether a string is a date: ``2026-12-31``."""
    if not _DATE.fullmatch(text):
        return False
    with suppress(ValueError):
        date.fromisoformat(text)
        return True
    return False


def time_form(text: str) -> str:
    """Return ``10:00`` or ``10:00:00``, the form of a time of day; "" for anything else."""
    found = _TIME.fullmatch(text)
    return "" if not found else "10:00:00" if found[1] else "10:00"


def stamp_forms(text: str) -> list[StampForm]:
    """Return the notations of a timestamp: none, or one for each unit that fits."""
    import pyarrow as pa

    found = _STAMP.fullmatch(text)
    if not found or text.startswith("0000"):
        return []
    forms = [
        StampForm(
            separator=found[1], seconds=found[2] is not None, zoned=found[4] is not None, unit=unit
        )
        for unit in ("us", "ns")
    ]
    return [form for form in forms if stamps(pa.array([text]), form) is not None]


def dates(texts: pa.Array) -> pa.Array | None:
    """Convert a column of dates; None if `is_date` rejects a string."""
    import pyarrow as pa
    import pyarrow.compute as pc

    days = _cast(texts, pa.date32())
    if days is None:
        return None
    first = pc.min(days.view(pa.int32())).as_py()
    return days if first is None or first >= _FIRST_DAY else None


def times(texts: pa.Array, form: str) -> pa.Array | None:
    """Convert a column of times of day to ``time32[s]``; None if one has another notation."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.equal(pc.binary_length(texts), len(form))).as_py():
        return None
    with suppress(pa.ArrowInvalid):
        day = pc.binary_join_element_wise(pa.scalar("1970-01-01"), texts, "T")
        return day.cast(pa.timestamp("s")).cast(pa.time32("s"))
    return None


def stamps(texts: pa.Array, form: StampForm) -> pa.Array | None:
    """Convert a column of timestamps; None if one has another notation or is out of range."""
    import pyarrow.compute as pc

    if not _of_form(texts, form):
        return None
    found = _cast(texts, form.type)
    if found is None:
        found = _cast(without_last_zeros(texts), form.type)
    if found is None or not pc.min(found).is_valid:
        return found
    return found if pc.year(pc.min(found)).as_py() >= 1 else None


def fits_nanoseconds(column: pa.Array) -> bool:
    """Return whether all timestamps are in the nanosecond range, the years 1678 to 2261."""
    import pyarrow.compute as pc

    bounds = pc.min_max(column)
    if not bounds["min"].is_valid:
        return True
    first, last = pc.year(bounds["min"]).as_py(), pc.year(bounds["max"]).as_py()
    return bool(_NS_YEARS[0] < first and last < _NS_YEARS[1])


def without_last_zeros(texts: pa.Array) -> pa.Array:
    """Remove trailing zeros of fractions of seconds."""
    import pyarrow.compute as pc

    zeros = r"(?:\.0+|(\.[0-9]*[1-9])0+)(Z|[+-][0-9:]+)?$"
    return pc.replace_substring_regex(texts, zeros, r"\1\2")


def dates_of_form(texts: pa.Array, form: DateForm) -> pa.Array | None:
    """Convert a column of dates in a declared format; None if a string has another format."""
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct = pc.unique(texts)
    found = []
    for text in distinct.to_pylist():
        found.append(None if text is None else form.parse(text))
        if text is not None and found[-1] is None:
            return None
    return pa.array(found, form.type).take(pc.index_in(texts, distinct))


def _of_form(texts: pa.Array, form: StampForm) -> bool:
    import numpy as np

    seen = TextBytes.of(texts)
    sizes = seen.ends - seen.begins
    if not len(sizes):
        return True
    shortest = 19 if form.seconds else 16
    if sizes.min() < shortest or not (seen.data[seen.begins + 10] == ord(form.separator)).all():
        return False
    if form.seconds:
        return bool((seen.data[seen.begins + 16] == ord(":")).all())
    if not form.zoned:
        return bool(sizes.max() == shortest)
    return bool(sizes.min() > shortest) and not np.any(seen.data[seen.begins + 16] == ord(":"))


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    import pyarrow as pa

    with suppress(pa.ArrowInvalid):
        return texts.cast(kind)
    return None
