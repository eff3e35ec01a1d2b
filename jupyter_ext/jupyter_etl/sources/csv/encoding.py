"""The encoding of a CSV file: detected if possible, otherwise suggested in an error."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

from jupyter_etl.sources.csv.streams import pieces_of, stream_of

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = ("utf-8", "utf_8", "utf-8-sig", "utf_8_sig", "ascii", "us-ascii")
UNICODE = (*_UTF8, "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7")
_CANDIDATES = ("cp1252", "mac-roman")
_OTHER_SCRIPTS = (
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
    *("cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874"),
)
"""Japanese, Chinese and Korean; Cyrillic, Greek, Hebrew, Arabic and Thai."""

_PAIRS = re.compile(rb"[\x80-\xff](?s:.)")
_COMMON_BIG5 = range(0xA4, 0xC7)
"""First bytes of the most common characters."""

_FEWEST_PAIRS = 4
_MOST_GUESSES = 3
_SAMPLE_BYTES = 1 << 16
_SIGNS = frozenset("€£¥§©®™°±µ·«»‹›“”„‘’‚–—…•½¼¾²³¹ªº¿¡×÷ \u00a0")
_AROUND = re.compile(rb"[\x80-\xff]+")


def find_encoding(head: bytes, declared: str) -> str:
    """Detect the encoding of a file.

    Args:
        head: Its first bytes.
        declared: The declared encoding; "" for none. A UTF-8 byte order mark takes precedence,
            because it is not valid text in any other encoding.

    Returns:
        A Python codec. UTF-16 without a byte order mark is detected by the zeros between ASCII
        characters.
    """
    for mark, encoding in _MARKS:
        named = not declared or mark == codecs.BOM_UTF8 or _is_same_family(declared, encoding)
        if head.startswith(mark) and named:
            return encoding
    if declared == "utf-16" or (not declared and b"\0" in head[:1000]):
        sample = head[:1000]
        zeros = (sample[0::2].count(0), sample[1::2].count(0))
        if max(zeros) > len(sample) // 5 and min(zeros) * 5 <= max(zeros):
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return "utf-8" if declared in {"", "utf-8-sig"} else declared


def is_utf8(head: bytes) -> bool:
    """Return whether bytes are UTF-8 with non-ASCII characters, which is hardly ever by chance.

    Args:
        head: The first bytes of a file; the last character may be incomplete.
    """
    try:
        return not codecs.getincrementaldecoder("utf-8")().decode(head).isascii()
    except UnicodeDecodeError:
        return False


def as_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Return a stream of UTF-8 without a byte order mark.

    Raises:
        UnicodeError: Raised later by the stream: a byte is invalid in the encoding.
    """
    if encoding in _UTF8:
        if encoding.endswith("sig"):
            stream.read(len(codecs.BOM_UTF8))
        return stream
    return stream_of(_decoded(stream, encoding))


def likely_encoding(data: bytes) -> str:
    """Guess the encoding of bytes that are not UTF-8.

    Returns:
        ``utf-8`` if a few bytes are damaged; ``latin-1``, ``cp1252`` or ``mac-roman``, never one in
        which a byte is a control character; for other scripts, up to three candidates joined by
        ``or``; "" if no encoding gives meaningful text.
    """
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if sum(not sign.isascii() for sign in text) > 2 * damaged:
        return "utf-8"
    if _is_other_script(data):
        return _other_script(data)
    # Both agree unless a byte is between 0x80 and 0x9f, where Latin-1 has control characters.
    scores = {codec: _sense(data, codec) for codec in _CANDIDATES}
    best = max(_CANDIDATES, key=lambda codec: scores[codec])
    if scores[best] <= 0:
        return ""
    if best == "cp1252" and not any(0x80 <= byte < 0xA0 for byte in data):
        return "latin-1"
    return best


def _is_other_script(data: bytes) -> bool:
    """Return whether most non-ASCII bytes are adjacent, as accented letters hardly ever are."""
    runs = [len(found[0]) for found in _AROUND.finditer(data)]
    if 2 * sum(length for length in runs if length > 2) > sum(runs):
        return True
    # The second byte of a character is often ASCII in Big5.
    pairs = _PAIRS.findall(data)
    common = sum(pair[0] in _COMMON_BIG5 for pair in pairs)
    try:
        codecs.getincrementaldecoder("big5")().decode(data)
    except UnicodeDecodeError:
        return False
    return len(pairs) >= _FEWEST_PAIRS and 10 * common > 9 * len(pairs)


def _other_script(data: bytes) -> str:
    from charset_normalizer import from_bytes

    possible = from_bytes(data[:_SAMPLE_BYTES], cp_isolation=list(_OTHER_SCRIPTS))
    return " or encoding=".join(guess.encoding for guess in list(possible)[:_MOST_GUESSES])


def _sense(data: bytes, codec: str) -> float:
    """Return the share of plausible non-ASCII characters minus that of implausible ones."""
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


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for piece in pieces_of(stream):
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()
