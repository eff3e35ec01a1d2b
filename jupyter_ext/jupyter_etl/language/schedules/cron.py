"""Cron fields, and the phrases that represent them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import nearest

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY_NAMES = {
    **{day: number for number, day in enumerate(_DAYS)},
    **{
        name: number
        for number, name in enumerate(
            ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
        )
    },
    "tues": 2, "weds": 3, "thur": 4, "thurs": 4,
}  # fmt: skip
_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31, or L for the last"),
    ("month", "1-12 or jan-dec"),
    (
        "day of week",
        "0-7 or sun-sat (0 and 7 are Sunday), 1#2 for the second Monday, 5L for the last Friday",
    ),
)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_WORDS = re.compile(
    r"(?:every\s+)?(?P<what>[a-z][a-z,\s-]*?)"
    r"(?:\s+on\s+(?:the\s+|day\s+)?(?P<on>[\w,-]+)(?:\s+day)?)?"
    r"(?:\s+at\s+(?P<at>\S+))?",
    re.IGNORECASE | re.ASCII,
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def parse_cron(text: str, *, forms: str) -> str:
    """Validate five cron fields, or an alias such as ``@daily``.

    Args:
        forms: The hint for a text that is not cron at all.

    Returns:
        Five fields in upper case, separated by single blanks.

    Raises:
        DeclarationError: A field is not valid (the message has its name and the allowed
            values), or the fields never match.

    Source:
        cronsim, https://github.com/cuu508/cronsim: Debian's cron with ``L`` and ``#``.
    """
    if text.startswith("@"):
        return _alias(text)
    fields = text.upper().split()
    if len(fields) != 5 or not text.isascii():
        if not re.match(r"[0-9*]", text) or not text.isascii():
            raise DeclarationError(f"The schedule '{text}' is invalid.", hint=forms)
        raise DeclarationError(
            f"The schedule '{text}' has {len(fields)} cron fields; it must have 5.",
            hint="They are minute, hour, day of month, month, day of week: 30 6 * * 1-5.",
        )
    for position, field in enumerate(fields):
        _check_field(text, position, field)
    if not _fires(fields):
        raise DeclarationError(
            f"The schedule '{text}' never fires: there is no day {fields[2]} in month {fields[3]}.",
            hint="For the last day of a month write L: 0 0 L * *.",
        )
    return " ".join(fields)


def _alias(text: str) -> str:
    cron = _ALIASES.get(text.lower())
    if cron is None:
        raise DeclarationError(
            f"'{text}' is not a schedule.{nearest(text, _ALIASES)}",
            hint="Write @hourly, @daily, @weekly, @monthly or @yearly.",
        )
    return cron


def _check_field(text: str, position: int, field: str) -> None:
    probe = ["*"] * 5
    probe[position] = field
    try:
        CronSim(" ".join(probe), _EPOCH)
    except CronSimError:
        name, allowed = _FIELDS[position]
        raise DeclarationError(
            f"'{field}' is not a valid {name} in the schedule '{text}'.{_advice(field, position)}",
            hint=f"Allowed: {allowed}; with * , - and /.",
        ) from None


def _advice(field: str, position: int) -> str:
    if found := re.fullmatch(r"(\d+)-(\d+)", field):
        first, last = int(found[1]), int(found[2])
        least, most = _BOUNDS[position]
        if least <= last < first <= most:
            return f" A range must be ascending: write {first}-{most},{least}-{last}."
        return ""
    if "W" in field and "WED" not in field:
        return " W (the nearest weekday) is only supported as LW, the last weekday of the month."
    if "?" in field:
        return " Write * instead of ?."
    return ""


def _fires(fields: list[str]) -> bool:
    try:
        next(CronSim(" ".join(fields), _EPOCH))
    except (CronSimError, StopIteration):
        return False
    return True


def cron_of_words(text: str) -> str | None:
    """Convert a phrase to cron fields.

    Args:
        text: ``hourly``, ``daily at 06:00``, ``weekdays at 07:30``, ``mon,thu at 09:00``,
            ``monthly on 1 at 05:00``, ``weekly on mon at 09:00``, ``every monday at 09:00``.

    Returns:
        Five fields; None if it is not a phrase.

    Raises:
        DeclarationError: It starts as a phrase, but its time or day is not valid.
    """
    found = _WORDS.fullmatch(text)
    if found is None:
        return None
    what, on, at = found["what"].lower(), (found["on"] or "").lower(), found["at"]
    if what in ("hourly", "hour"):
        return None if on else f"{_minute(text, at)} * * * *"
    if what in ("minute",) and not on and at is None:
        return "* * * * *"
    days = _month_days(text, on) if what in ("monthly", "month") else None
    weekdays = None if days else _weekdays(what, on)
    if days is None and weekdays is None:
        _refuse_near(text, what)
        return None
    hour, minute = _time(text, at) if at is not None else (0, 0)
    return f"{minute} {hour} {days or '*'} * {weekdays or '*'}"


def _refuse_near(text: str, what: str) -> None:
    known = ["hourly", "daily", "weekdays", "weekends", "weekly", "monthly", *_DAY_NAMES]
    first = re.split(r"[\s,-]", what)[0]
    if suggestion := nearest(first, known):
        raise DeclarationError(
            f"The schedule '{text}' is invalid.{suggestion}",
            hint='Write it like "weekdays at 07:30", "mon,thu at 09:00" or "monthly on 1 at 05:00".',
        )


def _weekdays(what: str, on: str) -> str | None:
    if what in ("daily", "day") and not on:
        return "*"
    if what in ("weekly", "week"):
        what = on or "sunday"
    elif on:
        return None
    if what in ("weekdays", "weekday"):
        return "1-5"
    if what in ("weekends", "weekend"):
        return "0,6"
    numbers: set[int] = set()
    for part in re.split(r"\s*(?:,|\band\b)\s*", what):
        first, dash, last = (end.strip() for end in part.partition("-"))
        if first not in _DAY_NAMES or (dash and last not in _DAY_NAMES):
            return None
        start, end = _DAY_NAMES[first], _DAY_NAMES[last or first]
        numbers |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return ",".join(str(number) for number in sorted(numbers))


def _month_days(text: str, on: str) -> str:
    if on in ("last", "l"):
        return "L"
    parts = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", on or "1").split(",")
    if not all(re.fullmatch("[0-9]{1,2}", part) and 1 <= int(part) <= 31 for part in parts):
        raise DeclarationError(
            f"'{on}' in the schedule '{text}' is not a day of the month.",
            hint='Write 1 to 31 or last: "monthly on 1 at 05:00", "monthly on last at 05:00".',
        )
    return ",".join(str(day) for day in sorted({int(part) for part in parts}))


def _time(text: str, at: str) -> tuple[int, int]:
    found = _TIME.fullmatch({"noon": "12:00", "midnight": "00:00"}.get(at.lower(), at))
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise DeclarationError(
            f"'{at}' in the schedule '{text}' is not a time of day.",
            hint="Write hours and minutes on a 24-hour clock: 06:00, 18:30.",
        )
    return int(found[1]), int(found[2])


def _minute(text: str, at: str | None) -> int:
    minute = (at or ":00").removeprefix(":")
    if not re.fullmatch("[0-9]{1,2}", minute) or int(minute) > 59:
        raise DeclarationError(
            f"'{at}' in the schedule '{text}' is not a minute of the hour.",
            hint='Write it like "hourly at :15".',
        )
    return int(minute)
