"""The encoding of a CSV file: detected if possible, otherwise suggested in an error."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = ("utf-8", "utf_8", "utf-8-sig", "utf_8_sig", "ascii", "us-ascii")
_CANDIDATES = ("cp1252", "mac-roman")
_SIGNS = frozenset("€£¥§©®™°±µ·«»‹›“”„‘’‚–—…•½¼¾²³¹ªº¿¡×÷ \u00a0")
_AROUND = re.compile(rb"[\x80-\xff]+")
_PIECE = 1 << 20


def find_encoding(head: bytes, declared: str) -> str:
    """Detect the encoding of a file.

    Args:
        head: Its first bytes.
        declared: By the option; "" for none.

    Returns:
        A Python codec. UTF-16 without a mark is detected by the zeros between ASCII characters.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark) and (not declared or _is_same_family(declared, encoding)):
            return encoding
    if declared == "utf-16" or (not declared and b"\0" in head[:1000]):
        sample = head[:1000]
        zeros = (sample[0::2].count(0), sample[1::2].count(0))
        if max(zeros) > len(sample) // 5 and min(zeros) * 5 <= max(zeros):
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return declared or "utf-8"


def as_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Return a stream of UTF-8 without a byte order mark.

    Raises:
        UnicodeError: Raised by the stream later: a byte is invalid in the encoding.
    """
    if encoding in _UTF8:
        if encoding.endswith("sig"):
            stream.read(len(codecs.BOM_UTF8))
        return stream
    return io.BufferedReader(_Transcoded(stream, encoding), _PIECE)


def likely_encoding(data: bytes) -> str:
    """Guess the encoding of bytes that are not UTF-8.

    Returns:
        ``latin-1``, ``cp1252`` or ``mac-roman``; "" where none gives sensible text. Never one in
        which a byte is a control character.
    """
    # The two agree where no byte is between 0x80 and 0x9f, in which Latin-1 has control characters.
    scores = {codec: _sense(data, codec) for codec in _CANDIDATES}
    best = max(_CANDIDATES, key=lambda codec: scores[codec])
    if scores[best] <= 0:
        return ""
    if best == "cp1252" and not any(0x80 <= byte < 0xA0 for byte in data):
        return "latin-1"
    return best


def _sense(data: bytes, codec: str) -> float:
    """Return the share of characters beyond ASCII that make sense, minus that of others."""
    good = bad = 0
    for number, found in enumerate(_AROUND.finditer(data)):
        if number >= 1000:
            break
        before = data[max(0, found.start() - 1) : found.start()].decode("ascii", "replace")
        behind = data[found.end() : found.end() + 1].decode("ascii", "replace")
        try:
            inside = found[0].decode(codec)
        except UnicodeDecodeError:
            return -1
        text = f"{before or ' '}{inside}{behind or ' '}"
        for left, sign, right in zip(text, text[1:], text[2:], strict=False):
            if _is_sensible(left, sign, right):
                good += 1
            else:
                bad += 1
    return (good - bad) / max(1, good + bad)


def _is_sensible(left: str, sign: str, right: str) -> bool:
    if unicodedata.category(sign) in {"Lu", "Lt"}:
        return not (left.islower() or (left.isupper() and right.islower()))
    if unicodedata.category(sign) in {"Ll", "Lo"}:
        return left.isalpha() or right.isalpha() or not left.isalnum()
    return sign in _SIGNS and not (left.islower() and right.islower() and sign not in "’‘·\u00a0–")


def _is_same_family(declared: str, found: str) -> bool:
    return declared.replace("_", "-").startswith(found[:5])


class _Transcoded(io.RawIOBase):
    """A stream in some encoding, read as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._pieces = _pieces(stream, encoding)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(view), len(self._rest))
        view[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _pieces(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    while piece := stream.read(_PIECE):
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()
