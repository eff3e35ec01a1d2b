"""The kinds of value that a string can represent: their types and conversions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_etl.sources.text.numbers import doubles, exact_as_doubles, integers
from jupyter_etl.sources.text.times import (
    DateForm,
    StampForm,
    dates,
    dates_of_form,
    fits_nanoseconds,
    stamps,
    times,
)

if TYPE_CHECKING:
    import pyarrow as pa

Kind = str | StampForm | DateForm
"""``integer``, ``double``, a style of bools, ``date``, a time format, or a timestamp format."""

BOOLS = {"true": ("true", "false"), "True": ("True", "False"), "TRUE": ("TRUE", "FALSE")}
_TIMES = ("10:00", "10:00:00")


def type_of(kind: Kind) -> pa.DataType:
    """Return the Arrow type of a kind."""
    import pyarrow as pa

    if isinstance(kind, StampForm | DateForm):
        return kind.type
    if kind in BOOLS:
        return pa.bool_()
    types = {"integer": pa.int64(), "double": pa.float64(), "date": pa.date32()}
    return types.get(kind, pa.time32("s"))


def read_kind(texts: pa.Array, kind: Kind) -> pa.Array | None:
    """Convert a column; None if a string is not of that kind."""
    if isinstance(kind, StampForm):
        return stamps(texts, kind)
    if isinstance(kind, DateForm):
        return dates_of_form(texts, kind)
    if kind in BOOLS:
        return _bools(texts, *BOOLS[kind])
    readers = {"integer": integers, "double": doubles, "date": dates}
    return readers[kind](texts) if kind in readers else times(texts, kind)


def _bools(texts: pa.Array, true: str, false: str) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.is_in(texts, pa.array([true, false, None]))).as_py():
        return None
    return pc.equal(texts, true)


def wider_kinds(kind: Kind, column: pa.Array) -> frozenset[Kind]:
    """Return the kinds to which this kind may widen for values of another part."""
    if kind == "integer" and exact_as_doubles(column):
        return frozenset({"double"})
    if isinstance(kind, StampForm) and kind.unit == "us" and fits_nanoseconds(column):
        return frozenset({replace(kind, unit="ns")})
    return frozenset()


def rank(kind: Kind) -> tuple[int, str]:
    """Return a sort key that puts narrower kinds first."""
    if isinstance(kind, StampForm):
        return (4, kind.unit.translate({ord("u"): "a"}))
    if isinstance(kind, DateForm):
        return (5, kind.pattern)
    return ({"integer": 0, "double": 1, "date": 3}.get(kind, 2), kind)


def named_kind(kind: Kind) -> str:
    """Describe one value of a kind."""
    if isinstance(kind, StampForm):
        seconds = ":00" if kind.seconds else ""
        zone = " with a zone" if kind.zoned else ""
        return f"a timestamp like 2026-12-31{kind.separator}10:00{seconds}{zone}"
    if isinstance(kind, DateForm):
        return f"a date of the form {kind.pattern}"
    if kind in BOOLS:
        return " or ".join(BOOLS[kind])
    if kind in _TIMES:
        return f"a time like {kind}"
    names = {"integer": "a 64-bit integer", "double": "a number that a double holds"}
    return names.get(kind, "a date like 2026-12-31")
