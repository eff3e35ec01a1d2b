"""The usual schedules, which a form offers to choose from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from jupyter_etl.model import Schedule

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|1-5|\d)", re.ASCII)


class PresetKind(StrEnum):
    """A usual schedule."""

    EVERY_15_MINUTES = "every15"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A usual schedule with its times.

    Args:
        kind: Which.
        time: ``HH:MM``; empty where it has none.
        weekday: ``mon`` to ``sun`` of a weekly one, else empty.
        day: Day of the month of a monthly one, else None.
    """

    kind: PresetKind
    time: str = ""
    weekday: str = ""
    day: int | None = None


def preset_of(schedule: Schedule) -> Preset | None:
    """Return the preset that a schedule is, however it was written; None where it is none."""
    if schedule.every_s == 900:
        return Preset(kind=PresetKind.EVERY_15_MINUTES)
    cron = schedule.cron or ""
    if cron == "0 * * * *":
        return Preset(kind=PresetKind.HOURLY)
    found = _CRON.fullmatch(cron)
    if found is None:
        return None
    minute, hour, day, weekday = found.groups()
    time = f"{int(hour):02}:{int(minute):02}"
    if weekday == "*" and day == "*":
        return Preset(kind=PresetKind.DAILY, time=time)
    if weekday == "*":
        return Preset(kind=PresetKind.MONTHLY, time=time, day=int(day))
    if day != "*":
        return None
    if weekday == "1-5":
        return Preset(kind=PresetKind.WEEKDAYS, time=time)
    return Preset(kind=PresetKind.WEEKLY, time=time, weekday=_WEEKDAYS[int(weekday) % 7])
