"""Schedules: parsing and formatting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import format_duration, parse_duration
from jupyter_etl.language.names import listed, parse_name
from jupyter_etl.language.numbers import refuse_long_numbers
from jupyter_etl.language.schedules.cron import cron_of_words, parse_cron
from jupyter_etl.language.schedules.cron_words import cron_in_words
from jupyter_etl.language.schedules.timezones import parse_instant, parse_timezone
from jupyter_etl.model import Schedule, ScheduleKind

MAX_EVERY_S = 366 * 86_400.0
"""Maximum interval, in seconds; less frequent schedules use cron."""

FORMS = (
    'Write five cron fields ("30 6 * * 1-5"), @daily, "every 15m", "daily at 06:00", '
    '"weekdays at 07:30", "mon,thu at 09:00", "monthly on 1 at 05:00", or a date and time '
    '("2026-01-01 06:00").'
)
_INTERVAL = re.compile(r"every\s+(\d.*)", re.IGNORECASE | re.DOTALL)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?", re.IGNORECASE | re.DOTALL)
_AFTER = re.compile(r"after\s+(.+)", re.IGNORECASE | re.DOTALL)

_Weekday = Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_WEEKDAYS: tuple[_Weekday, ...] = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|1-5|\d)", re.ASCII)


def parse_schedule(
    text: str,
    *,
    timezone: str = "UTC",
    after: Sequence[str] = (),
    after_all: bool = False,
    now: datetime | None = None,
) -> Schedule:
    """Parse a schedule.

    Args:
        text: Five cron fields, ``@hourly @daily @weekly @monthly @yearly``, ``every 15m``,
            ``daily at 06:00``, ``weekdays at 07:30``, ``mon,thu at 09:00``, ``monthly on 1 at
            05:00``, ``hourly``, an ISO instant for one shot, ``after sales.daily``; "" with
            ``after``.
        timezone: IANA name of the time zone for cron, and for instants without one.
        after: Names of publications whose new versions start a run.
        after_all: Whether each of them must have a new version; otherwise one is enough.
        now: If given, a one-shot schedule must be after it. Aware.

    Returns:
        The schedule; for all kinds but ``after``, ``parse_schedule(s.text, timezone=s.timezone) ==
        s``.

    Raises:
        DeclarationError: It is not valid, never fires, or the time zone is unknown.
    """
    refuse_long_numbers(text)
    zone = parse_timezone(timezone)
    written = " ".join(text.split())
    if after:
        return _after(written, after, zone.key, wait_for_all=after_all)
    if found := _AFTER.fullmatch(written):
        names = [name for name in re.split(r"[,\s]+", found[1]) if name]
        return _after("", names, zone.key, shown=written, wait_for_all=after_all)
    if after_all:
        raise DeclarationError(
            "--after-all needs the names of publications.",
            hint="Write --after a,b --after-all",
        )
    if not written:
        raise DeclarationError(
            "The schedule is empty.", hint=f"{FORMS} Or pass a publication with --after."
        )
    if found := _INTERVAL.fullmatch(written):
        every_s = _interval(found[1], written)
        return Schedule(
            kind=ScheduleKind.INTERVAL, text=written, timezone=zone.key, every_s=every_s
        )
    if _ISO.fullmatch(written):
        at = _once(written, zone, now)
        return Schedule(kind=ScheduleKind.ONCE, text=written, timezone=zone.key, at=at)
    cron = cron_of_words(written) or parse_cron(written, forms=FORMS)
    return Schedule(kind=ScheduleKind.CRON, text=written, timezone=zone.key, cron=cron)


def _after(
    written: str, names: Sequence[str], zone: str, *, shown: str = "", wait_for_all: bool
) -> Schedule:
    if written:
        raise DeclarationError(
            f"A pipeline runs either at '{written}' or after {listed(names)}, not both.",
            hint="Omit one of them, or schedule a second pipeline with another name.",
        )
    unique = tuple(dict.fromkeys(parse_name(name, what="publication") for name in names))
    if not unique:
        raise DeclarationError("'after' needs the name of a publication.", hint="Write its name.")
    return Schedule(
        kind=ScheduleKind.AFTER,
        text=shown,
        timezone=zone,
        after=unique,
        after_all=wait_for_all and len(unique) > 1,
    )


def _interval(age: str, written: str) -> float:
    try:
        every_s = parse_duration(age)
    except DeclarationError as problem:
        raise DeclarationError(
            f"The schedule '{written}' is invalid: {problem.message}",
            hint='Write it like "every 15m", "every 2h" or "every 90s".',
        ) from None
    if not 1 <= every_s <= MAX_EVERY_S:
        raise DeclarationError(
            f"The interval of '{written}' must be between 1 second and 366 days.",
            hint="For longer intervals, use cron fields or @yearly.",
        )
    return every_s


def _once(written: str, zone: ZoneInfo, now: datetime | None) -> datetime:
    at = parse_instant(written, zone.key)
    if now is not None and at <= now:
        passed = format_duration(max(1, round((now - at).total_seconds())))
        raise DeclarationError(
            f"The schedule '{written}' ({zone.key}) never fires: the time was {passed} ago.",
            hint="Use a future time, or run the notebook now.",
        )
    return at


def format_schedule(schedule: Schedule) -> str:
    """Describe a schedule.

    Returns:
        ``every weekday at 06:00, Europe/Paris``, ``every 15 min``, ``once on 2026-01-01 at 06:00,
        UTC``, ``after each new version of sales.daily``, ``after each of a and b``.
    """
    match schedule.kind:
        case ScheduleKind.AFTER:
            if schedule.after_all:
                *names, last = schedule.after
                return f"after each of {', '.join(names)} and {last}"
            return f"after each new version of {' or '.join(schedule.after)}"
        case ScheduleKind.INTERVAL:
            return f"every {format_duration(schedule.every_s or 0)}"
        case ScheduleKind.ONCE:
            local = (schedule.at or datetime.max.replace(tzinfo=UTC)).astimezone(
                ZoneInfo(schedule.timezone)
            )
            seconds = ":%S" if local.second else ""
            return f"once on {local:%Y-%m-%d} at {local.strftime('%H:%M' + seconds)}, {schedule.timezone}"
        case ScheduleKind.CRON:
            return f"{cron_in_words(schedule.cron or '')}, {schedule.timezone}"


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
        kind: Kind of the preset.
        time: ``HH:MM``; empty if it has none.
        weekday: ``mon`` to ``sun`` for a weekly one, else empty.
        day: Day of the month for a monthly one, else None.
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
