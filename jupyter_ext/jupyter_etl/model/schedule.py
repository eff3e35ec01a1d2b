"""When a pipeline runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ScheduleKind(StrEnum):
    """The four ways to say when."""

    CRON = "cron"
    INTERVAL = "interval"
    ONCE = "once"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a pipeline runs; exactly the field of its kind is set.

    Args:
        kind: Which of the fields below says when.
        text: As the user wrote it, trimmed; what is shown and edited.
        timezone: IANA name in which ``cron`` is read.
        cron: Five fields, normalised (``@daily`` and words are turned into them).
        every_s: Seconds between runs, counted from the Unix epoch so that all schedulers agree.
        at: The one instant of a one-shot, UTC.
        after: Names of the publications whose new versions start a run.
        after_all: Wait until each of them has a new version; otherwise any one is enough.
    """

    kind: ScheduleKind
    text: str
    timezone: str = "UTC"
    cron: str | None = None
    every_s: float | None = None
    at: datetime | None = None
    after: tuple[str, ...] = ()
    after_all: bool = False
