"""Matching of cron expressions in local time: naive datetimes, without clock changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

from jupyter_etl.errors import DeclarationError

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_YEARS = 50


@dataclass(frozen=True, kw_only=True)
class _Fields:
    """A parsed cron expression. cronsim matches the days; matching does not iterate over times."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    days: CronSim

    def has(self, day: date) -> bool:
        """Return whether the expression matches at any time of a day."""
        return day.month in self.months and self.days.match_day(day)

    def from_time(self, hour: int, minute: int) -> tuple[int, int] | None:
        """Return the first match of a day at or after a time."""
        place = bisect_left(self.hours, hour)
        if place == len(self.hours):
            return None
        if self.hours[place] > hour:
            return self.hours[place], self.minutes[0]
        later = bisect_left(self.minutes, minute)
        if later < len(self.minutes):
            return hour, self.minutes[later]
        return (self.hours[place + 1], self.minutes[0]) if place + 1 < len(self.hours) else None

    def to_time(self, hour: int, minute: int) -> tuple[int, int] | None:
        """Return the last match of a day at or before a time."""
        place = bisect_right(self.hours, hour) - 1
        if place < 0:
            return None
        if self.hours[place] < hour:
            return self.hours[place], self.minutes[-1]
        earlier = bisect_right(self.minutes, minute) - 1
        if earlier >= 0:
            return hour, self.minutes[earlier]
        return (self.hours[place - 1], self.minutes[-1]) if place > 0 else None


def runs_at_fixed_times(cron: str) -> bool:
    """Return whether an expression has fixed times, which a clock change must not skip or repeat.

    Debian's cron runs such jobs exactly once when the clock changes. A job with ``*`` in its
    minutes or hours follows the local time.

    Source: Debian cron(8), "Notes"; cron.c, flags MIN_STAR and HR_STAR.
    """
    minutes, hours = cron.split()[:2]
    return not (minutes.startswith("*") or hours.startswith("*"))


def next_local(cron: str, after: datetime) -> datetime | None:
    """Return the first match strictly after a naive time; None if there is none in 50 years."""
    fields = _fields(cron)
    try:
        start = after.replace(second=0, microsecond=0) + _MINUTE
        day, found = start.date(), None
        if fields.has(day):
            found = fields.from_time(start.hour, start.minute)
        while found is None:
            day = _following(fields, day)
            if day.year > start.year + _YEARS:
                return None
            found = (fields.hours[0], fields.minutes[0]) if fields.has(day) else None
        return datetime.combine(day, time(*found))
    except (OverflowError, ValueError):
        # The calendar ends with the year 9999.
        return None


def previous_local(cron: str, before: datetime) -> datetime | None:
    """Return the last match strictly before a naive time; None if there is none in 50 years."""
    fields = _fields(cron)
    try:
        start = before.replace(second=0, microsecond=0)
        start -= _MINUTE if start == before else timedelta(0)
        day, found = start.date(), None
        if fields.has(day):
            found = fields.to_time(start.hour, start.minute)
        while found is None:
            day = _preceding(fields, day)
            if day.year < start.year - _YEARS:
                return None
            found = (fields.hours[-1], fields.minutes[-1]) if fields.has(day) else None
        return datetime.combine(day, time(*found))
    except (OverflowError, ValueError):
        # The calendar begins with the year 1.
        return None


def count_local(cron: str, after: datetime, until: datetime) -> int:
    """Count the matches in ``(after, until]``; the cost grows with the days, not the matches."""
    fields = _fields(cron)

    def up_to(moment: time) -> int:
        whole = bisect_left(fields.hours, moment.hour) * len(fields.minutes)
        return whole + (moment.hour in fields.hours) * bisect_right(fields.minutes, moment.minute)

    total, day = 0, after.date()
    while day <= until.date():
        if fields.has(day):
            total += up_to(until.time() if day == until.date() else time.max)
            total -= up_to(after.time()) if day == after.date() else 0
        day += _DAY
    return total


def _following(fields: _Fields, day: date) -> date:
    """Return the next day, or the first of the next month if this month does not match."""
    if day.month in fields.months:
        return day + _DAY
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _preceding(fields: _Fields, day: date) -> date:
    """Return the previous day, or the last of the previous month if this month does not match."""
    return (day if day.month in fields.months else day.replace(day=1)) - _DAY


# Thousands of schedules share a few expressions, and parsing takes longer than matching.
@lru_cache(maxsize=4096)
def _fields(cron: str) -> _Fields:
    if len(cron.split()) != 5:
        raise DeclarationError(
            f"The cron expression {cron!r} has {len(cron.split())} fields; it must have 5.",
            hint="They are minute, hour, day of month, month, day of week: 30 6 * * 1-5.",
        )
    try:
        read = CronSim(cron, datetime.combine(date.min, time.min))
    except CronSimError as problem:
        raise DeclarationError(
            f"The cron expression {cron!r} cannot be used: {problem}.",
            hint="Allowed are *, numbers, names, lists, ranges a-b, steps /n, L, LW and weekday#n.",
        ) from problem
    return _Fields(
        minutes=tuple(sorted(read.minutes)),
        hours=tuple(sorted(read.hours)),
        months=frozenset(read.months),
        days=read,
    )
