"""Instants of a cron schedule, from the rules alone and minute by minute.

Nothing of the engine or of cronsim is used. The minutes are walked in UTC, one after the other, as
a cron daemon would; the zone tells the local time at each. Arrays walk all of
them at once: a local minute is its number since 1970.

Rules (Debian cron(8), "Notes", and the fields of crontab(5)):

1. A job whose minutes or hours begin with ``*`` runs whenever the clock shows a match.
2. Any other job runs when the clock shows a match that it has not shown before; where the clock
   jumps ahead over a match, it runs at the minute after the jump, once.
3. Day of month and day of week: both must match if one of them begins with ``*``, else either.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))

Array = np.ndarray[Any, Any]


def oracle_occurrences(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the instants in ``(start, end]``, which are whole minutes in UTC."""
    minutes, hours = cron.split()[:2]
    # A day earlier, so that times shown before ``start`` count as shown.
    locals = _local_times(zone, start - timedelta(days=1), end)
    if minutes.startswith("*") or hours.startswith("*"):
        due = _matches(cron, locals[1:])
    else:
        every = np.arange(locals.min(), locals.max() + 1)
        until = np.cumsum(_matches(cron, every))[np.maximum.accumulate(locals) - every[0]]
        due = np.diff(until) > 0
    occurrences = [start - timedelta(days=1) + int(n + 1) * _MINUTE for n in np.flatnonzero(due)]
    return [occurrence.astimezone(UTC) for occurrence in occurrences if occurrence > start]


@cache
def _local_times(zone: str, start: datetime, end: datetime) -> Array:
    """Return the local time at each minute from ``start`` to ``end``."""
    info = ZoneInfo(zone)

    def offset(minute: int) -> int:
        local = (start + minute * _MINUTE).astimezone(info)
        return (local.replace(tzinfo=UTC) - start) // _MINUTE - minute

    offsets: list[int] = []
    count = (end - start) // _MINUTE + 1
    for first in range(0, count, 60):
        # Where both ends of an hour have one offset, no clock was changed in it.
        changed = offset(first) != offset(first + 60)
        minutes = range(first, first + 60)
        offsets += map(offset, minutes) if changed else [offset(first)] * 60
    minutes_of_utc = (start - _EPOCH) // _MINUTE + np.arange(count)
    shown: Array = minutes_of_utc + np.array(offsets[:count])
    return shown


def _matches(cron: str, locals: Array) -> Array:
    texts = cron.split()
    fields = [_field(text, *bounds) for text, bounds in zip(texts, _BOUNDS, strict=True)]
    days = locals // (24 * 60)
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    of_month = np.isin((days - months.astype("datetime64[D]").astype(int)) + 1, fields[2])
    # 1970 began on a Thursday.
    of_week = np.isin((days + 4) % 7, [day % 7 for day in fields[4]])
    both = texts[2].startswith("*") or texts[4].startswith("*")
    due: Array = (
        np.isin(locals % 60, fields[0])
        & np.isin(locals // 60 % 24, fields[1])
        & np.isin(months.astype(int) % 12 + 1, fields[3])
        & ((of_month & of_week) if both else (of_month | of_week))
    )
    return due


def _field(text: str, low: int, high: int) -> list[int]:
    values: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = str(low), str(high)
        elif not last:
            last = str(high) if step else first
        values.update(range(int(first), int(last) + 1, int(step or 1)))
    return sorted(values)
