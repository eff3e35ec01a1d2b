"""The lines of a log and their text format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from jupyter_etl.language.text import printable


class LineKind(StrEnum):
    """Kind of a log line.

    ``attempt`` is a heading; ``output`` is text that a process wrote to standard output or error.
    """

    RUN = "run"
    ATTEMPT = "attempt"
    STARTED = "started"
    CELL = "cell"
    ERROR = "error"
    READ = "read"
    CHECK = "check"
    PUBLISH = "publish"
    HOLD = "hold"
    NOTE = "note"
    OUTPUT = "output"
    END = "end"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One event of a run.

    Args:
        kind: Kind of the line.
        text: Printable; a traceback has several lines.
        at: When it happened, aware; None if unknown.
        attempt: Number of the attempt; 0 for events of the run itself.
    """

    kind: LineKind
    text: str
    at: datetime | None = None
    attempt: int = 0


def zone_named(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC if this machine does not have it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def format_instant(instant: datetime, zone: tzinfo) -> str:
    """Return ``2026-01-31 06:00:03 CET``."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def format_lines(lines: Iterable[LogLine], zone: tzinfo) -> list[str]:
    """Format lines as text: ``2026-01-31 06:00:03.120 CET  cell 3 succeeded in 0.4 s``.

    Args:
        lines: In order.
        zone: Time zone of the printed times; each has its abbreviation or offset.

    Returns:
        Lines of text without line ends. Headings have no time; output of processes starts with
        ``|``.
    """
    return [text for line in lines for text in _written(line, zone)]


def _written(line: LogLine, zone: tzinfo) -> list[str]:
    first, *more = printable(line.text).split("\n")
    if line.kind is LineKind.ATTEMPT:
        return [f"--- {first} ---"]
    if line.kind is LineKind.OUTPUT:
        return [f"    | {first}".rstrip()]
    stamp = ""
    if line.at is not None:
        at = line.at.astimezone(zone)
        stamp = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} {at:%Z}  "
    return [stamp + first, *(f"    {text}".rstrip() for text in more)]
