"""Previews of schedules, and the schedule that a deployment results in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.schedules.date_ranges import YEARS
from jupyter_etl.language.schedules.schedule import format_schedule, parse_schedule
from jupyter_etl.model import Schedule, ScheduleKind
from jupyter_etl.scheduling.occurrences import dst_note, next_occurrences, occurrences_between

_INSTANT = timedelta(microseconds=1)
"""The smallest step between instants."""


@dataclass(frozen=True, kw_only=True)
class SchedulePreview:
    """A schedule before it is deployed.

    Args:
        schedule: The parsed schedule.
        words: The schedule as text.
        next: The next occurrences, UTC; empty for ``after``.
        note: The effect of clock changes; "" if there is none.
    """

    schedule: Schedule
    words: str
    next: tuple[datetime, ...]
    note: str


def preview_of(
    schedule: Schedule, now: datetime, *, count: int = 5, spent: bool = False
) -> SchedulePreview:
    """Describe a schedule.

    Args:
        now: The occurrences start after this instant; UTC.
        count: Number of occurrences.
        spent: Whether a schedule that never fires again is allowed.

    Raises:
        DeclarationError: It never fires after ``now``.
    """
    occurrences = next_occurrences(schedule, now, count)
    if not occurrences and not spent and schedule.kind is not ScheduleKind.AFTER:
        raise DeclarationError(
            f"The schedule {schedule.text!r} never fires from now on.",
            hint="Use a time in the future, such as 'daily at 06:00'.",
        )
    return _preview(schedule, occurrences)


def preview_between(
    schedule: Schedule, start: datetime, end: datetime | None, *, count: int
) -> SchedulePreview:
    """Return when a schedule fires, also in the past.

    Args:
        start, end: The interval ``start <= t < end``, UTC.
        count: Number of occurrences if ``end`` is None.

    Raises:
        DeclarationError: An instant is not within `YEARS`.
    """
    low, high = YEARS
    for at in (start, end):
        if at is not None and not low <= at.year <= high:
            raise DeclarationError(
                f"'{at.date()}' is not within the years {low} to {high}.",
                hint="Use --from and --to within these years.",
            )
    # occurrences_between includes the end of an interval and excludes its start.
    before = start - _INSTANT
    if end is None:
        return _preview(schedule, next_occurrences(schedule, before, count))
    return _preview(schedule, list(occurrences_between(schedule, before, end - _INSTANT)))


def _preview(schedule: Schedule, occurrences: Sequence[datetime]) -> SchedulePreview:
    return SchedulePreview(
        schedule=schedule,
        words=format_schedule(schedule),
        next=tuple(occurrences),
        note=dst_note(schedule, occurrences),
    )


def changed_schedule(
    kept: Schedule | None, request: ScheduleRequest, default_zone: str
) -> Schedule | None:
    """Return the schedule of a deployment: the kept one with the changes of the request.

    Args:
        kept: The schedule of the deployed pipeline; None without one.
        default_zone: IANA name of the time zone to use if none is given or kept.

    Raises:
        DeclarationError: The schedule is not valid.
    """
    when, after, after_all = request.when, request.after, request.after_all
    zone = request.timezone or (kept.timezone if kept else default_zone)
    if request.on_demand:
        if when or after or after_all:
            raise DeclarationError(
                "A pipeline either runs on demand or has a schedule.",
                hint="Omit --on-demand, or the schedule.",
            )
        return None
    if when or after:
        both = after_all or (kept is not None and kept.after_all and bool(after))
        return parse_schedule(when, timezone=zone, after=after, after_all=both)
    if kept is None:
        return parse_schedule("", after_all=True) if after_all else None
    if not request.timezone and not after_all:
        return kept
    text = "" if kept.kind is ScheduleKind.AFTER else kept.text
    return parse_schedule(
        text, timezone=zone, after=kept.after, after_all=after_all or kept.after_all
    )
