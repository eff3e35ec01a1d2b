"""Changes of a time zone's UTC offset and their effect on schedules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Schedule
from jupyter_etl.scheduling.local_time import next_local, runs_at_fixed_times

# No time zone changes its offset twice in this interval, so comparing its ends is enough.
_PROBE = timedelta(days=7)
_TICK = timedelta(microseconds=1)


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone with an IANA name.

    Raises:
        DeclarationError: There is no time zone with this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise DeclarationError(
            f"{name!r} is not a valid timezone.",
            hint="Use an IANA name such as Europe/Paris or UTC.",
        ) from problem


def offset_at(zone: ZoneInfo, at: datetime) -> timedelta:
    """Return the UTC offset at an instant: local time minus UTC."""
    return at.astimezone(zone).utcoffset() or timedelta(0)


def local_at(zone: ZoneInfo, at: datetime) -> datetime:
    """Return the local time at an instant, as a naive datetime."""
    return at.astimezone(zone).replace(tzinfo=None)


def next_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return the first instant in ``(after, until]`` at which the offset changes, UTC."""
    low, before = after, offset_at(zone, after)
    while low < until:
        high = min(low + _PROBE, until)
        if offset_at(zone, high) != before:
            return _bisect(zone, low, high)
        low = high
    return None


def previous_change(zone: ZoneInfo, since: datetime, until: datetime) -> datetime | None:
    """Return the last instant in ``(since, until]`` at which the offset changed, UTC."""
    high, now = until, offset_at(zone, until)
    while high > since:
        low = max(high - _PROBE, since)
        if offset_at(zone, low) != now:
            return _bisect(zone, low, high)
        high = low
    return None


def instant_of(zone: ZoneInfo, local: datetime) -> datetime:
    """Return the instant of a local time, UTC.

    An ambiguous time means its first occurrence; a time that does not exist means the first instant
    after the gap.
    """
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local_at(zone, at) == local:
        return at
    return previous_change(zone, at - _PROBE, at) or at


def latest_local(zone: ZoneInfo, at: datetime) -> datetime:
    """Return the latest local time reached up to an instant, as a naive datetime.

    It differs from `local_at` only in the repeated hour after clocks were set back.
    """
    local = local_at(zone, at)
    change = previous_change(zone, at - timedelta(days=1), at)
    if change is None:
        return local
    return max(local, local_at(zone, change - _TICK))


def _bisect(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the first whole second in ``(low, high]`` that has the offset of ``high``."""
    after = offset_at(zone, high)
    first, last = low.replace(microsecond=0), high.replace(microsecond=0)
    while last - first > timedelta(seconds=1):
        middle = first + timedelta(seconds=int((last - first).total_seconds()) // 2)
        if offset_at(zone, middle) == after:
            last = middle
        else:
            first = middle
    return last.astimezone(UTC)


_MICROSECOND = timedelta(microseconds=1)
_YEAR = timedelta(days=366)


def dst_note(schedule: Schedule, occurrences: Sequence[datetime]) -> str:
    """Describe how the next clock changes affect a schedule.

    Args:
        schedule: Any schedule; only cron schedules can be affected.
        occurrences: Its next instants, UTC, in order. Clock changes within a year after the
            first are considered.

    Returns:
        A sentence for each change that affects an occurrence; "" if there is none.
    """
    if schedule.cron is None or not occurrences:
        return ""
    zone = zone_named(schedule.timezone)
    fixed = runs_at_fixed_times(schedule.cron)
    if not fixed and schedule.cron.split()[1] == "*":
        # The schedule runs every hour, so an hour more or less is what users expect.
        return ""
    low, until = occurrences[0] - _MICROSECOND, max(occurrences[-1], occurrences[0] + _YEAR)
    sentences = []
    while (change := next_change(zone, low, until)) is not None:
        sentences.append(_sentence(schedule.cron, zone, change, fixed=fixed))
        low = change
    return " ".join(filter(None, sentences))


def _sentence(cron: str, zone: ZoneInfo, change: datetime, *, fixed: bool) -> str:
    before = local_at(zone, change - _MICROSECOND) + _MICROSECOND
    after = local_at(zone, change)
    found = next_local(cron, min(before, after) - _MICROSECOND)
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
