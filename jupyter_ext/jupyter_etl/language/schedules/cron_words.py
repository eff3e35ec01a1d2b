"""Descriptions of cron fields in English."""

from __future__ import annotations

import re
from collections.abc import Callable

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAY_NUMBERS = {name[:3].upper(): number for number, name in enumerate(_DAYS)}
_MONTH_NUMBERS = {name[:3].upper(): number for number, name in enumerate(_MONTHS, 1)}
_WEEKENDS = ("0,6", "6,0", "6,7", "6-7", "SAT,SUN", "SUN,SAT")
_MAX_TIMES = 6


def cron_in_words(cron: str) -> str:
    """Describe five cron fields that `parse_cron` accepted.

    If one of the two day fields starts with a star, both must match, as in Debian's cron; the text
    contains "only on". Otherwise one match is enough, and the text contains "and also".

    Args:
        cron: Upper case, separated by blanks.

    Returns:
        ``every weekday at 06:00``; ``every 2nd day of every month, only on Monday, at 00:00``.
    """
    minute, hour, day, month, weekday = cron.split()
    days = _days(day, month, weekday)
    if point := _point(minute, hour):
        return f"{days or 'every day'} at {point}"
    return ", ".join(filter(None, [_times(minute, hour), days]))


def _point(minute: str, hour: str) -> str:
    """Describe a few times of day; "" if there are many."""
    if not re.fullmatch(r"[\d,]+ [\d,]+", f"{minute} {hour}"):
        return ""
    hours, minutes = ({int(n) for n in field.split(",")} for field in (hour, minute))
    if len(hours) * len(minutes) > _MAX_TIMES:
        return ""
    return _joined([f"{h:02d}:{m:02d}" for h in sorted(hours) for m in sorted(minutes)])


def _times(minute: str, hour: str) -> str:
    if re.fullmatch(r"0+", minute) and (hours := _whole_hours(hour)):
        return hours
    step = _step(minute)
    if minute == "*" or step == 1:
        phrase = "every minute"
    elif step:
        phrase = f"every {step} minutes" if 60 % step == 0 else f"every {_ordinal(step)} minute"
    else:
        of = " of every hour" if hour == "*" else ""
        phrase = f"at minute {_series(minute, _plain)}{of}"
    if hour == "*":
        return phrase
    if found := re.fullmatch(r"(\d+)-(\d+)", hour):
        return f"{phrase} from {int(found[1]):02d}:00 to {int(found[2]):02d}:59"
    if step := _step(hour):
        return f"{phrase} of every {_ordinal(step)} hour"
    return f"{phrase} of hour {_series(hour, _plain)}"


def _whole_hours(hour: str) -> str:
    if hour == "*":
        return "every hour"
    if found := re.fullmatch(r"(\d+)-(\d+)", hour):
        return f"every hour from {int(found[1]):02d}:00 to {int(found[2]):02d}:00"
    if (step := _step(hour)) and step > 1:
        return f"every {step} hours" if 24 % step == 0 else f"every {_ordinal(step)} hour"
    return ""


def _days(day: str, month: str, weekday: str) -> str:
    """Describe the days; "" for every day."""
    months = "every month" if month == "*" else _series(month, _month)
    dates = "" if day == "*" else _dates(day, months)
    weekdays = "" if weekday == "*" else _weekdays(weekday)
    within = "" if month == "*" else f" in {months}"
    if not dates and not weekdays:
        return f"every day{within}" if within else ""
    if not weekdays:
        return dates
    if not dates:
        return f"{weekdays}{within}"
    if day.startswith("*") or weekday.startswith("*"):
        return f"{dates}, only on {weekdays.removeprefix('every ').removeprefix('on ')},"
    return f"{dates} and also {weekdays}{within}"


def _dates(day: str, months: str) -> str:
    if step := _step(day):
        return f"every {_ordinal(step)} day of {months}" if step > 1 else f"every day of {months}"
    if day in ("L", "LW"):
        return f"on {_date(day)} of {months}"
    return f"on day {_series(day, _date)} of {months}"


def _date(text: str) -> str:
    return {"L": "the last day", "LW": "the last weekday"}.get(text, _plain(text))


def _weekdays(weekday: str) -> str:
    if weekday in ("1-5", "MON-FRI"):
        return "every weekday"
    if weekday in _WEEKENDS:
        return "every Saturday and Sunday"
    if step := _step(weekday):
        days = list(dict.fromkeys(_DAYS[number % 7] for number in range(0, 8, step)))
        return f"every {_joined(days)}"
    if "#" in weekday or "L" in weekday:
        return f"on {_series(weekday, _weekday)}"
    return f"every {_series(weekday, _weekday)}"


def _weekday(text: str) -> str:
    if "#" in text:
        name, _, nth = text.partition("#")
        return f"the {_ordinal(int(nth))} {_weekday(name)} of the month"
    if text.endswith("L"):
        return f"the last {_weekday(text[:-1])} of the month"
    return _DAYS[_DAY_NUMBERS[text] if text in _DAY_NUMBERS else int(text) % 7]


def _month(text: str) -> str:
    return _MONTHS[(_MONTH_NUMBERS[text] if text in _MONTH_NUMBERS else int(text)) - 1]


def _plain(text: str) -> str:
    return str(int(text)) if text.isdigit() else text


def _step(field: str) -> int:
    """Return n of ``*/n``, else 0."""
    return int(field[2:]) if re.fullmatch(r"\*/\d+", field) else 0


def _series(field: str, word_of: Callable[[str], str]) -> str:
    """Describe a list of values, ranges and steps."""
    return _joined([_term(term, word_of) for term in field.split(",")])


def _term(term: str, word_of: Callable[[str], str]) -> str:
    base, slash, step = term.partition("/")
    if base == "*":
        return f"every {_ordinal(int(step))}" if slash else "every one"
    first, dash, last = base.partition("-")
    span = f"{word_of(first)} to {word_of(last)}" if dash else word_of(first)
    if not slash or int(step) == 1:
        return span if dash or not slash else f"{span} onwards"
    return f"{span if dash else f'{span} onwards'} in steps of {int(step)}"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _ordinal(number: int) -> str:
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
