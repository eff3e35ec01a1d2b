"""Forms of text: how they sort, and what is safe to print in a terminal."""

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
    """What a text represents."""

    TIME = "time"
    """ISO 8601 from the year to the day or further."""
    NUMBER = "number"
    """A whole number."""
    UNORDERED = "unordered"
    """A time that begins with its day or month, or ends with AM or PM."""
    TEXT = "text"


def shape_of(text: str) -> str:
    """Return a text with each digit replaced by 0."""
    return _DIGIT.sub("0", text)


def form_of(shape: str) -> TextForm:
    """Return what texts of a shape represent."""
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
    """Return what a time or a number sorts by; None for any other text.

    Times are nanoseconds since 1970; those without a zone count as UTC, as in SQLite.
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    found = _TIME.fullmatch(text)
    return None if found is None else _nanoseconds(found)


def is_text_further(text: str, than: str) -> bool:
    """Tell whether a text is after another: as times, as numbers, or by characters."""
    if form_of(shape_of(text)) is form_of(shape_of(than)):
        one, other = text_order(text), text_order(than)
        if one is not None and other is not None:
            return one > other
    return text > than


def are_in_order(form: TextForm, shapes: Collection[str], zones: Collection[str]) -> bool:
    """Tell whether texts of one form sort, character by character, like their values."""
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
    """Return what a database may leave out of the texts up to one, whatever forms the others have.

    Returns:
        A text that no text of a pattern, if it lies further, sorts before; and the pattern, of SQL's
        LIKE, which others do not match: "" for all.
    """
    shape = shape_of(text)
    form = form_of(shape)
    if form is TextForm.TIME:
        # A day before: with any zone the day that is written is that one or a later one.
        return _day_before(text), "____-__-__%"
    if form is TextForm.NUMBER:
        return (text, "_" * len(text)) if text[0] not in "+-" else ("", "")
    if form is TextForm.UNORDERED:
        return "", ""
    runs = len(_RUN.findall(text))
    if not runs or "%" in text or (len(text) >= 16 and runs >= 4):
        # No number in it, or an identifier whose digits have no places of their own.
        return text, ""
    return text, _DIGIT.sub("_", text)


def _same_but_longer(shapes: Collection[str]) -> bool:
    """Tell whether numbers inside of texts have several lengths: v9 and v10."""
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
# Controls, separators that some programs take for line ends, and what reorders a line.
UNSAFE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\u206a-\u206f\ufff9-\ufffb"
)
"""Characters of that kind, as a class of a regular expression has them between its brackets."""
_UNSAFE = re.compile(f"[{UNSAFE}\ud800-\udfff]")
_REDRAWN = re.compile(r"[^\n]*\r(?=[^\r\n])")


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells, the headings first, as lines with their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def printable(text: str) -> str:
    r"""Return a text that can change nothing but the lines that it is printed on.

    Escape sequences, as those of colours, are left out. Of a line that was redrawn with carriage
    returns, as progress bars do it, the last state stays. Any other control character is shown as
    its code: ``\x07``.

    Args:
        text: Any; line feeds and tabs stay.
    """
    if text.isprintable():
        return text
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    plain = _REDRAWN.sub("", plain).replace("\r", "")
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), plain)
