"""Strings that are numbers: the canonical form of integers and doubles, and fast tests for it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from jupyter_etl.sources.text.bytes import TextBytes
from jupyter_etl.sources.text.shortest_numerals import are_shortest

if TYPE_CHECKING:
    import pyarrow as pa

_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_EXPONENT = r"[eE](?:[+-]\d{2,}|\+\d|-[5-9]|1[5-9]|[2-9]\d|\d{3})"
NUMERAL = rf"-?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\d\.\d+[eE][+-]?\d+|[1-9]{_EXPONENT}|[iI]nf(?:inity)?)"
"""A number as programs write doubles: no leading zero, no plus sign, digits around the point.

An exponent follows one digit before the point. Without a point it must have the usual form of
exponents: signed with two digits, or beyond the range that is written out. ``1e5`` and ``12E3``
are codes.
"""
_NUMERAL = re.compile(NUMERAL, re.ASCII)
_EXACT_DIGITS = 15
"""Significant digits that every double preserves. Source: IEEE 754, 5.12.2."""
_SAFE_EXPONENTS = range(-290, 290)
"""Decimal exponents at which doubles have their full precision."""
_SMALLEST, _LARGEST = 1e-290, 1e290
_EXACT_INTEGERS = 2**53
"""Every integer up to this value is a double."""


def is_integer(text: str) -> bool:
    """Return whether a text is the canonical form of a 64-bit integer."""
    return bool(_INTEGER.fullmatch(text)) and text != "-0" and -(2**63) <= int(text) < 2**63


def is_double(text: str) -> bool:
    """Return whether a double preserves the digits of a numeral.

    The shortest numeral that represents the double must have the same value as the string.

    Source:
        G. L. Steele, J. L. White, How to Print Floating-Point Numbers Accurately, 1990.
    """
    if not _NUMERAL.fullmatch(text):
        return False
    if "n" in text.lower():
        return True
    mantissa, _, exponent = text.lower().lstrip("-").partition("e")
    whole, point, fraction = mantissa.partition(".")
    digits = (whole + fraction.rstrip("0")).lstrip("0")
    if not digits:
        return True
    scale = int(exponent or 0) + len(whole)
    if len(digits) <= _EXACT_DIGITS and scale in _SAFE_EXPONENTS and len(fraction) < 100:
        return True
    value = abs(float(text))
    if value == float("inf") or value == 0:
        return False
    if not point and not exponent:
        return value == int(mantissa)
    # Not abs(), which rounds to the precision of the context.
    return Decimal(repr(value)) == Decimal(text.removeprefix("-"))


def integers(texts: pa.Array) -> pa.Array | None:
    """Convert a column of integers.

    Args:
        texts: Strings without surrounding blanks.

    Returns:
        ``int64``, or None if `is_integer` rejects a string.
    """
    import pyarrow as pa

    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    bytes_ = TextBytes.of(texts)
    # Arrow also accepts hexadecimal numerals; nothing else that it accepts has other characters.
    if bytes_.others("-") or not bytes_.are_plain_numerals(fractions=False):
        return None
    return numbers


def doubles(texts: pa.Array) -> pa.Array | None:
    """Convert a column of doubles, like `integers`; None if `is_double` rejects a string."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    bytes_ = TextBytes.of(texts)
    doubtful = pc.greater(pc.binary_length(texts), _EXACT_DIGITS)
    if not bytes_.others("-."):
        if not bytes_.are_plain_numerals(fractions=True):
            return None
    else:
        if not pc.all(pc.match_substring_regex(texts, f"^(?:{NUMERAL})$")).as_py():
            return None
        size = pc.abs(numbers)
        normal = pc.and_(pc.greater(size, _SMALLEST), pc.less(size, _LARGEST))
        doubtful = pc.or_(doubtful, pc.invert(normal))
    if not pc.any(doubtful).as_py():
        return numbers
    return numbers if _give_digits_back(texts.filter(doubtful), numbers.filter(doubtful)) else None


def exact_as_doubles(numbers: pa.Array) -> bool:
    """Return whether every integer of a column is exactly representable as a double."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = pc.min_max(numbers)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is None or (low >= -_EXACT_INTEGERS and high <= _EXACT_INTEGERS):
        return True
    back = numbers.cast(pa.float64(), safe=False).cast(pa.int64(), safe=False)
    # 2^63 - 1 becomes 2^63, which is converted back to the greatest integer.
    return high < 2**63 - 512 and bool(pc.all(pc.equal(back, numbers)).as_py())


def _give_digits_back(texts: pa.Array, values: pa.Array) -> bool:
    """Return whether `is_double` accepts long numerals; `values` are the nearest doubles."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shortest = are_shortest(texts, values)
    if shortest.all():
        return True
    unclear = pa.array(~shortest)
    texts, values = texts.filter(unclear), values.filter(unclear)
    printed = pc.equal(values.cast(pa.string()), texts)
    rest = pc.unique(texts.filter(pc.invert(printed)))
    return all(map(is_double, rest.to_pylist()))
