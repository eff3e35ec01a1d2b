"""Strings that look like numbers or dates: their notation, and the option that reads them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from math import isfinite

from jupyter_etl.sources.text.inference import MISSING_WORDS, TextForm, kinds_of

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_MARKED = re.compile(
    r"[-+]?(?P<whole>\d+|\d{1,3}(?:(?P<mark>[.,'’ \u00a0\u202f])\d{3})+(?!\d))(?:(?P<point>[.,])(?P<fraction>\d+))?"
)
_GROUPED = re.compile(r"[-+]?\d{1,3},\d{3}")
_LEADING_ZERO = re.compile(r"[-+]?0\d|\+")
_DAY = re.compile(
    r"(?P<first>\d{1,4})(?P<sign>[./-])(?P<second>\d{1,2})(?P=sign)(?P<third>\d{1,4})"
    r"(?P<time>[ T]\d\d:\d\d(?P<seconds>:\d\d)?)?"
)
_DAY_LENGTHS = re.compile(r"4[12][12]|[12][12]4|222")
_MARKS = {" ": "space", "\u00a0": "nbsp"}
_FEW = 2


def hint_on(name: str, texts: Sequence[str], form: TextForm) -> str:
    """Suggest the option that reads a column that stayed text.

    Args:
        texts: Some of its values, including the one that does not fit.
        form: The declared notation of values.

    Returns:
        A sentence; "" if the column looks like text.
    """
    values = [text for text in (t.strip() for t in texts) if text and text not in MISSING_WORDS]
    for hint_of in (_dates, _marks, _numbers, _odd_words):
        found = hint_of(name, values, form) if values else ""
        if found:
            return found
    return ""


def _marks(name: str, values: Sequence[str], form: TextForm) -> str:
    """Find decimal commas and thousands separators."""
    if form.decimal != "." or form.thousands:
        return ""
    found = [_MARKED.fullmatch(value) for value in values]
    parts = [match for match in found if match]
    if len(parts) < len(values) or any(_LEADING_ZERO.match(value) for value in values):
        return ""
    marks = {match["mark"] for match in parts if match["mark"]}
    points = {match["point"] for match in parts if match["point"]}
    if len(marks) > 1 or len(points) > 1 or marks & points or not marks | (points - {"."}):
        return ""
    shown = [match[0] for match in parts if match["mark"] or match["point"] == ","]
    example = next((match[0] for match in parts if match["mark"] and match["point"]), shown[0])
    options = [_option("decimal", point) for point in points - {"."}]
    options += [_option("thousands", _MARKS.get(mark, mark)) for mark in marks]
    if points == {","} and not marks and all(_GROUPED.fullmatch(text) for text in shown):
        options.append(f"or {_option('thousands', ',')}")
    return f"{name} looks like {example}: add {' '.join(options)}"


def _dates(name: str, values: Sequence[str], form: TextForm) -> str:
    """Find dates in other formats than ISO's."""
    matches = [_DAY.fullmatch(value) for value in values]
    days = [match for match in matches if match and _is_day(match)]
    if len(days) < len(values):
        return ""
    forms = {pattern for day in days for pattern in [_form_of(day, days)] if pattern}
    if len(forms) == 1 and min(forms).startswith("%Y-%m-%d"):
        kind = "timestamp" if "%H" in min(forms) else "date"
        fits = all(map(_is_in_calendar, days))
        return f"{name} looks like {values[0]}: add {_option(f'type.{name}', kind)}" * fits
    if len(forms) == 1 and not forms & set(form.dates):
        pattern = forms.pop()
        if "%d/%m" in pattern and not any(int(day["first"]) > 12 for day in days):
            other = pattern.replace("%d/%m", "%m/%d")
            either = f"{_option('date', pattern)} or {_option('date', other)}"
            return f"{name} looks like {values[0]}: add {either}"
        return f"{name} looks like {values[0]}: add {_option('date', pattern)}"
    if len(forms) > 1:
        examples = dict.fromkeys(_form_of(day, days) for day in days)
        shown = [next(d[0] for d in days if _form_of(d, days) == one) for one in examples]
        kind = "timestamp" if any("%H" in one for one in forms) else "date"
        options = f"{_option(f'type.{name}', kind)} {_option('date', '|'.join(sorted(forms)))}"
        return f"{name} mixes forms of dates, {' and '.join(shown[:3])}: add {options}"
    return ""


def _is_day(found: re.Match[str]) -> bool:
    lengths = "".join(str(len(found[part])) for part in ("first", "second", "third"))
    return bool(_DAY_LENGTHS.fullmatch(lengths))


def _is_in_calendar(day: re.Match[str]) -> bool:
    with suppress(ValueError):
        datetime.fromisoformat(day[0])
        return True
    return False


def _form_of(day: re.Match[str], days: Sequence[re.Match[str]]) -> str:
    """Return the format of a date for strptime."""
    sign = day["sign"]
    time = "" if not day["time"] else day["time"][0] + "%H:%M" + (":%S" if day["seconds"] else "")
    if len(day["first"]) == 4:
        return f"%Y{sign}%m{sign}%d{time}"
    month_first = any(
        d["sign"] == sign and len(d["first"]) < 3 and int(d["second"]) > 12 for d in days
    )
    parts = ["%m", "%d"] if month_first else ["%d", "%m"]
    written = (day["first"], day["second"])
    if any(len(part) == 1 for part in written):
        parts = [part.replace("%", "%-") for part in parts]
    year = "%Y" if len(day["third"]) == 4 else "%y"
    return sign.join([*parts, year]) + time


def _numbers(name: str, values: Sequence[str], form: TextForm) -> str:
    """Find numbers in notations that are not canonical, or with too many digits."""
    if not all(_NUMBER.fullmatch(v) and not _LEADING_ZERO.match(v) for v in values):
        return ""
    odd = next((v for v in values if not kinds_of(v, form) & {"integer", "double"}), "")
    if not odd:
        return ""
    digits = sum(sign.isdigit() for sign in odd)
    if digits > 15 and "e" not in odd.lower():
        scale = max(len(value.partition(".")[2]) for value in values)
        option = _option(f"type.{name}", f"decimal(38,{scale})")
        return f"{name} has {odd}, with more digits than a double holds: add {option}"
    if form.decimal != "." or not all(_is_held(float(v), v) for v in values):
        return ""
    return f"{name} looks like {odd}: add {_option(f'type.{name}', 'double')}"


def _is_held(number: float, text: str) -> bool:
    """Return whether a double is neither infinite nor zero instead of the number."""
    return isfinite(number) and (number != 0 or not re.match(r"[-+]?[0.]*[1-9]", text))


def _odd_words(name: str, values: Sequence[str], form: TextForm) -> str:
    """Find a word that may mean a missing value among numbers or dates."""
    others = [value for value in values if not kinds_of(value, form)]
    words = dict.fromkeys(others)
    if not others or len(words) > _FEW or len(others) * 3 > len(values):
        return ""
    if any(any(sign.isdigit() for sign in word) or "," in word for word in words):
        return ""
    kinds = [kinds_of(value, form) for value in values if value not in words]
    if not frozenset.intersection(*kinds):
        return ""
    example = next(value for value in values if value not in words)
    option = _option("null", ",".join(words))
    return f"{name} looks like {example} except for {' and '.join(words)}: add {option}"


def _option(name: str, value: str) -> str:
    return f"--option {shlex.quote(f'{name}={value}')}"
