"""What a change of the clocks does to a schedule, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jupyter_etl.engine.wall import next_wall, runs_at_fixed_times
from jupyter_etl.engine.zones import next_change, wall_at, zone_named
from jupyter_etl.model import Schedule

_MICROSECOND = timedelta(microseconds=1)
_YEAR = timedelta(days=366)


def daylight_note(schedule: Schedule, ticks: Sequence[datetime]) -> str:
    """Say what the next changes of the clocks do to a schedule.

    Args:
        schedule: Any; only cron schedules can be affected.
        ticks: Its next instants, UTC, in order; the year after the first is looked at.

    Returns:
        A sentence for each change that affects a time; "" where none does.
    """
    if schedule.cron is None or not ticks:
        return ""
    zone = zone_named(schedule.timezone)
    fixed = runs_at_fixed_times(schedule.cron)
    if not fixed and schedule.cron.split()[1] == "*":
        # Every hour of the day: an hour more or less is what anybody expects.
        return ""
    low, until = ticks[0] - _MICROSECOND, max(ticks[-1], ticks[0] + _YEAR)
    sentences = []
    while (change := next_change(zone, low, until)) is not None:
        sentences.append(_sentence(schedule.cron, zone, change, fixed=fixed))
        low = change
    return " ".join(filter(None, sentences))


def _sentence(cron: str, zone: ZoneInfo, change: datetime, *, fixed: bool) -> str:
    before = wall_at(zone, change - _MICROSECOND) + _MICROSECOND
    after = wall_at(zone, change)
    found = next_wall(cron, min(before, after) - _MICROSECOND)
    if found is None or found >= max(before, after):
        return ""
    if after > before:
        what = f"runs at {after:%H:%M}" if fixed else "is left out"
    else:
        what = "runs once, the first time" if fixed else "runs twice"
    return (
        f"On {before:%Y-%m-%d} clocks in {zone.key} go from {before:%H:%M} to {after:%H:%M}: "
        f"{found:%H:%M} {what}."
    )
