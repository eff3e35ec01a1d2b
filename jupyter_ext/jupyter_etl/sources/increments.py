"""The rows of an incremental load: those between two values of a column."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_etl.errors import SourceError
from jupyter_etl.language.cursors import DAY, SECOND, order_of, value_at, value_in
from jupyter_etl.language.text import bound_below
from jupyter_etl.model import CursorKind, CursorValue
from jupyter_etl.ports import Reading, Since
from jupyter_etl.sources.readings import choose
from jupyter_etl.sources.text.cursors import TextRuler, between

if TYPE_CHECKING:
    import pyarrow as pa

_UNITS = {"s": SECOND, "ms": SECOND // 10**3, "us": SECOND // 10**6, "ns": 1}
_TIMES = (CursorKind.DATE, CursorKind.TIMESTAMP, CursorKind.INSTANT)
_INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The range of an incremental load.

    Args:
        after: Rows up to this value are skipped; None for none.
        upto: Rows beyond this value are skipped; None if the first load decides.
        until: For a cursor of times without ``upto``: the end, UTC.
        zone: IANA name of the time zone of naive dates and times.
    """

    after: CursorValue | None
    upto: CursorValue | None
    until: datetime
    zone: str


@dataclass(frozen=True, kw_only=True)
class Extent:
    """The extent of an incremental load.

    Args:
        upto: Greatest value in the range; None if no row has a value.
        value: Greatest value that was read; None if there is no row.
        nulls: Number of rows without a value, which are skipped.
        later: Number of rows beyond ``upto``, which are left for a later load.
        rows: Number of rows read.
        note: How values without a natural order were compared; else "".
    """

    upto: CursorValue | None
    value: CursorValue | None
    nulls: int = 0
    later: int = 0
    rows: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Increment(Extent):
    """The result of an incremental load.

    Args:
        table: The rows.
    """

    table: pa.Table


def read_increment(
    reading: Reading,
    bounds: Bounds,
    *,
    what: str,
    column: str,
    columns: Sequence[str] | None = None,
    keep: Callable[[pa.RecordBatch], None] | None = None,
) -> Increment:
    """Read the rows between two values, batch by batch; other rows are never kept.

    Args:
        reading: A reading of all rows, or of those after the lower bound and those without a value.
        bounds: The range.
        what: Subject of messages: ``wh.orders``.
        columns: Columns to return, in order; None for all.
        keep: Called with each batch before it is stored; its exceptions end the read.

    Raises:
        SourceError: The column does not exist, or its values have no exact order, or their type
            differs from the watermark's.
    """
    import pyarrow as pa

    choose(what, reading.batches.schema.names, [column])
    wanted = choose(what, reading.batches.schema.names, columns)
    schema = reading.batches.schema.empty_table().select(wanted).schema
    ends: list[Extent] = []

    def rows() -> Generator[pa.RecordBatch, None, None]:
        ends.append((yield from batches_between(reading, bounds, what=what, column=column)))

    kept = []
    for batch in rows():
        chosen = batch.select(wanted)
        if keep is not None:
            keep(chosen)
        kept.append(chosen)
    table = pa.Table.from_batches(kept, schema)
    return Increment(table=table, **vars(ends[0]))


def batches_between(
    reading: Reading, bounds: Bounds, *, what: str, column: str
) -> Generator[pa.RecordBatch, None, Extent]:
    """Yield the rows between two values as they are read.

    Args:
        reading, bounds, what, column: See `read_increment`.

    Returns:
        The extent, after the last batch.

    Raises:
        SourceError: See `read_increment`.
    """
    with reading.batches as batches:
        choose(what, batches.schema.names, [column])
        ruler = _ruler(what, batches.schema.field(column))
        _refuse_other_kind(what, column, ruler, bounds)
        upto = bounds.upto
        if upto is None and ruler is not None and ruler.kind in _TIMES:
            upto = value_in(bounds.until, ruler.kind, bounds.zone)
        top: Any = None
        nulls = later = rows = 0
        for batch in batches:
            values = batch.column(column)
            nulls += values.null_count
            if ruler is None:
                continue
            keys = ruler.keys(values)
            mask, beyond = ruler.within(keys, bounds.after, upto)
            later += beyond
            inside = batch.filter(mask)
            if inside.num_rows:
                rows += inside.num_rows
                top = ruler.greatest(keys.filter(mask), top)
                yield inside
    value = ruler.value(top) if ruler is not None and top is not None else None
    note = "" if ruler is None else ruler.note
    return Extent(upto=upto or value, value=value, nulls=nulls, later=later, rows=rows, note=note)


def newest_of_each(table: pa.Table, key: Sequence[str], column: str, *, what: str) -> pa.Table:
    """Keep the row with the greatest cursor of each key; rows without a key are all kept.

    Args:
        key: Columns that identify rows.

    Raises:
        SourceError: A column of the key does not exist.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    choose(what, table.column_names, key)
    order = _ascending(table, column, what)
    keys = table.select(list(key)).take(order)
    rank = pa.array(range(len(order)), pa.int64())
    numbered = keys.append_column("__rank", rank)
    whole = pc.is_valid(keys.column(0))
    for name in key[1:]:
        whole = pc.and_(whole, pc.is_valid(keys.column(name)))
    grouped = numbered.filter(whole).group_by(list(key)).aggregate([("__rank", "max")])
    last = grouped.column("__rank_max").combine_chunks()
    without = numbered.filter(pc.invert(whole)).column("__rank").combine_chunks()
    kept = pc.take(order, pa.concat_arrays([last.cast(pa.int64()), without]))
    return table.take(pc.take(kept, pc.sort_indices(kept)))


def _ascending(table: pa.Table, column: str, what: str) -> pa.Array:
    """Return the positions of rows sorted by their cursor; the sort is stable."""
    import pyarrow.compute as pc

    ruler = _ruler(what, table.schema.field(column))
    if isinstance(ruler, TextRuler):
        places = ruler.places(table.column(column))
        if places is not None:
            return places
    order: pa.Array = pc.sort_indices(table, sort_keys=[(column, "ascending")])
    return order


def since_of(column: str, after: CursorValue) -> Since:
    """Return the filter for a database that skips the rows up to a value."""
    if after.kind is CursorKind.TEXT:
        bound, like = bound_below(after.text)
        return Since(column=column, after=bound, like=like)
    return Since(column=column, after=bound_of(after))  # type: ignore[arg-type]


def bound_of(value: CursorValue) -> object:
    """Return a value for a database driver; times are truncated to microseconds.

    The truncated value is smaller, so that no row after the exact value is skipped.
    """
    order = order_of(value)
    if not isinstance(order, int) or value.kind is CursorKind.INTEGER:
        return order
    if value.kind is CursorKind.DATE:
        return date.fromisoformat(value.text)
    text = value.text.removesuffix("Z")
    whole, _, fraction = text.partition(".")
    at = datetime.fromisoformat(whole).replace(microsecond=int(fraction.ljust(9, "0")[:6]))
    return at.replace(tzinfo=UTC) if value.kind is CursorKind.INSTANT else at


@dataclass(frozen=True, kw_only=True)
class _Ruler:
    """How values of one column are compared.

    Args:
        kind: Kind of the values.
        unit: Nanoseconds per step, for times.
        type: Type that values are cast to for comparison; None if no cast is needed.
    """

    kind: CursorKind
    note: ClassVar[str] = ""
    unit: int = 1
    type: pa.DataType | None = None

    def keys(self, values: pa.Array) -> pa.Array:
        import pyarrow as pa

        if self.kind in _TIMES:
            # Via the stored integer: a cast that rounds cannot happen.
            width = pa.int32() if pa.types.is_date32(values.type) else pa.int64()
            return values.cast(width).cast(pa.int64())
        return values if self.type is None else values.cast(self.type)

    def key(self, value: CursorValue, keys: pa.DataType) -> pa.Scalar:
        import pyarrow as pa

        order = order_of(value)
        if self.kind is CursorKind.DECIMAL:
            return pa.scalar(order)
        if isinstance(order, int):
            low, high = (0, 2**64 - 1) if pa.types.is_uint64(keys) else _INT64
            # Rounded down: what is greater than the value stays greater.
            return pa.scalar(min(max(order // self.unit, low), high), keys)
        return pa.scalar(order, keys)

    def within(
        self, keys: pa.Array, after: CursorValue | None, upto: CursorValue | None
    ) -> tuple[pa.Array, int]:
        """Return which rows are in the range, NULL without a value, and how many are after it."""
        low, high = (None if v is None else self.key(v, keys.type) for v in (after, upto))
        return between(keys, low, high)

    def greatest(self, keys: pa.Array, than: Any) -> Any:
        """Return the greatest of the values and a previous one."""
        import pyarrow.compute as pc

        top = pc.max(keys).as_py()
        return top if than is None else max(than, top)

    def value(self, top: Any) -> CursorValue:
        if self.kind in _TIMES:
            return value_at(self.kind, top * self.unit)
        text = format(top, "f") if isinstance(top, Decimal) else str(top)
        return CursorValue(kind=self.kind, text=text)


def _ruler(what: str, field: pa.Field) -> _Ruler | TextRuler | None:
    """Return how a column is compared; None if no row has a value."""
    import pyarrow as pa

    kind = field.type
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return None
    if types.is_integer(kind):
        wide = pa.uint64() if types.is_uint64(kind) else pa.int64()
        return _Ruler(kind=CursorKind.INTEGER, type=wide)
    if types.is_decimal(kind):
        return _Ruler(kind=CursorKind.DECIMAL)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return TextRuler(what, field.name)
    if types.is_date32(kind):
        return _Ruler(kind=CursorKind.DATE, unit=DAY)
    if types.is_date64(kind):
        return _Ruler(kind=CursorKind.DATE, unit=_UNITS["ms"])
    if types.is_timestamp(kind):
        found = CursorKind.TIMESTAMP if kind.tz is None else CursorKind.INSTANT
        return _Ruler(kind=found, unit=_UNITS[kind.unit])
    raise SourceError(
        f"{what} cannot be followed by '{field.name}': its type is {field.type}, and a watermark "
        "needs values that are exact and in order: integers, decimals, dates, times or texts.",
        hint="Follow another column, or cast it in a view of the source."
        + (" A double has NaN and rounds." if types.is_floating(kind) else ""),
        retryable=False,
        data={"column": field.name, "type": str(field.type)},
    )


def _refuse_other_kind(
    what: str, column: str, ruler: _Ruler | TextRuler | None, bounds: Bounds
) -> None:
    for known in filter(None, (bounds.after, bounds.upto)):
        if ruler is not None and known.kind is not ruler.kind:
            raise SourceError(
                f"The watermark of {what} is the {known.kind} {known.text!r}, and '{column}' now "
                f"holds values of the kind {ruler.kind}.",
                hint=f"Start again: %etl watermark {what} --since {column} --reset",
                retryable=False,
                data={"column": column, "kind": str(ruler.kind)},
            )
