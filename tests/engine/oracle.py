"""Instants of a cron schedule, from the rules alone and minute by minute.

Nothing of the engine or of cronsim is used. A day's times are walked in UTC, one minute after the
other, as a cron daemon would; the zone tells what the clock on the wall shows at each.

Rules (Debian cron(8), "Notes", and the fields of crontab(5)):

1. A job whose minutes or hours begin with ``*`` runs whenever the clock shows a match.
2. Any other job runs when the clock shows a match that it has not shown before; where the clock
   jumps ahead over a match, it runs at the minute after the jump, once.
3. Day of month and day of week: both must match if one of them begins with ``*``, else either.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def oracle_ticks(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the instants in ``(start, end]``, which are whole minutes in UTC."""
    matches = _matcher(cron)
    minutes, hours = cron.split()[:2]
    wild = minutes.startswith("*") or hours.startswith("*")
    info = ZoneInfo(zone)
    # A day earlier, so that times shown before ``start`` count as shown.
    at = start - timedelta(days=1)
    shown = at.astimezone(info).replace(tzinfo=None)
    ticks = []
    while at < end:
        at += _MINUTE
        wall = at.astimezone(info).replace(tzinfo=None)
        if wild:
            due = matches(wall)
        else:
            due = False
            while shown < wall:
                shown += _MINUTE
                due = matches(shown) or due
        if due and at > start:
            ticks.append(at.astimezone(UTC))
    return ticks


def _matcher(cron: str):
    texts = cron.split()
    fields = [_field(text, *bounds) for text, bounds in zip(texts, _BOUNDS, strict=True)]
    both = texts[2].startswith("*") or texts[4].startswith("*")

    def matches(wall: datetime) -> bool:
        if wall.minute not in fields[0] or wall.hour not in fields[1]:
            return False
        if wall.month not in fields[3]:
            return False
        of_month = wall.day in fields[2]
        of_week = wall.isoweekday() % 7 in {day % 7 for day in fields[4]}
        return (of_month and of_week) if both else (of_month or of_week)

    return matches


def _field(text: str, low: int, high: int) -> set[int]:
    values: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = str(low), str(high)
        elif not last:
            last = str(high) if step else first
        values.update(range(int(first), int(last) + 1, int(step or 1)))
    return values
