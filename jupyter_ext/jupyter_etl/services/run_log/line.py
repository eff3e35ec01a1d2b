"""One line of a log, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from jupyter_etl.language.text import printable


class LineKind(StrEnum):
    """What a line of a log is about.

    ``attempt`` is a heading; ``output`` is what a process wrote to its standard output or error.
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
        kind: What it is about.
        text: Printable; a traceback has several lines.
        at: When it happened, aware; None where that is not known.
        attempt: Number of the attempt; 0 for what is about the run.
    """

    kind: LineKind
    text: str
    at: datetime | None = None
    attempt: int = 0


def zone_named(name: str) -> tzinfo:
    """Return a timezone by its IANA name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def format_instant(instant: datetime, zone: tzinfo) -> str:
    """Return ``2026-01-31 06:00:03 CET``."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def format_lines(lines: Iterable[LogLine], zone: tzinfo) -> list[str]:
    """Write lines for people: ``2026-01-31 06:00:03.120 CET  cell 3 succeeded in 0.4 s``.

    Args:
        lines: In order.
        zone: In which the times are written; each carries its abbreviation or offset.

    Returns:
        Lines of text without line ends. Headings have no time; output of processes begins with
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
