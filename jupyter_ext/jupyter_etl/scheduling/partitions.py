"""Splits a range of days or instants into partitions.

Hours, days, weeks and months start at the occurrences of a cron schedule, so daylight saving is
handled in one place. The partitions of ``--by day`` equal the intervals of a pipeline that runs
daily at midnight: a day of 23 or 25 hours is one day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.schedules.date_ranges import Span
from jupyter_etl.model import Grain, Partition, Schedule, ScheduleKind
from jupyter_etl.scheduling.dst import instant_of, local_at, zone_named
from jupyter_etl.scheduling.occurrences import (
    count_occurrences,
    next_occurrence,
    previous_occurrence,
)

MOST = 10_000
"""Maximum number of partitions of a backfill."""

_CRONS = {
    Grain.HOUR: "0 * * * *",
    Grain.DAY: "0 0 * * *",
    Grain.WEEK: "0 0 * * 1",
    Grain.MONTH: "0 0 1 * *",
}
_REGULAR = (ScheduleKind.CRON, ScheduleKind.INTERVAL)
_MICROSECOND = timedelta(microseconds=1)


def partitions_of(
    span: Span, *, schedule: Schedule | None, by: Grain | None, timezone: str
) -> tuple[Partition, ...]:
    """Split a range into consecutive partitions without gaps.

    With ``by``, the partitions are hours, days, weeks (from Monday) or months of the time zone, and
    the range must start and end at such a boundary. Without ``by``, they are the intervals of a
    cron or interval schedule that start inside the range, or days for any other schedule.

    Args:
        span: The range.
        by: Length of a partition; None follows the schedule.
        timezone: IANA name of the time zone that days are counted in.

    Returns:
        At least one partition, in order.

    Raises:
        DeclarationError: The range is empty, contains no partition or more than `MOST`, or
            splits a partition.
    """
    within = _bounds(span, timezone)
    if by is None and schedule is not None and schedule.kind in _REGULAR:
        occurrences = schedule
    else:
        grain = by or Grain.DAY
        cron = _CRONS[grain]
        occurrences = Schedule(kind=ScheduleKind.CRON, text=cron, cron=cron, timezone=timezone)
        _must_fit(within, occurrences, grain)
    count = count_occurrences(occurrences, within.start - _MICROSECOND, within.end - _MICROSECOND)
    if count > MOST:
        raise DeclarationError(
            f"{count:,} partitions are too many for one backfill; at most {MOST:,} are allowed.",
            hint="Give a shorter range, or longer partitions by --by.",
        )
    found = tuple(_between(occurrences, within))
    if not found:
        raise DeclarationError(
            f"No partition begins in {format_span(within, timezone)}.",
            hint="Give a longer range, or shorter partitions by --by.",
        )
    return found


def format_span(span: Partition, timezone: str) -> str:
    """Format an interval for `parse_span`: as days if it consists of whole days, else in UTC."""
    zone = zone_named(timezone)
    first = local_at(zone, span.start).date()
    last = local_at(zone, span.end - _MICROSECOND).date()
    if _midnight(first, timezone) == span.start and _next_midnight(last, timezone) == span.end:
        return f"{first}..{last}" if first < last else f"{first}"
    ends = (at.astimezone(UTC).replace(tzinfo=None).isoformat() for at in (span.start, span.end))
    return "Z..".join(ends) + "Z"


def _bounds(span: Span, timezone: str) -> Partition:
    """Return the half-open interval of instants; the last day is included."""
    start = span.start if isinstance(span.start, datetime) else _midnight(span.start, timezone)
    end = span.end if isinstance(span.end, datetime) else _next_midnight(span.end, timezone)
    if start >= end:
        raise DeclarationError(
            f"The range ends before it begins: {span.start} to {span.end}.",
            hint="Write the earlier one first.",
        )
    return Partition(start=start, end=end)


def _midnight(day: date, timezone: str) -> datetime:
    """Return the first instant of a day, which is not 00:00 if a clock change skips midnight."""
    return instant_of(zone_named(timezone), datetime.combine(day, time.min))


def _next_midnight(day: date, timezone: str) -> datetime:
    return _midnight(day + timedelta(days=1), timezone)


def _must_fit(within: Partition, occurrences: Schedule, grain: Grain) -> None:
    """Reject a range that splits a partition: half a week must not be recorded as the week."""
    start = previous_occurrence(occurrences, within.start + _MICROSECOND) or within.start
    end = next_occurrence(occurrences, within.end - _MICROSECOND) or within.end
    if (start, end) == (within.start, within.end):
        return
    given = format_span(within, occurrences.timezone)
    whole = format_span(Partition(start=start, end=end), occurrences.timezone)
    raise DeclarationError(
        f"The range {given} does not begin and end with a {grain} in {occurrences.timezone}.",
        hint=f"The whole {grain}s around it are {whole}",
    )


def _between(occurrences: Schedule, within: Partition) -> Iterator[Partition]:
    start = next_occurrence(occurrences, within.start - _MICROSECOND)
    while start is not None and start < within.end:
        end = next_occurrence(occurrences, start)
        if end is None:
            return
        yield Partition(start=start, end=end)
        start = end
