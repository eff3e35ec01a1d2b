"""Values of cursor columns: parsing, order and lags."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from math import ceil
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.numbers import refuse_long_numbers
from jupyter_etl.language.text import is_text_further
from jupyter_etl.model import CursorKind, CursorValue

SECOND = 1_000_000_000
"""One second in nanoseconds, the finest unit of timestamps in sources."""

DAY = 86_400 * SECOND
_DIGITS = 100
"""More digits than any database stores in a decimal."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date().toordinal()
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+\.\d+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?P<between>[T ])(?P<time>\d{2}:\d{2}(?::\d{2})?)"
    r"(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_FORMS = "Write it like 42, 2026-01-31, 2026-01-31T06:00:00 or 2026-01-31T06:00:00Z."


def order_of(value: CursorValue) -> int | Decimal | str:
    """Return a sort key for values of one kind; times are nanoseconds since 1970.

    Raises:
        DeclarationError: The text is not a value of its kind.
    """
    match value.kind:
        case CursorKind.INTEGER if _WHOLE.fullmatch(value.text):
            return int(value.text)
        case CursorKind.DECIMAL if _WHOLE.fullmatch(value.text) or _DECIMAL.fullmatch(value.text):
            return Decimal(value.text)
        case CursorKind.TEXT:
            return value.text
        case CursorKind.DATE if _DATE.fullmatch(value.text):
            return _days(value.text) * DAY
        case CursorKind.TIMESTAMP | CursorKind.INSTANT if found := _TIME.fullmatch(value.text):
            if bool(found["zone"]) is (value.kind is CursorKind.INSTANT):
                return _nanoseconds(found)
    raise DeclarationError(f"{value.text!r} is not a valid {value.kind}.", hint=_FORMS)


def is_further(value: CursorValue, than: CursorValue) -> bool:
    """Return whether a value is after another; both must be of the same kind."""
    if value.kind is than.kind is CursorKind.TEXT:
        return is_text_further(value.text, than.text)
    # Values of one kind have sort keys of one type.
    return value.kind is than.kind and order_of(value) > order_of(than)  # type: ignore[operator]


def value_at(kind: CursorKind, ns: int) -> CursorValue:
    """Return the time that many nanoseconds after 1970; for a date, its day.

    Raises:
        DeclarationError: It is outside the calendar.
    """
    seconds, fraction = divmod(ns, SECOND)
    try:
        at = _EPOCH + timedelta(seconds=seconds)
    except OverflowError as problem:
        raise DeclarationError(
            f"A time of {ns} ns since 1970 is outside the years 1 to 9999."
        ) from (problem)
    if kind is CursorKind.DATE:
        return CursorValue(kind=kind, text=at.date().isoformat())
    text = at.replace(tzinfo=None).isoformat()
    if fraction:
        text += f".{fraction:09d}".rstrip("0")
    return CursorValue(kind=kind, text=f"{text}Z" if kind is CursorKind.INSTANT else text)


def value_in(at: datetime, kind: CursorKind, zone: str) -> CursorValue:
    """Return the greatest value of a kind of times at or before an instant.

    A date must have ended by then: otherwise the rows so far would count as all rows of the day.

    Args:
        kind: ``date``, ``timestamp`` or ``instant``.
        zone: IANA name of the time zone of dates and naive timestamps.
    """
    local = at.astimezone(UTC if kind is CursorKind.INSTANT else ZoneInfo(zone))
    wall = local.replace(tzinfo=UTC) - _EPOCH
    ns = (wall // timedelta(microseconds=1)) * 1000
    return value_at(kind, ns - DAY if kind is CursorKind.DATE else ns)


def parse_cursor(text: str, kind: CursorKind | None = None) -> CursorValue:
    """Parse a value from user input.

    Args:
        text: See `CursorValue`; an instant may have any offset.
        kind: Required kind; None infers it from the text.

    Raises:
        DeclarationError: It is not a value of that kind.
    """
    refuse_long_numbers(text)
    given = text.strip()
    guessed = kind or _kind_of(given)
    found = _TIME.fullmatch(given)
    if guessed in (CursorKind.TIMESTAMP, CursorKind.INSTANT) and found is None:
        found = _TIME.fullmatch(f"{given}T00:00" + ("Z" if guessed is CursorKind.INSTANT else ""))
    if found is not None and guessed in (CursorKind.TIMESTAMP, CursorKind.INSTANT):
        if bool(found["zone"]) is not (guessed is CursorKind.INSTANT):
            needs = "a zone, like Z" if guessed is CursorKind.INSTANT else "no zone"
            raise DeclarationError(f"{text!r} must have {needs}: the column contains {guessed}s.")
        return value_at(guessed, _nanoseconds(found))
    if guessed is CursorKind.TEXT:
        return CursorValue(kind=guessed, text=text)
    value = CursorValue(kind=guessed, text=given)
    order = order_of(value)
    if guessed in (CursorKind.INTEGER, CursorKind.DECIMAL):
        return CursorValue(kind=guessed, text=format(order, "d" if isinstance(order, int) else "f"))
    return value


def lagged(value: CursorValue, lag: str) -> CursorValue:
    """Return the value that precedes another by a lag.

    Args:
        lag: A duration for times (for dates whole days, rounded up), a number for numbers.

    Raises:
        DeclarationError: The lag is not valid, or the values are texts, which have no distance.
    """
    refuse_long_numbers(lag)
    order = order_of(value)
    if value.kind in (CursorKind.INTEGER, CursorKind.DECIMAL):
        return _lagged_number(value, lag.strip())
    if value.kind is CursorKind.TEXT:
        return _lagged_text(value.text, lag)
    ns = int(Decimal(str(parse_duration(lag))) * SECOND)
    if value.kind is CursorKind.DATE:
        ns = -(-ns // DAY) * DAY
    assert isinstance(order, int)  # noqa: S101 - what times sort by
    return value_at(value.kind, max(order - ns, _nanoseconds_of_year_1()))


def _lagged_number(value: CursorValue, lag: str) -> CursorValue:
    number = _WHOLE.fullmatch(lag) or _DECIMAL.fullmatch(lag)
    if number is None or lag.startswith("-"):
        raise DeclarationError(
            f"The lag is {lag!r}, but the column contains numbers, so it must be a number such "
            "as 1000."
        )
    if value.kind is CursorKind.INTEGER:
        return CursorValue(kind=value.kind, text=str(int(value.text) - ceil(Decimal(lag))))
    with localcontext(prec=_DIGITS):
        return CursorValue(kind=value.kind, text=format(Decimal(value.text) - Decimal(lag), "f"))


def _lagged_text(text: str, lag: str) -> CursorValue:
    """Subtract a lag from a time that is stored as text, if its notation can be kept exactly."""
    found = _TIME.fullmatch(text)
    back = timedelta(seconds=parse_duration(lag))
    if _DATE.fullmatch(text):
        days = -(-back // timedelta(days=1))
        return CursorValue(
            kind=CursorKind.TEXT, text=(date.fromisoformat(text) - timedelta(days=days)).isoformat()
        )
    if found is None:
        raise DeclarationError(
            f"The column contains text such as {text!r}, so a lag is not possible.",
            hint="Use a column of times or numbers, or omit --lag.",
        )
    spec = "seconds" if found["time"].count(":") == 2 else "minutes"
    # Whole seconds back, or more: everything at that time or later is read again.
    whole = datetime.fromisoformat(f"{found['day']}T{found['time']}") - timedelta(
        seconds=-(-back // timedelta(seconds=1))
    )
    rendered = whole.isoformat(sep=found["between"], timespec=spec)
    fraction = f".{found['fraction']}" if found["fraction"] else ""
    return CursorValue(kind=CursorKind.TEXT, text=f"{rendered}{fraction}{found['zone'] or ''}")


def _kind_of(text: str) -> CursorKind:
    if _WHOLE.fullmatch(text):
        return CursorKind.INTEGER
    if _DECIMAL.fullmatch(text):
        return CursorKind.DECIMAL
    if _DATE.fullmatch(text):
        return CursorKind.DATE
    if found := _TIME.fullmatch(text):
        return CursorKind.INSTANT if found["zone"] else CursorKind.TIMESTAMP
    return CursorKind.TEXT


def _days(text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH_DAY
    except ValueError as problem:
        raise DeclarationError(f"{text!r} is not a date: {problem}.", hint=_FORMS) from problem


def _nanoseconds(found: re.Match[str]) -> int:
    zone = (found["zone"] or "Z").replace("Z", "+00:00")
    try:
        at = datetime.fromisoformat(f"{found['day']}T{found['time']}{zone}")
    except ValueError as problem:
        raise DeclarationError(f"{found[0]!r} is not a time: {problem}.", hint=_FORMS) from problem
    fraction = int((found["fraction"] or "").ljust(9, "0"))
    return (at - _EPOCH) // timedelta(seconds=1) * SECOND + fraction


def _nanoseconds_of_year_1() -> int:
    return (1 - _EPOCH_DAY) * DAY
