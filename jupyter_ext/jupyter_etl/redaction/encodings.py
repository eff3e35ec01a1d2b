"""The encodings in which the value of a secret is searched for.

An `Encoding` is a regular expression that accepts every notation of each character, with line ends
or separators in between. It is compiled and searched only if the normal form of a text, which
consists of its letters and digits, contains a part of the value.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from urllib.parse import quote, quote_plus

from jupyter_etl.redaction.escapes import CUT, CUT_ESCAPE, MARKS, RUN, way_of

LEAST = 4
"""Shorter values occur in too many words to be redacted."""

_CODED = 5
"""Minimum length of an encoded value that is not a coincidence."""

_LINE = 12
"""Minimum length of a line of a longer value, such as a key file, that is not a coincidence."""

_FIRST, _NESTED = 3, 12
"""Number of units in a nested regular expression, which takes long to compile."""

_PIECE = 128
"""Characters per regular expression; a longer value is searched for in pieces."""

_TERMINAL = r"\x1b\[[0-9;]*m"
# UTF-16 and UTF-32 put null bytes between ASCII characters; mail and shells wrap lines.
_GAP = (
    r"(?:\x00|\\{1,8}(?:x00|u0000|0{1,3}(?![0-7]))|%00|&#0;|=00|[=\\]\r?\n|"
    rf"{_TERMINAL}){{0,6}}"
)
_SPACES = r"(?:\x00|['\"],\s?['\"]|[\s,;:|._/-])"
_LINES = (
    r"(?:[\s>\"',\x00]|\\{1,8}(?:[nrt]|x00|u0000)|=?%0[aAdD]|&#(?:10|13|x[aAdD]);|=\r?\n|"
    rf"{_TERMINAL}){{0,40}}"
)
_PAIRS = r"(?:[^0-9A-Za-z]|0?[xX](?=[0-9A-Fa-f])){0,16}"
_NUMBERS = r"[^0-9A-Za-z]{1,6}0?"
_UU_LINES = r"(?:(?:\r?\n|\\{1,8}n).)?"

_BASE85: tuple[Callable[[bytes], bytes], ...] = (base64.b85encode, base64.a85encode)
_WIDE = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_WORD = re.compile(r"[0-9A-Za-z]+")
_DROPPED = bytes(byte for byte in range(256) if not chr(byte).isalnum() or byte > 127)
_URL_SAFE = str.maketrans("+/", "-_")
_INVISIBLE = {
    b"\\": (rb"\x00", rb"\u0000", rb"\x", rb"\n", rb"\r", rb"\t"),
    b"%": (b"%00", b"%0A", b"%0D", b"%0a", b"%0d"),
    b"=": (b"=00",),
    b"0x": (b"0x",),
    b"&#": (b"&#0;", b"&#10;", b"&#13;", b"&#xa;", b"&#xA;", b"&#xd;", b"&#xD;"),
}
_TERMINAL_BYTES = re.compile(_TERMINAL.encode())
_UU = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bytes((96, *range(33, 96))),
)


class Searched:
    """A text, and its normal form.

    Args:
        text: The text to search.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def normal(self) -> bytes:
        """Its letters and digits, without those of escapes that represent separators."""
        content = self.text.encode("utf-8", "surrogatepass")
        if b"\x1b" in content:
            content = _TERMINAL_BYTES.sub(b"", content)
        for mark, escapes in _INVISIBLE.items():
            if mark in content:
                for escape in escapes:
                    content = content.replace(escape, b"")
        return content.translate(None, _DROPPED)

    @cached_property
    def is_escaped(self) -> bool:
        """Whether letters and digits may be escaped too."""
        return RUN.search(self.text) is not None


class Encoding:
    """One way to write a value.

    Args:
        units: Regular expressions, one per character.
        begin: The first two characters in their usual notation.
        gap: Regular expression for the text between two units.
        probe: Letters and digits that occur in the normal form of each text that contains the
            value; "" if there are too few.
        ends: The start and the end of the value. Each text that contains it has one of them;
            they are searched for instead of a probe.
        is_escaped: Whether all characters may be escaped, so that no probe is found.
        widest: Maximum length of a unit with its gap, in its usual notation.
    """

    def __init__(
        self,
        units: Sequence[str],
        *,
        begin: str,
        gap: str,
        widest: int,
        probe: str = "",
        ends: tuple[str, ...] = (),
        is_escaped: bool = False,
    ) -> None:
        self.begin = begin
        self.longest = widest * len(units)
        self._units = units
        self._gap = gap
        self._nested: dict[tuple[int, int], re.Pattern[str]] = {}
        self.probe = probe.encode()
        self.ends = ends
        self.is_escaped = is_escaped

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the positions at which a text contains the value."""
        for found in self._pattern.finditer(text):
            yield found.span()

    def begins(self, text: str, at: int) -> bool:
        """Return whether the rest of a text may be the beginning of the value."""
        if self._beginning(0, _FIRST).match(text, at) is None:
            return False
        for start in range(0, len(self._units), _NESTED):
            found = self._beginning(start, _NESTED).match(text, at)
            if found is None:
                return False
            if found["all"] is None:
                return True
            at = found.end()
        return False

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self._gap.join(self._units))

    @property
    def _cut_first(self) -> str:
        first = self._units[0]
        cut = [first[:size] for size in range(1, len(first))] if first.isdigit() else []
        return f"(?:{'|'.join([CUT_ESCAPE, *cut])})"

    def _beginning(self, start: int, size: int) -> re.Pattern[str]:
        """Return a pattern for the units from ``start``: all, or as many as the text ends with."""
        if (start, size) not in self._nested:
            pattern = "(?P<all>)"
            for place in reversed(range(start, min(start + size, len(self._units)))):
                cut = CUT if place else self._cut_first
                pattern = rf"(?:{self._units[place]}(?:{self._gap}{pattern}|{CUT}\Z)|{cut}\Z)"
            self._nested[start, size] = re.compile(pattern)
        return self._nested[start, size]


def encodings_of(value: str) -> list[Encoding]:
    """Return the encodings to search for.

    Args:
        value: The value of a secret; surrounding white space is optional. Each line of a
            multi-line value is also searched for by itself, because it may be indented or have
            other line ends.
    """
    text = value.strip()
    content = text.encode("utf-8", "surrogatepass")
    wide = text.encode("utf-16-le", "surrogatepass")[:-1]
    cores = _base64_cores(content)
    quoted = {json.dumps(text)[1:-1], quote(text, safe=""), html.escape(text), content.hex()}
    inner = dict.fromkeys([content, wide, *map(str.encode, [*sorted(quoted), *cores])])
    found = [_escaped(piece) for piece in _pieces(text)]
    if not text.isascii():
        # Bytes that are displayed as one character each.
        found += [_escaped(text.encode(form, "surrogatepass").decode("latin-1")) for form in _WIDE]
    if len(text) >= _CODED:
        found.append(_spaced(text))
    coded = [core for one in inner for core in _base64_cores(one)]
    coded.append(base64.b64encode(content).decode().rstrip("="))
    found += [_in_lines(core) for core in dict.fromkeys(coded)]
    for one in (content, wide, *map(str.encode, cores)):
        found += [_pairs(one.hex()), _pairs(one.hex().upper())]
    found += [_in_lines(core) for core in _cores(content, base64.b32encode, bits=5)]
    found += [_in_base85(core) for core in _base85_cores(content)]
    found += [_uuencoded(core) for core in _base64_cores(content)[:1]]
    return [*found, _numbers(content)]


def plain_forms(value: str) -> list[bytes]:
    """Return the forms of a value in bytes without separators or escapes."""
    text = value.strip()
    contents = [text.encode(form, "surrogatepass") for form in _WIDE]
    contents[1] = contents[1][:-1]
    cores = [core.encode() for one in contents[:2] for core in _base64_cores(one)]
    return [*contents, *cores, *(one.hex().encode() for one in contents[:2])]


def written_forms(value: str) -> frozenset[str]:
    """Return the forms in which programs write a value: plain, JSON, HTML, URLs, hex and base64."""
    text = value.strip()
    content = text.encode("utf-8", "surrogatepass")
    cores = [*_base64_cores(content), base64.b64encode(content).decode().rstrip("=")]
    forms = {
        *_pieces(text),
        *(json.dumps(text, ensure_ascii=ascii)[1:-1] for ascii in (True, False)),
        repr(text)[1:-1],
        *(html.escape(text, quote=both) for both in (True, False)),
        *(form(text, safe="") for form in (quote, quote_plus)),
        *(content.hex(), content.hex().upper()),
        *(core.translate(alphabet) for core in cores for alphabet in ({}, _URL_SAFE)),
    }
    return frozenset(form for form in forms if len(form) >= LEAST)


def _pieces(text: str) -> list[str]:
    """Split a text into its lines, and long lines into pieces."""
    lines = {text: None}
    if "\n" in text or "\r" in text:
        # The first and last line of a key file only mark it as one.
        stripped = [line.strip() for line in text.splitlines()]
        lines |= {
            line: None for line in stripped if len(line) >= _LINE and not line.startswith("-----")
        }
    pieces: dict[str, None] = {}
    for line in lines:
        cuts = range(0, max(1, len(line) - _LINE), _PIECE)
        for start in cuts:
            pieces[line[start:] if start == cuts[-1] else line[start : start + _PIECE]] = None
    return list(pieces)


def _longest_word(text: str, *, least: int) -> str:
    longest = max(_WORD.findall(text), key=len, default="")
    return longest if len(longest) >= least else ""


def _escaped(text: str) -> Encoding:
    """Return an encoding of a text with escapes for none, some or all of its characters."""
    return Encoding(
        # Consecutive backslashes are one unit: each of them may be written as several.
        [way_of(chars) for chars in re.findall(r"(?s)\\+|.", text)],
        begin=text[:2],
        # Null bytes of the value itself are not gaps: a search for both would take forever.
        gap=_GAP if "\0" not in text else "",
        probe=_longest_word(text, least=3),
        widest=10,
        is_escaped=True,
    )


def _spaced(text: str) -> Encoding:
    piece = text[:_PIECE]
    units = [way_of(char) for char in piece]
    probe = "".join(re.findall("[0-9A-Za-z]", piece))
    return Encoding(units, begin=text[:2], gap=_SPACES, probe=probe, widest=8)


def _pairs(digits: str) -> Encoding:
    """Return an encoding of hexadecimal digits, with anything between two bytes."""
    units: list[str] = []
    whole = [""]
    for pair in re.findall("..", digits):
        if pair[0] == "0" != pair[1]:
            # The leading zero may be missing.
            units.append(f"(?:0[^0-9A-Za-z]{{0,4}})?{pair[1]}")
            whole.append("")
        else:
            units += pair
            whole[-1] += pair
    probe = max(whole, key=len)
    return Encoding(units, begin=digits[:2], gap=_PAIRS, probe=probe, widest=4)


def _numbers(content: bytes) -> Encoding:
    """Return an encoding of the bytes as decimal numbers."""
    units = list(map(str, content))
    return Encoding(units, begin=units[0][:2], gap=_NUMBERS, probe="".join(units), widest=6)


def _in_lines(core: str) -> Encoding:
    """Return an encoding of base64 or base32 in one or several lines, with any alphabet."""
    units = [_either("+-", char) or _either("/_", char) or char for char in core]
    return Encoding(units, begin=core[:2], gap=_LINES, probe=_longest_word(core, least=4), widest=4)


def _either(chars: str, char: str) -> str:
    return f"(?:{'|'.join(map(way_of, chars))})" if char in chars else ""


def _in_base85(core: str) -> Encoding:
    units = [way_of(char) for char in core]
    return Encoding(units, begin=core[:2], gap=_LINES, ends=_ends(core), widest=4)


def _uuencoded(core: str) -> Encoding:
    coded = core.encode().translate(_UU).decode()
    units = [f"(?:{way_of('`')}|{way_of(' ')})" if char == "`" else way_of(char) for char in coded]
    return Encoding(units, begin=coded[:2], gap=_UU_LINES, ends=_ends(coded), widest=4)


def _ends(coded: str) -> tuple[str, str]:
    return coded[:_CODED], coded[-_CODED:]


def _base64_cores(content: bytes) -> list[str]:
    return _cores(content, base64.b64encode, bits=6)


def _cores(content: bytes, encode: Callable[[bytes], bytes], *, bits: int) -> list[str]:
    """Return the characters that do not depend on the bytes before and after the content.

    Args:
        content: Encoded at each offset within a group of bytes.
        encode: Returns one character for each ``bits`` bits.
        bits: Number of bits per character.
    """
    cores = []
    for before in range(bits // math.gcd(bits, 8)):
        start = -(-before * 8 // bits)
        core = encode(bytes(before) + content)[start : (before + len(content)) * 8 // bits].decode()
        if len(core) >= _CODED:
            cores.append(core)
    return cores


def _base85_cores(content: bytes) -> list[str]:
    """Return the complete groups of four bytes, which are encoded independently."""
    cores = [encode(content[: len(content) // 4 * 4]).decode() for encode in _BASE85]
    return [core for core in cores if len(core) >= _CODED]


class Search:
    """The encodings of all values."""

    def __init__(self, encodings: Sequence[tuple[str, Encoding]]) -> None:
        self.encodings = encodings
        self.longest = max(one.longest for _, one in encodings)
        probed = [(one.probe, place) for place, (_, one) in enumerate(encodings) if not one.ends]
        self._probes = [(probe, place) for probe, place in probed if probe]
        self._always = {place for probe, place in probed if not probe}
        self._ends = [(end, at) for at, (_, one) in enumerate(encodings) for end in one.ends]
        self._escaped = {place for place, (_, one) in enumerate(encodings) if one.is_escaped}

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return the positions of values in a text, unordered, with the names of their secrets."""
        searched = Searched(text)
        normal = searched.normal
        places = {place for probe, place in self._probes if probe in normal} | self._always
        places |= {place for end, place in self._ends if end in text}
        if searched.is_escaped:
            places |= self._escaped
        return [
            (start, end, self.encodings[place][0])
            for place in places
            for start, end in self.encodings[place][1].spans(text)
        ]

    def beginning_at_end(self, text: str) -> int:
        """Return how many characters at the end of a text may be the beginning of a value."""
        starts, by_first = self._starts
        for found in starts.finditer(text, max(0, len(text) - self.longest)):
            candidates = by_first.get(found[0]) or [one for _, one in self.encodings]
            if any(one.begins(text, found.start()) for one in candidates):
                return len(text) - found.start()
        return 0

    @cached_property
    def _starts(self) -> tuple[re.Pattern[str], dict[str, list[Encoding]]]:
        """Return a pattern for the usual beginnings of values, and the encodings by beginning.

        Other beginnings contain an escape.
        """
        by_first: dict[str, list[Encoding]] = {}
        for _, one in self.encodings:
            by_first.setdefault(one.begin[0], []).append(one)
        begins = [
            f"{re.escape(first)}(?=[{re.escape(''.join({one.begin[1:] for one in group}))}\\W_]|\\Z)"
            for first, group in by_first.items()
        ]
        marks = {first: None for first in by_first if not first.isalnum()}
        for mark in marks:
            by_first.pop(mark)
        return re.compile("|".join([*begins, rf"[{re.escape(MARKS)}]"])), by_first
