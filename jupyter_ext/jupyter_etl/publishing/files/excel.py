"""Published Excel sheets: a value is stored as a cell that reproduces it exactly, otherwise as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jupyter_etl.errors import MissingDependency, PublishError
from jupyter_etl.publishing.files.layouts import (
    PER_SECOND,
    FileLayout,
    cast_column,
    duration_number,
    duration_text,
    kept_schema,
    refuse_years,
    restored,
    simple_type,
    time_number,
)

if TYPE_CHECKING:
    import pyarrow as pa

_SHEET_ROWS = 1_048_575
_SHEET_COLUMNS = 16_384
_CELL_CHARACTERS = 32_767
_EXACT_INTEGERS = 2**53
_EXACT_DIGITS = 15
_DAY_S = 86_400
_FIRST = -2_203_891_200
"""Seconds from 1900-03-01 to 1970: before that date, Excel has a February 29th that did not exist.
"""

_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_|[\x00-\x08\x0b-\x1f\ufffe\uffff]|^[\t\n ]|[\t\n ]$")
_TIMESPECS = {"s": "seconds", "ms": "milliseconds"}
_Cell = Callable[[Any], object]


def write_excel(data: pa.RecordBatchReader, target: Path) -> tuple[int, FileLayout]:
    """Write rows as the only sheet of a workbook.

    Integers beyond 2^53, decimals of more than 15 digits, aware times, dates before 1900-03-01,
    fractions of a millisecond, NaN and infinity are text.

    Returns:
        Number of rows, and the layout for reading them back.

    Raises:
        PublishError: A sheet cannot represent a column or value.
        MissingDependency: openpyxl is not installed.
    """
    try:
        openpyxl = import_module("openpyxl")
    except ImportError as absent:
        raise MissingDependency(
            "Writing Excel files needs openpyxl, which is not installed.",
            hint="pip install openpyxl, or publish a .csv or .parquet.",
        ) from absent
    schema = kept_schema(data.schema)
    _refuse_size(len(schema), _SHEET_COLUMNS, "columns")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")

    def cell(text: str, kind: str = "s") -> object:
        made = openpyxl.cell.WriteOnlyCell(sheet, value=text)
        # Text must not become a formula, and a number must keep its digits.
        made.data_type = kind
        return made

    sheet.append([cell(_escaped(name, name, 0)) for name in schema.names])
    columns = [_Column(field, cell) for field in schema]
    rows = 0
    try:
        for batch in data:
            rows += batch.num_rows
            _refuse_size(rows, _SHEET_ROWS, "rows")
            made = [column.cells(cells) for column, cells in zip(columns, batch, strict=True)]
            for record in zip(*made, strict=True):
                sheet.append(record)
    except BaseException:
        # Otherwise it would write into a closed file when it is garbage-collected.
        sheet.close()
        raise
    book.save(target)
    empty = tuple(column.name for column in columns if column.has_empty_texts())
    return rows, FileLayout(schema=schema, empty_texts=empty)


def _refuse_size(number: int, most: int, what: str) -> None:
    if number > most:
        raise PublishError(
            f"An Excel sheet can have {most:,} {what}; there are more.",
            hint="Publish a .csv or .parquet.",
        )


class _Column:
    """Creates the cells of one column, batch by batch."""

    def __init__(self, field: pa.Field, cell: Callable[..., object]) -> None:
        self.name: str = field.name
        self._kind = simple_type(field.type)
        self._cell = cell
        self._row = 1
        self._nulls = False
        self._empties = False

    def cells(self, array: pa.Array) -> list[object]:
        import pyarrow as pa

        plain = cast_column(array, self._kind, self.name)
        refuse_years(plain, self.name, ".xlsx")
        self._nulls = self._nulls or plain.null_count > 0
        first, self._row = self._row + 1, self._row + len(plain)
        types = pa.types
        if types.is_string(self._kind):
            return [self._text(value, row) for row, value in enumerate(plain.to_pylist(), first)]
        if types.is_temporal(self._kind):
            numbers = plain.cast(pa.int32() if plain.type.bit_width == 32 else pa.int64())
            if types.is_duration(self._kind):
                texts = [
                    duration_text(number or 0, self._kind.unit) for number in numbers.to_pylist()
                ]
            else:
                texts = [
                    str(text).replace(" ", "T") for text in plain.cast(pa.string()).to_pylist()
                ]
            return [
                None if number is None else self._moment(number, text)
                for number, text in zip(numbers.to_pylist(), texts, strict=True)
            ]
        return [None if value is None else self._number(value) for value in plain.to_pylist()]

    def has_empty_texts(self) -> bool:
        if self._empties and self._nulls:
            raise PublishError(
                f"Column {self.name!r} contains both NULL and empty texts, which an Excel sheet "
                "cannot distinguish.",
                hint="Replace one of them, or publish .csv or .parquet.",
                data={"column": self.name},
            )
        return self._empties

    def _text(self, value: str | None, row: int) -> object:
        if value is None:
            return None
        if not value:
            self._empties = True
            return None
        return self._cell(_escaped(value, self.name, row))

    def _moment(self, number: int, text: str) -> object:
        moment = _moment(self._kind, number)
        return self._cell(text) if moment is None else moment

    def _number(self, value: object) -> object:
        match value:
            case bool():
                return value
            case int():
                return value if abs(value) <= _EXACT_INTEGERS else self._cell(str(value))
            case float():
                finite = value - value == 0
                return self._cell(repr(value), "n" if finite else "s")
            case Decimal():
                digits = len(value.as_tuple().digits)
                return self._cell(f"{value:f}", "n" if digits <= _EXACT_DIGITS else "s")
        return self._cell(str(value))


def _escaped(text: str, column: str, row: int) -> str:
    """Escape characters that XML or a reader would change, as Excel does: ``_x000D_``."""
    found = _ESCAPED.sub(_escape, text)
    if len(found.encode("utf-16-le")) // 2 > _CELL_CHARACTERS:
        raise PublishError(
            f"Column {column!r} contains a text of {len(text):,} characters in row {row:,} of the "
            f"sheet; an Excel cell can contain {_CELL_CHARACTERS:,}.",
            hint="Shorten it, or publish a .csv or .parquet.",
            data={"column": column, "row": row},
        )
    return found


def _escape(match: re.Match[str]) -> str:
    text = match[0]
    return f"_x005F{text}" if len(text) > 1 else f"_x{ord(text):04X}_"


def _moment(kind: pa.DataType, number: int) -> object:
    """Return the value as Excel's date or time; None if that is not exact."""
    import pyarrow as pa

    types = pa.types
    if types.is_duration(kind) or getattr(kind, "tz", None):
        return None
    if types.is_date32(kind):
        return date(1970, 1, 1) + timedelta(days=number) if number * _DAY_S >= _FIRST else None
    units = 1000 if types.is_date64(kind) else PER_SECOND[kind.unit]
    milliseconds, rest = divmod(number * 1000, units)
    if rest:
        return None
    span = timedelta(milliseconds=milliseconds)
    if types.is_time(kind):
        return (datetime(1970, 1, 1, tzinfo=UTC) + span).time()
    if milliseconds < _FIRST * 1000:
        return None
    return datetime(1970, 1, 1) + span  # noqa: DTZ001 - a sheet has no timezone


def read_excel(stream: IO[bytes], layout: FileLayout, rows: int) -> pa.RecordBatchReader:
    """Read the output of `write_excel` with exactly its types.

    Args:
        rows: Number of rows; trailing rows without values are not in the sheet.
    """
    import pyarrow as pa
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_filelike(stream).get_sheet_by_index(0)
    found = sheet.to_python(skip_empty_area=False)[1:]
    arrays = []
    for place, field in enumerate(layout.schema):
        read = _reader(simple_type(field.type), empty=field.name in layout.empty_texts)
        values = [read(value) for value in _cells(found, place, rows)]
        arrays.append(pa.array(values, _carrier(simple_type(field.type))))
    return pa.RecordBatchReader.from_batches(layout.schema, restored(arrays, layout))


def _cells(found: list[list[Any]], place: int, rows: int) -> Iterator[object]:
    for row in range(rows):
        yield found[row][place] if row < len(found) and place < len(found[row]) else ""


def _moment_text(cell: object, unit: str) -> str:
    """Format the value of a cell with the digits of its unit, for Arrow to parse."""
    if isinstance(cell, datetime):
        return cell.isoformat(timespec=_TIMESPECS.get(unit, "microseconds"))
    return str(cell)


def _carrier(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.string() if pa.types.is_temporal(kind) else kind


def _reader(kind: pa.DataType, *, empty: bool) -> _Cell:
    """Return the converter from a cell to a value."""
    import pyarrow as pa

    types = pa.types
    if types.is_string(kind):
        return lambda cell: str(cell) or ("" if empty else None)
    readers: list[tuple[Callable[[pa.DataType], bool], _Cell]] = [
        (types.is_integer, int),
        (types.is_floating, float),
        (types.is_decimal, lambda cell: Decimal(cell if isinstance(cell, str) else repr(cell))),
        (types.is_time, lambda cell: time_number(str(cell), kind.unit)),
        (types.is_duration, lambda cell: duration_number(cell, kind.unit)),
        (types.is_date, lambda cell: str(cell)[:10]),
        (types.is_timestamp, lambda cell: _moment_text(cell, kind.unit)),
    ]
    read = next((read for matches, read in readers if matches(kind)), bool)
    return lambda cell: None if cell == "" else read(cell)
