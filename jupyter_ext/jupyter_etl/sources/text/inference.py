"""Lossless inference of the type of a string column, with the reason.

A column becomes a number, a date or a bool only if every value of it, written back in the canonical
form of that type, gives the original string. Allowed are blanks around a number, trailing zeros of
a fraction, and declared decimal marks and thousands separators.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.sources.text.bytes import TextBytes
from jupyter_etl.sources.text.kinds import (
    BOOLS,
    Kind,
    named_kind,
    rank,
    read_kind,
    type_of,
    wider_kinds,
)
from jupyter_etl.sources.text.numbers import is_double, is_integer
from jupyter_etl.sources.text.times import DateForm, is_date, stamp_forms, time_form

if TYPE_CHECKING:
    import pyarrow as pa

MISSING_WORDS = (
    *("NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "#N/A N/A", "NULL", "null", "\\N"),
    *("NaN", "nan", "-NaN", "-nan", "NAN", "NaT", "None"),
)
"""Strings that mean a missing value in a column of numbers, dates or times."""

_BLANKS = " \t"
_NO_VALUES = ("", *MISSING_WORDS)
_NUMBERS = frozenset({"integer", "double"})
_HEAD_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class TextForm:
    """How values are written as text.

    Args:
        decimal: The decimal mark.
        thousands: The separator between groups of three digits; "" for none.
        null: Strings that mean a missing value in every column.
        dates: Additional date formats, for Python's ``strptime``.
    """

    decimal: str = "."
    thousands: str = ""
    null: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


PLAIN = TextForm()
"""Decimal points, no thousands separators, ISO dates."""


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """The type of a string column.

    Args:
        type: ``null`` if there is no value at all.
        reason: A clause with the reason: ``every value is a 64-bit integer``.
    """

    type: pa.DataType
    reason: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The possible kinds of a part of a column; the evidence of two parts can be joined.

    Args:
        kinds: The kinds that hold every value; None while there is no value.
        fractional: Whether a number has a fraction or an exponent.
        words: Whether there are `MISSING_WORDS`.
        rows: Number of strings, including missing ones.
        first: The first value.
        odd: The first value that has none of the kinds of those before it.
        odd_row: Its position, from 1.
    """

    kinds: frozenset[Kind] | None = None
    fractional: bool = False
    words: bool = False
    rows: int = 0
    first: str = ""
    odd: str = ""
    odd_row: int = 0

    def joined(self, other: Evidence) -> Evidence:
        """Return the evidence of this part and the next one."""
        if self.kinds is None or other.kinds is None:
            kinds = other.kinds if self.kinds is None else self.kinds
        else:
            kinds = self.kinds & other.kinds
        odd = self if self.odd_row else other
        return Evidence(
            kinds=kinds,
            fractional=self.fractional or other.fractional,
            words=self.words or other.words,
            rows=self.rows + other.rows,
            first=self.first if self.kinds is not None else other.first,
            odd=odd.odd,
            odd_row=odd.odd_row and odd.odd_row + (0 if odd is self else self.rows),
        )


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A converted part of a column.

    Args:
        evidence: Its possible kinds.
        column: Its values in the narrowest type; None if that is text or there is no value.
        exact: Whether the strings are exactly the canonical form of ``column``.
    """

    evidence: Evidence
    column: pa.Array | None = None
    exact: bool = False


def infer_type(texts: pa.Array | pa.ChunkedArray, form: TextForm = PLAIN) -> Inferred:
    """Infer the type of a column of strings.

    Args:
        texts: All values; empty strings and NULL are missing values.

    Returns:
        ``int64``, ``double``, ``bool``, ``date32``, ``time32[s]``, ``timestamp``, ``string``, or
        ``null`` if there is no value.
    """
    import pyarrow as pa

    evidence = Evidence()
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        evidence = evidence.joined(examine(chunk.cast(pa.string()), form, evidence.kinds).evidence)
        if not (evidence.kinds is None or evidence.kinds):
            break
    return decide(evidence)


def examine(texts: pa.Array, form: TextForm, among: frozenset[Kind] | None = None) -> Examined:
    """Find the kinds that hold a part of a column.

    Args:
        texts: An array of type ``string``.
        among: The kinds that hold the preceding parts; None for any.
    """
    texts = without_missing(texts, form)
    first = _first_value(texts)
    if first is None:
        words = texts.null_count < len(texts)
        return Examined(evidence=Evidence(words=words, rows=len(texts)))
    kinds = kinds_of(first, form)
    kinds = kinds if among is None else kinds & among
    found = _held(texts, form, first, kinds)
    if found is not None:
        return found
    row = _first_odd(texts, form, first, kinds)
    return Examined(
        evidence=Evidence(
            kinds=frozenset(),
            rows=len(texts),
            first=first,
            odd=texts[row - 1].as_py(),
            odd_row=row,
        )
    )


def decide(evidence: Evidence) -> Inferred:
    """Choose the type of a whole column from the evidence of all its parts."""
    import pyarrow as pa

    kinds = evidence.kinds
    if kinds is None:
        if evidence.words:
            return Inferred(type=pa.string(), reason="all values are texts such as NA")
        return Inferred(type=pa.null(), reason="it has no values")
    kind = min(kinds, key=rank, default=None)
    if kind is None:
        where = f"{evidence.odd[:40]!r} (row {evidence.odd_row:,})"
        if evidence.odd_row <= 1 or evidence.odd == evidence.first:
            return Inferred(type=pa.string(), reason=f"{where} is not a number, date or bool")
        return Inferred(
            type=pa.string(), reason=f"{where} has a different form from {evidence.first[:40]!r}"
        )
    if kind in BOOLS and evidence.words:
        return Inferred(type=pa.string(), reason="it has texts such as NA among bools")
    if kind == "double" and not evidence.fractional:
        return Inferred(
            type=pa.string(),
            reason="not every value is a 64-bit integer, and none has a fraction",
        )
    return Inferred(type=type_of(kind), reason=f"every value is {named_kind(kind)}")


def kinds_of(text: str, form: TextForm) -> frozenset[Kind]:
    """Return all kinds of one value."""
    kinds: list[Kind] = []
    number = _plain_number(text, form)
    if number is not None and is_integer(number):
        kinds.append("integer")
    if number is not None and is_double(number):
        kinds.append("double")
    kinds += [style for style, words in BOOLS.items() if text in words]
    if is_date(text):
        kinds.append("date")
    if time_form(text):
        kinds.append(time_form(text))
    kinds += stamp_forms(text)
    declared = [DateForm(pattern=pattern) for pattern in form.dates]
    kinds += [date for date in declared if date.parse(text) is not None]
    return frozenset(kinds)


def without_missing(texts: pa.Array, form: TextForm) -> pa.Array:
    """Replace empty strings and declared missing values by NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if form.null:
        missing = pc.is_in(texts, pa.array(["", *form.null]))
    elif pc.min(pc.binary_length(texts)).as_py() != 0:
        return texts
    else:
        missing = pc.equal(texts, "")
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts)


def plain_numbers(texts: pa.Array, form: TextForm) -> pa.Array | None:
    """Remove blanks, words for missing values and declared separators from a column of numbers.

    Returns:
        Numerals with a decimal point; None if a string has another notation than declared.
    """
    import pyarrow.compute as pc

    numbers = trimmed(texts)
    if _unmarked(form):
        return numbers
    written = pc.match_substring_regex(numbers, f"^(?:{_marked(form)})$")
    if not pc.all(written, min_count=0).as_py():
        return None
    if form.thousands:
        numbers = pc.replace_substring(numbers, form.thousands, "")
    return pc.replace_substring(numbers, form.decimal, ".")


def trimmed(texts: pa.Array) -> pa.Array:
    """Strip blanks around values, and replace words for missing values by NULL."""
    import pyarrow.compute as pc

    return without_words(pc.ascii_trim(texts, _BLANKS), _NO_VALUES)


def without_words(texts: pa.Array, words: Sequence[str] = MISSING_WORDS) -> pa.Array:
    """Replace some strings by NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.is_in(texts, pa.array(words)), pa.scalar(None, pa.string()), texts)


def first_failing(values: pa.Array, fits: Callable[[pa.Array], bool]) -> int:
    """Return the position of the first value for which a test of arrays fails.

    The cost depends on that position, not on the number of values after it.
    """
    right, wrong = 0, 1
    while wrong < len(values) and fits(values.slice(0, wrong)):
        right, wrong = wrong, wrong * 2
    wrong = min(wrong, len(values))
    while wrong - right > 1:
        middle = (right + wrong) // 2
        right, wrong = (middle, wrong) if fits(values.slice(0, middle)) else (right, middle)
    return right


def _held(texts: pa.Array, form: TextForm, first: str, kinds: frozenset[Kind]) -> Examined | None:
    """Convert a part of a column to the narrowest kind that holds it; None if none does."""
    for kind in sorted(kinds, key=rank):
        # Most failing conversions fail at once; the others take long.
        if len(texts) > _HEAD_ROWS and not _held(
            texts.slice(0, _HEAD_ROWS), form, first, frozenset({kind})
        ):
            continue
        for attempt in _attempts(texts, kind, form):
            column = read_kind(attempt, kind)
            if column is None:
                continue
            evidence = Evidence(
                kinds=frozenset({kind}) | wider_kinds(kind, column),
                fractional=kind == "double" and _has_fractions(attempt),
                words=attempt.null_count > texts.null_count,
                rows=len(texts),
                first=first,
            )
            return Examined(evidence=evidence, column=column, exact=attempt is texts)
    return None


def _attempts(texts: pa.Array, kind: Kind, form: TextForm) -> Iterator[pa.Array]:
    """Yield the strings unchanged, then without the variations that a kind allows."""
    if kind != "double" or _unmarked(form):
        yield texts
    if kind in _NUMBERS:
        numbers = plain_numbers(texts, form)
        if numbers is not None:
            yield numbers
    elif kind not in BOOLS:
        yield without_words(texts)


def _first_value(texts: pa.Array) -> str | None:
    """Return the first string that is a value, neither blank nor a word for a missing one."""
    import pyarrow.compute as pc

    if texts.null_count == len(texts):
        return None
    first: str = texts[pc.index(texts.is_valid(), True).as_py()].as_py()
    if first.strip(_BLANKS) not in _NO_VALUES:
        return first
    values = trimmed(texts).is_valid()
    place = pc.index(values, True).as_py()
    return None if place < 0 else texts[place].as_py()


def _first_odd(texts: pa.Array, form: TextForm, first: str, kinds: frozenset[Kind]) -> int:
    """Find the first row, from 1, up to which no kind holds all values."""
    import pyarrow.compute as pc

    if not kinds:
        return int(pc.index(texts, first).as_py()) + 1

    def holds(head: pa.Array) -> bool:
        return head.null_count == len(head) or _held(head, form, first, kinds) is not None

    return first_failing(texts, holds) + 1


def _has_fractions(texts: pa.Array) -> bool:
    bytes_ = TextBytes.of(texts)
    return any(bytes_.count(sign) for sign in ".eE")


def _unmarked(form: TextForm) -> bool:
    return form.decimal == "." and not form.thousands


def _marked(form: TextForm) -> str:
    """Return the regular expression of numbers with the declared separators."""
    group = rf"|[0-9]{{1,3}}(?:{re.escape(form.thousands)}[0-9]{{3}})+" if form.thousands else ""
    fraction = rf"(?:{re.escape(form.decimal)}[0-9]+)?"
    return rf"-?(?:(?:[0-9]+{group}){fraction}(?:[eE][+-]?[0-9]+)?|[iI]nf(?:inity)?)"


def _plain_number(text: str, form: TextForm) -> str | None:
    """Return the numeral in a string, with a decimal point; None for other separators."""
    text = text.strip(_BLANKS)
    if _unmarked(form):
        return text
    if not re.fullmatch(_marked(form), text):
        return None
    plain = text.replace(form.thousands, "") if form.thousands else text
    return plain.replace(form.decimal, ".")
