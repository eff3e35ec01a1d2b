"""Schedules of pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ScheduleKind(StrEnum):
    """The four kinds of schedule."""

    CRON = "cron"
    INTERVAL = "interval"
    ONCE = "once"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a pipeline runs; exactly the field of its kind is set.

    Args:
        kind: Which of the fields below applies.
        text: As the user wrote it, trimmed; shown and edited.
        timezone: IANA name of the time zone of ``cron``.
        cron: Five fields, normalised (``@daily`` and phrases are converted).
        every_s: Seconds between runs, counted from the Unix epoch so that all schedulers agree.
        at: The instant of a one-shot schedule, UTC.
        after: Names of the publications whose new versions start a run.
        after_all: Whether each of them must have a new version; otherwise one is enough.
    """

    kind: ScheduleKind
    text: str
    timezone: str = "UTC"
    cron: str | None = None
    every_s: float | None = None
    at: datetime | None = None
    after: tuple[str, ...] = ()
    after_all: bool = False
