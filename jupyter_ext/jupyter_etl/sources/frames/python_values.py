"""Conversion of Python objects to Arrow: exact, or an error with the row.

pyarrow infers a type from the first values and converts the rest to it: a date followed by a
datetime loses the time, and nanoseconds are cut off. Here the types of all values are considered.
"""

from __future__ import annotations

import decimal
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from jupyter_etl.sources.frames.python_times import durations, times, timestamps

if TYPE_CHECKING:
    import pyarrow as pa

from jupyter_etl.sources.frames.type_conflicts import Unfit, shown

_MISSING: Final = "nothing"
_MOST_DIGITS = 38
_LARGE_LIST: Final = 2**31
_EXACT_INTEGERS = frozenset({"integer", "fraction"})


def array_of(values: Sequence[Any], *, nested: bool = False) -> pa.Array:
    """Convert Python objects to an Arrow array.

    A mix of integers and floats becomes doubles, of integers and Decimals decimals, of dates and
    datetimes timestamps, if that is exact. Decimals have 38 digits and the largest scale of the
    values.

    Args:
        values: None, NaN, NaT and NA are missing; NaN is a value among the numbers of a list.
        nested: Whether they are inside lists or dictionaries.

    Raises:
        Unfit: A value has no Arrow type, or two values have no common type.
    """
    import pyarrow as pa

    kinds = {kind: _kind_of(kind) for kind in set(map(type, values))}
    unknown = {kind for kind, name in kinds.items() if name is None}
    if unknown:
        row = next(row for row, value in enumerate(values) if type(value) in unknown)
        raise Unfit(f"{shown(values[row])} has no Arrow type", row=row)
    if any(name == _MISSING and kind is not type(None) for kind, name in kinds.items()):
        missing_kinds = {kind for kind, name in kinds.items() if name == _MISSING}
        values = [None if type(value) in missing_kinds else value for value in values]
    names = {name for name in kinds.values() if name and name != _MISSING}
    if "fraction" in names and not (nested and names <= _EXACT_INTEGERS):
        values, names = _without_nan(values, names, kinds)
    if not names:
        return pa.nulls(len(values))
    converter = _CONVERTERS.get(frozenset(names))
    if converter is None:
        raise _mixed(values, kinds)
    return converter(values)


def _kind_of(kind: type) -> str | None:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if kind in (type(None), type(pd.NaT), type(pd.NA)):
        return _MISSING
    if issubclass(kind, np.longdouble) and np.finfo(np.longdouble).bits > 64:
        return None
    table: tuple[tuple[str, tuple[type, ...]], ...] = (
        ("truth value", (bool, np.bool_)),
        ("duration", (timedelta, np.timedelta64)),
        ("integer", (int, np.integer)),
        ("fraction", (float, np.floating)),
        ("Decimal", (Decimal,)),
        ("text", (str,)),
        ("bytes", (bytes, bytearray, memoryview)),
        ("time stamp", (datetime, np.datetime64)),
        ("date", (date,)),
        ("time", (time,)),
        ("written", (UUID, pd.Period, pd.Interval)),
        ("interval", (pa.MonthDayNano, type(pd.DateOffset(days=1)))),
        ("list", (list, tuple, np.ndarray)),
        ("dictionary", (dict,)),
    )
    return next((name for name, classes in table if issubclass(kind, classes)), None)


def _without_nan(
    values: Sequence[Any], names: set[str], kinds: dict[type, str | None]
) -> tuple[Sequence[Any], set[str]]:
    """Treat NaN as pandas does, as a missing value."""
    floats = {kind for kind, name in kinds.items() if name == "fraction"}
    cleaned = [None if type(v) in floats and v != v else v for v in values]
    if any(type(value) in floats for value in cleaned):
        return cleaned, names
    return cleaned, names - {"fraction"}


def _mixed(values: Sequence[Any], kinds: dict[type, str | None]) -> Unfit:
    first: dict[str, int] = {}
    for row, value in enumerate(values):
        name = kinds[type(value)]
        if value is not None and name is not None:
            first.setdefault(name, row)
    # Integers and fractions are compatible: the last kind is incompatible with both.
    *_, b = first.values()
    a = next(iter(first.values()))
    return Unfit(
        f"{shown(values[b])} has no type in common with {shown(values[a])}", row=b, other=a
    )


def _plain(kind: str) -> Callable[[Sequence[Any]], pa.Array]:
    def convert(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa

        return pa.array(values, getattr(pa, kind)())

    return convert


def _integers(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, pa.int64())
    except (OverflowError, pa.ArrowInvalid):
        # Both numpy's and Python's integers; Decimal accepts only the latter.
        return _decimals([None if value is None else int(value) for value in values])


def _fractions(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    made = []
    for row, value in enumerate(values):
        try:
            one = None if value is None else float(value)
        except OverflowError:
            one = 0.0
        if one is not None and one != value and value == value:
            raise Unfit(
                f"{shown(value)} is not exact as a double, and the column has fractions",
                row=row,
            )
        made.append(one)
    return pa.array(made, pa.float64())


def _decimals(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    if not any(isinstance(value, int) for value in values):
        try:
            found = pa.array(values)
            if pa.types.is_decimal128(found.type) and found.type.scale >= 0:
                return found.cast(pa.decimal128(_MOST_DIGITS, found.type.scale))
        except (pa.ArrowException, TypeError, ValueError):
            # Values that do not fit are found below, with their row.
            pass
    plain = [
        None if value is None else _trimmed(Decimal(value), row) for row, value in enumerate(values)
    ]
    whole = scale = 0
    for row, value in enumerate(plain):
        if value is not None:
            whole = max(whole, value.adjusted() + 1 if value else 1)
            scale = max(scale, -int(value.as_tuple().exponent))
        if whole + scale > 2 * _MOST_DIGITS:
            raise Unfit(f"with {shown(values[row])} the column needs more than 76 digits", row=row)
    if whole + scale <= _MOST_DIGITS:
        return pa.array(plain, pa.decimal128(_MOST_DIGITS, scale))
    return pa.array(plain, pa.decimal256(2 * _MOST_DIGITS, scale))


def _trimmed(value: Decimal, row: int) -> Decimal:
    """Remove trailing zeros that exceed the maximum scale."""
    if not value.is_finite():
        raise Unfit(
            f"{shown(value)} is not a number that a decimal column can hold",
            row=row,
            fix=".map(lambda v: v if v is None or v.is_finite() else None)",
        )
    if -int(value.as_tuple().exponent) <= _MOST_DIGITS:
        return value
    with decimal.localcontext(prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN):
        return value.normalize() if value else Decimal(0)


def _texts(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError as problem:
        for row, value in enumerate(values):
            try:
                if value is not None:
                    value.encode()
            except UnicodeEncodeError:
                raise Unfit(
                    f"{shown(value)} is not valid Unicode",
                    row=row,
                    fix=".str.encode('utf-8', 'replace').str.decode('utf-8')",
                ) from problem
        raise


def _bytes(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if value is None else bytes(value) for value in values], pa.binary())


def _written(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _lists(values: Sequence[Any]) -> pa.Array:
    if is_map(values):
        return map_array(values, array_inside, array_inside)
    return list_array(values, array_inside)


def _dictionaries(values: Sequence[Any]) -> pa.Array:
    names: dict[str, None] = {}
    for row, value in enumerate(values):
        for name in value or ():
            if not isinstance(name, str):
                raise Unfit(
                    f"the key {shown(name)} of a dictionary is not text",
                    row=row,
                    fix=".map(lambda d: {str(k): v for k, v in d.items()})",
                )
            names[name] = None
    return struct_array(values, dict.fromkeys(names, array_inside))


def array_inside(values: Sequence[Any]) -> pa.Array:
    """Convert the elements of lists or dictionaries to an Arrow array; raises `Unfit`."""
    return array_of(values, nested=True)


def is_map(values: Sequence[Any]) -> bool:
    """Return whether lists contain pairs of a unique string and a value of another type."""
    pairs = [value for value in values if value is not None]
    flat = list(chain.from_iterable(pairs)) if all(type(p) is list for p in pairs) else []
    return (
        bool(flat)
        and all(type(p) is tuple and len(p) == 2 and type(p[0]) is str for p in flat)
        and not all(type(value) is str for _, value in flat)
        and all(len({key for key, _ in value}) == len(value) for value in pairs)
    )


Convert = Callable[[Sequence[Any]], "pa.Array"]
"""Converts values to an array; raises `Unfit`."""


def list_array(values: Sequence[Any], inside: Convert) -> pa.Array:
    """Build lists; ``inside`` converts all of their elements at once; raises `Unfit`."""
    import pyarrow as pa

    ends = list(accumulate((0 if value is None else len(value) for value in values), initial=0))
    child = _numbers(values)
    if child is None:
        child = _inside(ends, list(chain.from_iterable(v for v in values if v is not None)), inside)
    made = pa.LargeListArray if ends[-1] >= _LARGE_LIST else pa.ListArray
    return made.from_arrays(_offsets(ends, values, large=ends[-1] >= _LARGE_LIST), child)


def _numbers(values: Sequence[Any]) -> pa.Array | None:
    """Join lists that are numpy arrays of one numeric type, without an object per number."""
    import numpy as np
    import pyarrow as pa

    if not all(value is None or type(value) is np.ndarray for value in values):
        return None
    arrays = [value for value in values if value is not None]
    kinds = {value.dtype for value in arrays}
    plain = len(kinds) == 1 and next(iter(kinds)).kind in "biuf" and next(iter(kinds)).itemsize <= 8
    if not plain or any(value.ndim != 1 for value in arrays):
        return None
    return pa.array(np.concatenate(arrays))


def _offsets(ends: Sequence[int], values: Sequence[Any], *, large: bool = False) -> pa.Array:
    import pyarrow as pa

    starts = [None if v is None else start for start, v in zip(ends, values, strict=False)]
    return pa.array([*starts, ends[-1]], pa.int64() if large else pa.int32())


def _inside(ends: Sequence[int], flat: Sequence[Any], inside: Convert) -> pa.Array:
    """Convert elements; a failure gets the row of the list that contains the element."""
    try:
        return inside(flat)
    except Unfit as problem:
        raise problem.moved(lambda place: bisect_right(ends, place) - 1) from problem


def struct_array(values: Sequence[Any], inside: dict[str, Convert]) -> pa.Array:
    """Build structs from dictionaries; missing names are NULL; raises `Unfit`."""
    import pyarrow as pa

    children = [
        convert([None if value is None else value.get(name) for value in values])
        for name, convert in inside.items()
    ]
    if not children:
        return pa.array(values, pa.struct([]))
    mask = pa.array([value is None for value in values], pa.bool_())
    return pa.StructArray.from_arrays(children, names=list(inside), mask=mask)


def map_array(values: Sequence[Any], keys: Convert, items: Convert) -> pa.Array:
    """Build maps from lists of pairs; raises `Unfit`."""
    import pyarrow as pa

    ends = list(accumulate((0 if value is None else len(value) for value in values), initial=0))
    pairs = list(chain.from_iterable(value for value in values if value is not None))
    sides = [
        _inside(ends, [pair[place] for pair in pairs], convert)
        for place, convert in enumerate((keys, items))
    ]
    return pa.MapArray.from_arrays(_offsets(ends, values), *sides)


_CONVERTERS: Final[dict[frozenset[str], Convert]] = {
    frozenset({"truth value"}): _plain("bool_"),
    frozenset({"integer"}): _integers,
    frozenset({"fraction"}): _fractions,
    frozenset({"integer", "fraction"}): _fractions,
    frozenset({"Decimal"}): _decimals,
    frozenset({"integer", "Decimal"}): _decimals,
    frozenset({"text"}): _texts,
    frozenset({"bytes"}): _bytes,
    frozenset({"date"}): _plain("date32"),
    frozenset({"time stamp"}): timestamps,
    frozenset({"date", "time stamp"}): timestamps,
    frozenset({"time"}): times,
    frozenset({"duration"}): durations,
    frozenset({"interval"}): _plain("month_day_nano_interval"),
    frozenset({"written"}): _written,
    frozenset({"list"}): _lists,
    frozenset({"dictionary"}): _dictionaries,
}
