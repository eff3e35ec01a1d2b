"""Common schedules, which a form offers as presets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from jupyter_etl.model import Schedule

_Weekday = Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_WEEKDAYS: tuple[_Weekday, ...] = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|1-5|\d)", re.ASCII)


class PresetKind(StrEnum):
    """A common schedule."""

    EVERY_15_MINUTES = "every15"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A common schedule with its times.

    Args:
        kind: Which.
        time: ``HH:MM``; empty where it has none.
        weekday: Of a weekly one, else empty.
        day: Day of the month of a monthly one, else None.
    """

    kind: PresetKind
    time: str = ""
    weekday: _Weekday | Literal[""] = ""
    day: int | None = None


def preset_of(schedule: Schedule) -> Preset | None:
    """Return the preset that is equivalent to a schedule; None if there is none."""
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
