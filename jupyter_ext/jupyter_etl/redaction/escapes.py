"""The notations of one character: plain, or as an escape of a language, once or repeatedly."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from html.entities import html5

MARKS = "\\%&="
"""Characters that start an escape."""

CUT_ESCAPE = r"[\\%&=\x1b'\"][\w\\%&=#;{}'\"\[, ]{0,40}"
"""An escape that may be cut off by the end of a text."""

CUT = rf"(?:{CUT_ESCAPE}|\d{{1,2}}|0?[xX]|\r)?"
"""Anything between two characters of a value, or one of them, that may be cut off by the end of a
text.
"""

_BACK = r"\\{1,8}"
_PERCENT = rf"(?:%|{_BACK}u0025)(?:25){{0,3}}"
_AND = rf"(?:&|{_BACK}(?:u0026|x26)|%(?:25){{0,3}}26)(?:amp;|#38;|#[xX]26;){{0,3}}"
_HASH, _END = "(?:#|%(?:25){0,3}23)", "(?:;|%(?:25){0,3}3[bB])?"
_BMP = 0xFFFF
_BYTE = 0xFF


_PAIR, _FOUR = "[0-9A-Fa-f]{2}", "[0-9A-Fa-f]{4}"
_THREE = (
    rf"(?:(?:{_PERCENT}{_PAIR}|={_PAIR}|[\\%]u{_FOUR}|{_AND}{_HASH}[0-9A-Za-z]{{1,9}}{_END}|"
    rf"{_BACK}(?:x{_PAIR}|u{_FOUR}|U0{{4}}{_FOUR}|[0-7]{{3}}|[uxN]\{{[^}}]{{1,60}}\}}))"
    r"(?:\x00|=\r?\n)?){3}"
)
# It starts with a plain set of characters, to which re skips fast.
RUN = re.compile(rf"[\\%&=](?=[\w\\%&=#;{{}}]{{3}})(?<=(?={_THREE}).)")
"""Three consecutive escapes, possibly with letters and digits between them."""


@cache
def way_of(char: str) -> str:
    """Return a regular expression for every notation of a character, or of several backslashes."""
    if char[0] == "\\":
        one = f"(?:{'|'.join(escapes_of(char[0]))})"
        return rf"(?:\\{{{len(char)},{8 * len(char)}}}|{one}{{{len(char)}}})"
    literal = rf"\\{{0,8}}{re.escape(char)}"
    if char in "'\"":
        # SQL and CSV double it; a shell closes the quotes and reopens them.
        literal = rf"(?:'\\''|'\"'\"'|{literal}(?:\\{{0,8}}{char})?)"
    return f"(?:{literal}|{'|'.join(escapes_of(char))})"


@cache
def escapes_of(char: str) -> tuple[str, ...]:
    """Return regular expressions for the escaped notations of a character."""
    point, content = ord(char), char.encode("utf-8", "surrogatepass")
    units = [point] if point <= _BMP else _surrogates(char)
    ways = [
        "".join(f"{_PERCENT}{_hex(byte)}" for byte in content),
        "".join(f"={_hex(byte)}" for byte in content),
        "".join(f"{_BACK}x{_hex(byte)}" for byte in content),
        "".join(f"{_BACK}{byte:03o}" for byte in content),
        "".join(f"(?:{_BACK}|%)u{_hex(unit, 4)}" for unit in units),
        rf"{_BACK}U{_hex(point, 8)}",
        rf"{_BACK}[ux]\{{0{{0,6}}{_hex(point, 1)}\}}",
        rf"{_AND}{_HASH}(?:0{{0,6}}{point}|[xX]0{{0,6}}{_hex(point, 1)})(?![0-9A-Fa-f]){_END}",
    ]
    if point <= _BYTE:
        ways.append(f"{_BACK}x{_hex(point)}")
    if char in "\n\r\t\a\b\f\v":
        ways.append(_BACK + repr(char)[2] if char in "\n\r\t" else _BACK + "abtnvfr"[point - 7])
    if char == " ":
        ways.append(r"\+")
    if name := unicodedata.name(char, ""):
        ways.append(rf"{_BACK}N\{{{re.escape(name)}\}}")
    if names := _entities().get(char):
        ways.append(rf"{_AND}(?:{'|'.join(names)}){_END}")
    return tuple(dict.fromkeys(ways))


def _hex(number: int, width: int = 2) -> str:
    digits = f"{number:0{width}x}"
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in digits)


def _surrogates(char: str) -> list[int]:
    pair = char.encode("utf-16-be")
    return [int.from_bytes(pair[:2]), int.from_bytes(pair[2:])]


@cache
def _entities() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, char in html5.items():
        if len(char) == 1 and name.endswith(";"):
            names.setdefault(char, []).append(name[:-1])
    return names
