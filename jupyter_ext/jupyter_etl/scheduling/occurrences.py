"""The instants of a schedule.

Cron fields are matched in the local time of the schedule's zone, where cronsim knows no daylight
saving. Clock changes are handled here by Debian's rules:

- a job at fixed times runs once if the time is repeated (at the first occurrence), and at the end
  of the gap if the time is skipped; several times in one gap are one run;
- a job with ``*`` in minutes or hours runs whenever the local time matches: twice in the repeated
  hour and not in a gap.

cronsim's own time zone handling is not used: with a wildcard it misses matches around a change of
half an hour (02:00 in Lord Howe) and adds one at a midnight that does not exist (Santiago).

Source: Debian cron(8), "Notes".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Partition, Schedule, ScheduleKind
from jupyter_etl.scheduling.dst import (
    dst_note,
    instant_of,
    latest_local,
    local_at,
    next_change,
    offset_at,
    previous_change,
    zone_named,
)
from jupyter_etl.scheduling.local_time import (
    count_local,
    next_local,
    previous_local,
    runs_at_fixed_times,
)

__all__ = [
    "count_occurrences",
    "dst_note",
    "interval_of",
    "next_occurrence",
    "next_occurrences",
    "occurrences_between",
    "previous_occurrence",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Pipelines that are due together often share a few expressions and ask for the same instants.
_remembered = lru_cache(maxsize=4096)


def next_occurrence(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the first instant strictly after ``after``, UTC.

    Returns:
        None if the schedule has ended, is ``after`` a publication, or has no match within 50 years.

    Raises:
        DeclarationError: The schedule's cron expression, interval or time zone is not valid.
    """
    match schedule.kind:
        case ScheduleKind.CRON:
            return _next_cron(_cron(schedule), zone_named(schedule.timezone), after)
        case ScheduleKind.INTERVAL:
            every = _every(schedule)
            return _EPOCH + ((after - _EPOCH) // every + 1) * every
        case ScheduleKind.ONCE:
            return schedule.at if schedule.at is not None and schedule.at > after else None
        case ScheduleKind.AFTER:
            return None


def previous_occurrence(schedule: Schedule, before: datetime) -> datetime | None:
    """Return the last instant strictly before ``before``, UTC; opposite of `next_occurrence`."""
    match schedule.kind:
        case ScheduleKind.CRON:
            return _previous_cron(_cron(schedule), zone_named(schedule.timezone), before)
        case ScheduleKind.INTERVAL:
            every = _every(schedule)
            return _EPOCH - ((_EPOCH - before) // every + 1) * every
        case ScheduleKind.ONCE:
            return schedule.at if schedule.at is not None and schedule.at < before else None
        case ScheduleKind.AFTER:
            return None


def occurrences_between(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the instants in ``(start, end]``, in order, UTC."""
    occurrence = next_occurrence(schedule, start)
    while occurrence is not None and occurrence <= end:
        yield occurrence
        occurrence = next_occurrence(schedule, occurrence)


def next_occurrences(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """Return the first ``count`` instants strictly after ``after``; fewer if the schedule ends."""
    return list(
        islice(occurrences_between(schedule, after, datetime.max.replace(tzinfo=UTC)), count)
    )


def count_occurrences(schedule: Schedule, start: datetime, end: datetime) -> int:
    """Count the instants in ``(start, end]`` without iterating over them."""
    match schedule.kind:
        case _ if end <= start:
            return 0
        case ScheduleKind.CRON:
            return _count_cron(_cron(schedule), zone_named(schedule.timezone), start, end)
        case ScheduleKind.INTERVAL:
            every = _every(schedule)
            return (end - _EPOCH) // every - (start - _EPOCH) // every
        case _:
            return sum(1 for _ in occurrences_between(schedule, start, end))


def interval_of(
    schedule: Schedule | None, at: datetime, *, is_occurrence: bool = False
) -> Partition:
    """Return the data interval of a run at an instant.

    Args:
        schedule: The pipeline's schedule. For a cron or interval schedule, the result is the
            last whole period that ended at or before ``at``; otherwise it is the UTC day that
            contains ``at``.
        at: The logical time of the run.
        is_occurrence: Whether ``at`` is known to be an occurrence of the schedule, which saves
            a search.
    """
    if schedule is not None and schedule.kind in (ScheduleKind.CRON, ScheduleKind.INTERVAL):
        end = at if is_occurrence else previous_occurrence(schedule, at + _MICROSECOND)
        start = previous_occurrence(schedule, end) if end is not None else None
        if start is not None and end is not None:
            return Partition(start=start, end=end)
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Partition(start=day, end=day + timedelta(days=1))


@_remembered
def _next_cron(cron: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    local = local_at(zone, after)
    if runs_at_fixed_times(cron):
        while (found := next_local(cron, local)) is not None:
            at = instant_of(zone, found)
            if at > after:
                return at
            local = found
        return None
    low, offset = after, offset_at(zone, after)
    while (found := next_local(cron, local)) is not None:
        at = (found - offset).replace(tzinfo=UTC)
        change = next_change(zone, low, at)
        if change is None:
            return at
        low, offset = change, offset_at(zone, change)
        local = local_at(zone, change) - _MICROSECOND
    return None


@_remembered
def _previous_cron(cron: str, zone: ZoneInfo, before: datetime) -> datetime | None:
    last = before - _MICROSECOND
    if runs_at_fixed_times(cron):
        local = latest_local(zone, last) + _MICROSECOND
        found = previous_local(cron, local)
        return None if found is None else instant_of(zone, found)
    local, offset = local_at(zone, last) + _MICROSECOND, offset_at(zone, last)
    while (found := previous_local(cron, local)) is not None:
        at = (found - offset).replace(tzinfo=UTC)
        change = previous_change(zone, at, last)
        if change is None:
            return at
        last = change - _MICROSECOND
        local, offset = local_at(zone, last) + _MICROSECOND, offset_at(zone, last)
    return None


@_remembered
def _count_cron(cron: str, zone: ZoneInfo, start: datetime, end: datetime) -> int:
    changes: list[datetime] = []
    low = start
    while (change := next_change(zone, low, end)) is not None:
        changes.append(change)
        low = change
    if runs_at_fixed_times(cron):
        total = count_local(cron, latest_local(zone, start), latest_local(zone, end))
        for change in changes:
            gap_start = local_at(zone, change - _MICROSECOND)
            total -= max(0, count_local(cron, gap_start, local_at(zone, change)) - 1)
        return total
    total, local = 0, local_at(zone, start)
    for change in changes:
        total += count_local(cron, local, local_at(zone, change - _MICROSECOND))
        local = local_at(zone, change) - _MICROSECOND
    return total + count_local(cron, local, local_at(zone, end))


def _cron(schedule: Schedule) -> str:
    if schedule.cron is None:
        raise DeclarationError(f"The schedule {schedule.text!r} has no cron expression.")
    return schedule.cron


def _every(schedule: Schedule) -> timedelta:
    every = timedelta(seconds=schedule.every_s or 0)
    if every < timedelta(seconds=1):
        raise DeclarationError(
            f"The schedule {schedule.text!r} repeats every {every.total_seconds():g} s.",
            hint="The shortest interval is 1 s.",
        )
    return every
