"""Names of time zones, and instants in user input."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import listed, nearest

_ISO_FORMS = "Write it like 2026-01-31, 2026-01-31 06:00 or 2026-01-31T06:00:00Z."


def parse_timezone(name: str) -> ZoneInfo:
    """Look up a time zone.

    Args:
        name: IANA name: ``UTC``, ``Europe/Paris``.

    Returns:
        The time zone; ``.key`` is its name.

    Raises:
        DeclarationError: There is no time zone with this name; the message has similar ones.
    """
    wanted = name.strip()
    if re.fullmatch(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", wanted):
        try:
            return ZoneInfo(wanted)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass  # handled below with suggestions: listing all zones reads many files
    raise DeclarationError(
        f"'{name}' is not a valid timezone.{_near(wanted, available_timezones())}",
        hint="Use an IANA name, such as UTC or Europe/Paris.",
        data={"field": "timezone"},
    )


def _near(wanted: str, known: set[str]) -> str:
    """Suggest time zones: by city first, since users remember those."""
    plain = re.sub(r"[\s_]+", "_", wanted).casefold()
    cities = sorted(zone for zone in known if plain and zone.casefold().split("/")[-1] == plain)
    same = sorted(zone for zone in known if zone.casefold() == plain)
    if found := same or cities:
        return f" Did you mean {listed((repr(zone) for zone in found), limit=3)}?"
    by_city = {zone.split("/")[-1]: zone for zone in sorted(known)}
    suggestion = nearest(wanted, known) or nearest(wanted, by_city)
    for city, zone in by_city.items():
        suggestion = suggestion.replace(f"'{city}'", f"'{zone}'")
    return suggestion


def parse_instant(text: str, timezone: str = "UTC") -> datetime:
    """Parse an instant.

    Args:
        text: ISO 8601 date or date and time; with an offset or ``Z``, or else in ``timezone``.
        timezone: IANA name. An ambiguous local time means its first occurrence.

    Returns:
        The instant, aware, UTC.

    Raises:
        DeclarationError: It is not an instant, or a clock change skips that local time.
    """
    zone = parse_timezone(timezone)
    try:
        written = datetime.fromisoformat(text.strip())
        local = written if written.tzinfo else written.replace(tzinfo=zone, fold=0)
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DeclarationError(f"'{text}' is not a date and time.", hint=_ISO_FORMS) from None
    back = instant.astimezone(local.tzinfo)
    if back.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise DeclarationError(
            f"'{text}' does not exist in {zone.key}, because clocks are set forward at that time.",
            hint=f"The next valid time is {back:%Y-%m-%d %H:%M}.",
        )
    return instant
