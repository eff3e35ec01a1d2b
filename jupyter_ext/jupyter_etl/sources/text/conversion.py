"""Conversion of strings to a declared type: exact, or an error that names the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.text.inference import (
    PLAIN,
    TextForm,
    first_failing,
    plain_numbers,
    trimmed,
    without_words,
)
from jupyter_etl.sources.text.times import DateForm, without_last_zeros

if TYPE_CHECKING:
    import pyarrow as pa

_TRUE = ("true", "t", "yes", "y", "on", "1")
_FALSE = ("false", "f", "no", "n", "off", "0")
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_ZERO = r"^[+-]?[0.]+(?:[eE].*)?$"
_INFINITE = r"^[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?$"
_STAMP = r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$"
_ZONED = r":.*(?:Z|[+-]\d\d(?::?\d\d)?)$"


def convert(
    texts: pa.Array | pa.ChunkedArray,
    kind: pa.DataType,
    form: TextForm = PLAIN,
    *,
    what: str,
    column: str,
    first_row: int = 1,
) -> pa.Array | pa.ChunkedArray:
    """Convert a column of strings to its declared type.

    More notations are accepted than in inference: leading zeros, plus signs, any exponent, mixed
    forms of timestamps. Empty strings and words such as ``NA`` are missing values, except in text.

    Args:
        kind: From `parse_type`.
        what: Subject of messages: ``Source 'trips', a.csv``.
        first_row: The row of the first string, as messages count them.

    Raises:
        SourceError: A value is not exact in that type; the message names its row.
    """
    import pyarrow as pa

    if isinstance(texts, pa.ChunkedArray):
        chunks = []
        for chunk in texts.chunks:
            chunks.append(convert(chunk, kind, form, what=what, column=column, first_row=first_row))
            first_row += len(chunk)
        return pa.chunked_array(chunks, kind)
    texts = texts.cast(pa.string())
    if form.null:
        texts = without_words(texts, form.null)
    if pa.types.is_string(kind):
        return texts
    attempt = _attempt(kind, form)
    found = attempt(texts)
    if found is not None:
        return found
    position = first_failing(texts, lambda part: attempt(part) is not None)
    raise _refusal(what, column, first_row + position, texts[position].as_py(), kind)


def _refusal(what: str, column: str, row: int, value: object, kind: pa.DataType) -> SourceError:
    return SourceError(
        f"{what}: column '{column}' is declared as {kind}; row {row:,} has {str(value)[:80]!r}.",
        hint=f"Declare the option type.{column}=text, or another type; "
        "null= sets the texts that mean a missing value.",
        retryable=False,
        data={"column": column, "row": row},
    )


def _attempt(kind: pa.DataType, form: TextForm) -> Callable[[pa.Array], pa.Array | None]:
    """Return a function that converts strings to a type, or returns None if one does not fit."""
    import pyarrow as pa

    def attempt(texts: pa.Array) -> pa.Array | None:
        try:
            if pa.types.is_boolean(kind):
                return _bools(trimmed(texts))
            if pa.types.is_date(kind):
                return _dates(trimmed(texts), kind, form)
            if pa.types.is_time(kind):
                return _times(trimmed(texts), kind)
            if pa.types.is_timestamp(kind):
                return _stamps(trimmed(texts), kind, form)
            return _numbers(texts, kind, form)
        except pa.ArrowInvalid:
            return None

    return attempt


def _numbers(texts: pa.Array, kind: pa.DataType, form: TextForm) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = plain_numbers(pc.replace_substring_regex(texts, r"^\s*\+", ""), form)
    if plain is None:
        return None
    if pa.types.is_integer(kind):
        if not _all_match(plain, r"^-?[0-9]+(?:\.0*)?$"):
            return None
        return pc.replace_substring_regex(plain, r"\.0*$", "").cast(kind)
    numerals = plain
    if pa.types.is_floating(kind):
        infinite = pc.match_substring_regex(plain, _INFINITE)
        numerals = plain.filter(pc.invert(infinite))
    if not _all_match(numerals, _NUMBER):
        return None
    if pa.types.is_decimal(kind):
        return plain.cast(kind)
    found = plain.cast(pa.float64()).cast(kind)
    fits = pc.and_(pc.equal(pc.is_inf(found), infinite), _keeps_integers(plain, found))
    fits = pc.and_(fits, pc.or_(pc.not_equal(found, 0.0), pc.match_substring_regex(plain, _ZERO)))
    return found if pc.all(fits, min_count=0).as_py() else None


def _keeps_integers(numerals: pa.Array, found: pa.Array) -> pa.Array:
    """Return for each number whether it is a fraction or an exactly represented integer."""
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = 2.0**24 if found.type == pa.float32() else 2.0**53
    small = pc.less(pc.abs(found), exact)
    if pc.all(small, min_count=0).as_py():
        return small
    whole = pc.match_substring_regex(numerals, r"^-?[0-9]+(?:\.0*)?$")
    kept = [
        int(text.partition(".")[0]) == number if integer else True
        for text, number, integer in zip(
            numerals.to_pylist(), found.to_pylist(), whole.to_pylist(), strict=True
        )
    ]
    return pa.array(kept, pa.bool_())


def _bools(texts: pa.Array) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    lower = pc.utf8_lower(texts)
    if not pc.all(pc.is_in(lower, pa.array([*_TRUE, *_FALSE, None]))).as_py():
        return None
    return pc.if_else(pc.is_valid(lower), pc.is_in(lower, pa.array(_TRUE)), None)


def _dates(texts: pa.Array, kind: pa.DataType, form: TextForm) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    declared, others = _of_declared_forms(texts, form)
    days = others.cast(kind)
    if declared is None:
        return days
    found = declared.cast(kind)
    if pa.types.is_timestamp(declared.type) and not found.cast(declared.type).equals(declared):
        return None
    return pc.coalesce(found, days)


def _of_declared_forms(texts: pa.Array, form: TextForm) -> tuple[pa.Array | None, pa.Array]:
    """Parse strings in a declared date format.

    Returns:
        Dates or timestamps, None if there are none; and the strings that match no format.

    Raises:
        ArrowInvalid: Two formats give different dates for a string.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    forms = [DateForm(pattern=pattern) for pattern in form.dates]
    distinct = pc.unique(texts)
    read = [
        {found for one in forms if text is not None and (found := one.parse(text)) is not None}
        for text in distinct.to_pylist()
    ]
    if any(len(found) > 1 for found in read):
        raise pa.ArrowInvalid("two declared formats give different dates")
    if not any(read):
        return None, texts
    stamps = pa.array([next(iter(found), None) for found in read])
    declared = stamps.take(pc.index_in(texts, distinct))
    return declared, pc.if_else(declared.is_valid(), pa.scalar(None, pa.string()), texts)


def _times(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _all_match(texts, r"^\d\d:\d\d(?::\d\d(?:\.\d+)?)?$"):
        return None
    day = pc.binary_join_element_wise(pa.scalar("1970-01-01"), without_last_zeros(texts), "T")
    return day.cast(pa.timestamp(kind.unit)).cast(kind)


def _stamps(texts: pa.Array, kind: pa.DataType, form: TextForm) -> pa.Array | None:
    """Convert timestamps; naive ones are local time if the type has a time zone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    declared, texts = _of_declared_forms(texts, form)
    if declared is not None:
        found = _in_zone(declared.cast(pa.timestamp(kind.unit, declared.type.tz)), kind)
        others = None if found is None else _stamps(texts, kind, PLAIN)
        return None if others is None else pc.coalesce(found, others)
    if not _all_match(texts, _STAMP):
        return None
    texts = without_last_zeros(texts)
    zoned = pc.match_substring_regex(texts, _ZONED)
    if not pc.any(zoned).as_py():
        return _in_zone(texts.cast(pa.timestamp(kind.unit)), kind)
    if kind.tz is None:
        return None
    missing = pa.scalar(None, pa.string())
    instants = pc.if_else(zoned, texts, missing).cast(pa.timestamp(kind.unit, "UTC")).cast(kind)
    local = pc.if_else(zoned, missing, texts).cast(pa.timestamp(kind.unit))
    return pc.coalesce(instants, _in_zone(local, kind))


def _in_zone(stamps: pa.Array, kind: pa.DataType) -> pa.Array | None:
    import pyarrow.compute as pc

    if (stamps.type.tz is None) == (kind.tz is None):
        return stamps.cast(kind)
    return None if kind.tz is None else pc.assume_timezone(stamps, kind.tz)


def _all_match(texts: pa.Array, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(texts, pattern), min_count=0).as_py())
