"""Cron expressions on a clock on the wall: naive times, in which no day is short or long."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, time, timedelta

from cronsim import CronSim, CronSimError

from jupyter_etl.errors import DeclarationError

_DAY = timedelta(days=1)


def runs_at_fixed_times(cron: str) -> bool:
    """Tell whether an expression names its times, so that daylight saving must not lose them.

    Debian's cron keeps such jobs from running twice or never where the clock is changed; a job
    with a ``*`` in its minutes or hours goes by what the clock shows.

    Source: Debian cron(8), "Notes"; cron.c, flags MIN_STAR and HR_STAR.
    """
    minutes, hours = cron.split()[:2]
    return not (minutes.startswith("*") or hours.startswith("*"))


def next_wall(cron: str, after: datetime) -> datetime | None:
    """Return the first match strictly after a naive time; None where none comes in 50 years."""
    return _first(cron, after, reverse=False)


def previous_wall(cron: str, before: datetime) -> datetime | None:
    """Return the last match strictly before a naive time; None where none was in 50 years."""
    return _first(cron, before, reverse=True)


def count_walls(cron: str, after: datetime, until: datetime) -> int:
    """Count the matches in ``(after, until]``, day by day and not one by one."""
    simulation = _simulate(cron, after, reverse=False)
    minutes, hours = sorted(simulation.minutes), sorted(simulation.hours)

    def up_to(moment: time) -> int:
        whole = bisect_right(hours, moment.hour - 1) * len(minutes)
        return whole + (moment.hour in simulation.hours) * bisect_right(minutes, moment.minute)

    total, day = 0, after.date()
    while day <= until.date():
        if day.month in simulation.months and simulation.match_day(day):
            total += up_to(until.time() if day == until.date() else time.max)
            total -= up_to(after.time()) if day == after.date() else 0
        day += _DAY
    return total


def _first(cron: str, start: datetime, *, reverse: bool) -> datetime | None:
    try:
        return next(_simulate(cron, start, reverse=reverse), None)
    except (OverflowError, ValueError):
        # The calendar ends at the years 1 and 9999.
        return None


def _simulate(cron: str, start: datetime, *, reverse: bool) -> CronSim:
    if len(cron.split()) != 5:
        raise DeclarationError(
            f"The cron expression {cron!r} has {len(cron.split())} fields; it must have 5.",
            hint="They are minute, hour, day of month, month, day of week: 30 6 * * 1-5.",
        )
    try:
        return CronSim(cron, start, reverse=reverse)
    except CronSimError as problem:
        raise DeclarationError(
            f"The cron expression {cron!r} cannot be used: {problem}.",
            hint="Allowed are *, numbers, names, lists, ranges a-b, steps /n, L, LW and weekday#n.",
        ) from problem
