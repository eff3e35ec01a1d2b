"""Notations of text: their sort order, and safe output in a terminal."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

_DIGIT = re.compile(r"[0-9]")
_RUN = re.compile(r"[0-9]+")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?P<between>[Tt ])(?P<time>[0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2}(?:\.[0-9]+)?)?)"
    r"(?P<zone> ?(?:[Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_UNORDERED = re.compile(
    # 31.01.2026, 01/2026; 31 Jan 2026; 06:00 PM
    r"0{1,2}[./-](?:0{1,2}[./-])?0000(?![0-9])"
    r"|.*(?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\W+(?:0{1,2}\W+)?0000"
    r"|.*0:00(?::00)? ?[ap]\.?m\b",
    re.IGNORECASE,
)
_NANOSECONDS = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TextForm(StrEnum):
    """Kind of value that a text represents."""

    TIME = "time"
    """ISO 8601, from the year to at least the day."""
    NUMBER = "number"
    """An integer."""
    UNORDERED = "unordered"
    """A time that starts with its day or month, or ends with AM or PM."""
    TEXT = "text"


def shape_of(text: str) -> str:
    """Return a text with each digit replaced by 0."""
    return _DIGIT.sub("0", text)


def form_of(shape: str) -> TextForm:
    """Return the kind of value that texts of a shape represent."""
    if _TIME.fullmatch(shape):
        return TextForm.TIME
    if _WHOLE.fullmatch(shape):
        return TextForm.NUMBER
    return TextForm.UNORDERED if _UNORDERED.match(shape) else TextForm.TEXT


def zone_of(text: str) -> str:
    """Return the part of a time after its seconds; "" for none."""
    found = _TIME.fullmatch(text)
    return (found["zone"] or "") if found else ""


def text_order(text: str) -> int | None:
    """Return the sort key of a time or a number; None for any other text.

    Times are nanoseconds since 1970; naive ones count as UTC, as in SQLite.
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    found = _TIME.fullmatch(text)
    return None if found is None else _nanoseconds(found)


def is_text_further(text: str, than: str) -> bool:
    """Return whether a text is after another: as times, as numbers, or by characters."""
    if form_of(shape_of(text)) is form_of(shape_of(than)):
        one, other = text_order(text), text_order(than)
        if one is not None and other is not None:
            return one > other
    return text > than


def are_in_order(form: TextForm, shapes: Collection[str], zones: Collection[str]) -> bool:
    """Return whether texts of one form sort by characters in the order of their values."""
    if form is TextForm.NUMBER:
        return len(shapes) == 1 and not any(shape[0] in "+-" for shape in shapes)
    if form is TextForm.TIME:
        found = [match for shape in shapes if (match := _TIME.fullmatch(shape))]
        betweens = {match["between"] for match in found} - {None}
        # A shorter time sorts before longer ones, but after them if it ends with Z.
        exact = len(shapes) == 1 or all(zone == "" or zone[0] in " +-" for zone in zones)
        return len(betweens) < 2 and len(zones) < 2 and exact
    return not _same_but_longer(shapes)


def bound_below(text: str) -> tuple[str, str]:
    """Return a filter with which a database can skip texts up to a bound.

    Returns:
        The least text to read, and a pattern for SQL's LIKE; texts that do not match the pattern
        must not be skipped. "" as pattern matches all.
    """
    shape = shape_of(text)
    form = form_of(shape)
    if form is TextForm.TIME:
        # One day earlier: in any time zone, the written day is that one or a later one.
        return _day_before(text), "____-__-__%"
    if form is TextForm.NUMBER:
        return (text, "_" * len(text)) if text[0] not in "+-" else ("", "")
    if form is TextForm.UNORDERED:
        return "", ""
    runs = len(_RUN.findall(text))
    if not runs or "%" in text or (len(text) >= 16 and runs >= 4):
        # It contains no number, or an identifier whose digits have no place value.
        return text, ""
    return text, _DIGIT.sub("_", text)


def _same_but_longer(shapes: Collection[str]) -> bool:
    """Return whether numbers in texts have different lengths: v9 and v10."""
    lengths: dict[str, int] = {}
    for shape in shapes:
        if lengths.setdefault(_RUN.sub("0", shape), len(shape)) != len(shape):
            return True
    return False


def _day_before(text: str) -> str:
    ns = text_order(text)
    try:
        at = _EPOCH + timedelta(seconds=(ns or 0) // _NANOSECONDS)
        return (at - timedelta(days=1)).date().isoformat()
    except OverflowError:
        return ""


def _nanoseconds(found: re.Match[str]) -> int | None:
    zone = (found["zone"] or "").strip().upper().replace("UTC", "Z").replace("Z", "+00:00")
    clock, _, fraction = (found["time"] or "00:00").partition(".")
    try:
        date.fromisoformat(found["day"])
        at = datetime.fromisoformat(f"{found['day']}T{clock}{zone or '+00:00'}")
    except ValueError:
        return None
    whole = (at - _EPOCH) // timedelta(seconds=1)
    return whole * _NANOSECONDS + int(fraction[:9].ljust(9, "0") or 0)


# ECMA-48: CSI and the strings (OSC, DCS, SOS, PM, APC), both as 7 and as 8 bits; then the others.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
# Control characters, separators that some programs treat as line ends, and bidirectional controls.
UNSAFE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\u206a-\u206f\ufff9-\ufffb"
)
"""Unsafe characters, as the content of a regular expression's character class."""
_UNSAFE = re.compile(f"[{UNSAFE}\ud800-\udfff]")
_REDRAWN = re.compile(r"[^\n]*\r(?=[^\r\n])")


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Format rows of cells, headings first, as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def printable(text: str) -> str:
    r"""Return a text that can only affect the lines on which it is printed.

    Escape sequences, for example of colours, are removed. Of a line that was redrawn with carriage
    returns, for example by a progress bar, the last state remains. Any other control character is
    shown as its code: ``\x07``.

    Args:
        text: Any text; line feeds and tabs are preserved.
    """
    if text.isprintable():
        return text
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    plain = _REDRAWN.sub("", plain).replace("\r", "")
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), plain)
