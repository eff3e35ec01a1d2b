"""Ranges of days and instants: ``2026-01-01..2026-01-31``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.schedules.timezones import parse_instant

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FORMS = (
    "Write days, both included, such as 2026-01-01..2026-01-31, or times, the end excluded, such "
    "as 2026-01-01T06:00..2026-01-02T06:00."
)
YEARS = (1900, 2999)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A range as written.

    Args:
        start: A day, or an aware UTC instant.
        end: A day, which is included; or an aware UTC instant, which is excluded.
    """

    start: date | datetime
    end: date | datetime


def parse_span(text: str, *, timezone: str = "UTC") -> Span:
    """Parse ``FROM..TO``; a single day means that day.

    Args:
        text: Days or ISO 8601 times separated by ``..``.
        timezone: IANA name of the time zone for times without one.

    Returns:
        The range. It may be empty: checking that requires the midnights of the time zone.

    Raises:
        DeclarationError: An end is missing, or is neither a day nor a time.
    """
    first, dots, last = text.strip().partition("..")
    if not dots and _DAY.fullmatch(first):
        last = first
    if not first.strip() or not last.strip():
        raise DeclarationError(f"'{text}' is not a range of days or times.", hint=_FORMS)
    return Span(start=_end(first, timezone), end=_end(last, timezone))


def _end(text: str, timezone: str) -> date | datetime:
    written = text.strip()
    try:
        if _DAY.fullmatch(written):
            found: date | datetime = date.fromisoformat(written)
        else:
            found = parse_instant(written, timezone)
    except ValueError:
        raise DeclarationError(f"'{written}' is not a valid date.", hint=_FORMS) from None
    except DeclarationError as problem:
        raise DeclarationError(problem.message, hint=problem.hint or _FORMS) from None
    low, high = YEARS
    if not low <= found.year <= high:
        raise DeclarationError(f"'{written}' is not within the years {low} to {high}.", hint=_FORMS)
    return found
