"""Excel and OpenDocument sheets by calamine."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.files.excel_format import SheetFormat, parse_sheet_format
from jupyter_etl.sources.files.unions import concat_files
from jupyter_etl.sources.files.workbook_cells import UNCALCULATED, cell_name, correct, odd_cells
from jupyter_etl.sources.locations.paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.readings import reading_of_table, refuse_twins
from jupyter_etl.sources.text.declared_types import cast_exactly, parse_declared_types

if TYPE_CHECKING:
    import pyarrow as pa
    from python_calamine import CalamineWorkbook

_EXACT_INTEGERS = 2.0**53
"""From this value on, not every integer is exact as a double."""


def read_excel(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read one sheet of all files of an Excel source.

    Raises:
        SourceError: A file is not a workbook, the sheet does not exist, a cell contains an error, or a
            column mixes types.
    """
    sheets = [_sheet(source, files, file, request.table) for file in files.files]
    table = concat_files(source, files, [(sheet.name, _table(source, sheet)) for sheet in sheets])
    found = reading_of_table(
        table,
        what=f"Source '{source.name}'",
        columns=request.columns,
        limit=request.limit,
        version=files.fingerprint(),
    )
    return replace(found, notes=tuple(dict.fromkeys(note for s in sheets for note in s.notes)))


def sheet_tables(source: Source, files: FileSet) -> list[TableInfo]:
    """List the visible sheets of the first file, or one table if the source is a single sheet."""
    book, _ = _workbook(source, files, files.files[0])
    if parse_sheet_format(source.options).sheet:
        return [TableInfo(name="")]
    names, notes = _visible(book), _hidden(book)
    return [TableInfo(name=name if len(names) > 1 else "", notes=notes) for name in names]


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """The cells of one sheet.

    Args:
        name: Name of the workbook.
        what: Subject of messages.
        rows: Values from calamine, with large integers as they are written.
        errors: See `OddCells`, by position in ``rows``.
        start: Row and column of the first cell, from 0.
        layout: Layout options of the source.
        notes: Sentences about skipped sheets.
    """

    name: str
    what: str
    rows: Sequence[Sequence[object]]
    errors: Mapping[tuple[int, int], str]
    start: tuple[int, int]
    layout: SheetFormat
    notes: tuple[str, ...]


def _sheet(source: Source, files: FileSet, file: SourceFile, table: str) -> _Sheet:
    from python_calamine import CalamineError

    book, content = _workbook(source, files, file)
    layout = parse_sheet_format(source.options)
    wanted = table or layout.sheet
    notes: tuple[str, ...] = ()
    if not wanted and len(_visible(book)) == 1:
        wanted, notes = _visible(book)[0], _hidden(book)
    _refuse_other_sheet(source, file, book, wanted)
    what = f"Source '{source.name}', {file.name}, sheet '{wanted}'"
    try:
        sheet = book.get_sheet_by_name(wanted)
        rows: list[list[Any]] = sheet.to_python()
        top, left = sheet.start or (0, 0)
        large = any(
            type(cell) is float and abs(cell) >= _EXACT_INTEGERS for row in rows for cell in row
        )
        times = any(type(cell) is time for row in rows for cell in row)
        odd = odd_cells(content, wanted, large=large, times=times)
    except (CalamineError, ParseError, ValueError) as problem:
        raise SourceError(
            f"{what} cannot be read: {problem}", hint="Save the workbook again as .xlsx."
        ) from problem
    # calamine omits the rows above the first cell.
    dropped = min(max(0, layout.skip - top), len(rows))
    rows, top = rows[dropped:], top + dropped
    correct(rows, odd, (top, left))
    errors = {
        (row - top, column - left): text
        for (row, column), text in odd.errors.items()
        if 0 <= row - top < len(rows) and 0 <= column - left < len(rows[0])
    }
    return _Sheet(
        name=file.name,
        what=what,
        rows=rows,
        errors=errors,
        start=(top, left),
        layout=layout,
        notes=notes,
    )


def _visible(book: CalamineWorkbook) -> list[str]:
    """Return the visible sheets with cells; all sheets if none is visible."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    seen = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    return seen or list(book.sheet_names)


def _hidden(book: CalamineWorkbook) -> tuple[str, ...]:
    others = [name for name in book.sheet_names if name not in _visible(book)]
    if not others:
        return ()
    noun = "sheet" if len(others) == 1 else "sheets"
    return (f"Skipped {len(others)} hidden or chart {noun}: {listed(others, limit=8)}.",)


def _refuse_other_sheet(
    source: Source, file: SourceFile, book: CalamineWorkbook, wanted: str
) -> None:
    from python_calamine import SheetTypeEnum

    if wanted not in book.sheet_names:
        visible = _visible(book)
        fault = f"no sheet '{wanted}'" if wanted else "several sheets"
        raise SourceError(
            f"Source '{source.name}': {file.name} has {fault}; its sheets are {listed(visible)}.",
            hint=nearest(wanted, book.sheet_names).strip()
            or f"Load {source.name}.{visible[0]}, or declare the option sheet=.",
            retryable=False,
            data={"tables": visible},
        )
    if any(
        one.name == wanted and one.typ != SheetTypeEnum.WorkSheet for one in book.sheets_metadata
    ):
        raise SourceError(
            f"Source '{source.name}': the sheet '{wanted}' of {file.name} is a chart or a macro, "
            "which has no cells.",
            hint=f"Sheets with cells are {listed(_visible(book))}.",
            retryable=False,
        )


def _workbook(
    source: Source, files: FileSet, file: SourceFile
) -> tuple[CalamineWorkbook, io.BytesIO]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    with (
        reading(source, file.name),
        open_file(files, file, workbook=True) as stream,
    ):
        content = io.BytesIO(stream.read())
    try:
        return CalamineWorkbook.from_filelike(content), content
    except PasswordError as problem:
        raise SourceError(
            f"Source '{source.name}': {file.name} is protected by a password.",
            hint="Save a copy without one.",
            retryable=False,
        ) from problem
    except CalamineError as problem:
        raise SourceError(
            f"Source '{source.name}': {file.name} is not a complete workbook: {problem}",
            hint="It may be cut off; otherwise save it again as .xlsx.",
        ) from problem


def _table(source: Source, sheet: _Sheet) -> pa.Table:
    import pyarrow as pa

    rows, layout = sheet.rows, sheet.layout
    if not rows:
        raise SourceError(
            f"{sheet.what} is empty{f' below row {layout.skip}' if layout.skip else ''}.",
            hint="Name a sheet with rows.",
            retryable=False,
        )
    head = rows[0] if layout.header else [""] * len(rows[0])
    names = [_text(cell).strip() or f"column_{n}" for n, cell in enumerate(head, 1)]
    refuse_twins(sheet.what, names)
    declared = parse_declared_types(source.options)
    first = 1 if layout.header else 0
    errors = _errors_by_column(sheet, names, declared)
    columns = {}
    for position, name in enumerate(names):
        cells = [row[position] for row in rows[first:]]
        for row, text in errors.get(position, {}).items():
            cells[row - first] = text
        missing = {"", None} if not layout.null else {"", None, *layout.null}
        cells = [
            None if cell in missing or (layout.null and _text(cell) in layout.null) else cell
            for cell in cells
        ]
        column = _Column(
            what=sheet.what, name=name, cells=cells, first_row=sheet.start[0] + first + 1
        )
        columns[name] = column.array(declared.get(name))
    return pa.table(columns)


def _errors_by_column(
    sheet: _Sheet, names: Sequence[str], declared: Mapping[str, pa.DataType]
) -> dict[int, dict[int, str]]:
    """Return the texts of error cells that the options read as missing or as text.

    Raises:
        SourceError: There is another error cell.
    """
    import pyarrow as pa

    found: dict[int, dict[int, str]] = {}
    for (row, column), text in sorted(sheet.errors.items()):
        as_text = declared.get(names[column]) == pa.string()
        in_header = sheet.layout.header and row == 0
        if text != UNCALCULATED and not in_header and (text in sheet.layout.null or as_text):
            found.setdefault(column, {})[row] = text
            continue
        place = cell_name(row + sheet.start[0], column + sheet.start[1])
        of = "the header" if in_header else f"column '{names[column]}'"
        if text == UNCALCULATED:
            raise SourceError(
                f"{sheet.what}: cell {place} ({of}) contains a formula whose value is not in the "
                "file.",
                hint="A program wrote the workbook. Open it in Excel or LibreOffice and save it.",
                retryable=False,
                data={"column": names[column], "cell": place},
            )
        every = sorted({error for error in sheet.errors.values() if error != UNCALCULATED})
        raise SourceError(
            f"{sheet.what}: cell {place} ({of}) contains the error {text}.",
            hint=f"Repair the cell; if it means a missing value: --option null={','.join(every)}.",
            retryable=False,
            data={"column": names[column], "cell": place},
        )
    return found


@dataclass(frozen=True, kw_only=True)
class _Column:
    """One column of a sheet.

    Args:
        what: Subject of messages.
        name: Name of the column.
        cells: Values; None if missing.
        first_row: Row of the first cell, as the sheet counts them.
    """

    what: str
    name: str
    cells: Sequence[object]
    first_row: int

    def array(self, declared: pa.DataType | None) -> pa.ChunkedArray | pa.Array:
        """Return the cells in the declared type, or in the type of their values."""
        import pyarrow as pa

        kinds = {_kind(cell) for cell in self.cells if cell is not None}
        if declared is None:
            return self._natural(kinds)
        if declared == pa.string() or len(kinds) > 1:
            texts = [None if cell is None else _text(cell) for cell in self.cells]
            made = pa.array(texts, pa.string())
        else:
            made = self._natural(kinds)
        return cast_exactly(
            pa.chunked_array([made]),
            declared,
            what=self.what,
            column=self.name,
            first_row=self.first_row,
        )

    def _natural(self, kinds: set[str]) -> pa.Array:
        import pyarrow as pa

        cells = self.cells
        if kinds == {"dates", "dates with times"}:
            kinds = {"dates with times"}
            cells = [_instant(cell) for cell in cells]
        if len(kinds) > 1:
            place, odd = _odd(cells)
            raise SourceError(
                f"{self.what}: column '{self.name}' mixes {listed(sorted(kinds))}; "
                f"row {place + self.first_row} has {odd!r}.",
                hint=f"Declare the option null={_text(odd)} if that means missing, or "
                f"text={self.name}.",
                retryable=False,
                data={"column": self.name},
            )
        return self._numbers() if kinds == {"numbers"} else pa.array(cells)

    def _numbers(self) -> pa.Array:
        """Convert a column without fractions to integers; Excel has only doubles."""
        import pyarrow as pa

        numbers = [cell for cell in self.cells if isinstance(cell, int | float)]
        if all(
            isinstance(number, int) or (abs(number) < _EXACT_INTEGERS and number == int(number))
            for number in numbers
        ) and all(-(2**63) <= number < 2**63 for number in numbers):
            return pa.array(
                [int(cell) if isinstance(cell, int | float) else None for cell in self.cells],
                pa.int64(),
            )
        for row, cell in enumerate(self.cells, self.first_row):
            if isinstance(cell, int) and int(float(cell)) != cell:
                raise SourceError(
                    f"{self.what}: column '{self.name}' has {cell} in row {row}, which a double cannot "
                    "represent exactly, among numbers with a fraction or larger ones.",
                    hint=f"Declare the option text={self.name}.",
                    retryable=False,
                    data={"column": self.name},
                )
        return pa.array(
            [float(cell) if isinstance(cell, int | float) else None for cell in self.cells],
            pa.float64(),
        )


def _odd(cells: Sequence[object]) -> tuple[int, object]:
    """Return the first cell of the rarest kind, and its position."""
    counts: dict[str, int] = {}
    for cell in cells:
        if cell is not None:
            counts[_kind(cell)] = counts.get(_kind(cell), 0) + 1
    rare = min(counts, key=lambda kind: (counts[kind], kind != "text"))
    return next(
        (n, cell) for n, cell in enumerate(cells) if cell is not None and _kind(cell) == rare
    )


def _kind(cell: object) -> str:
    if isinstance(cell, bool):
        return "true and false"
    if isinstance(cell, datetime):
        return "dates with times"
    names: dict[type, str] = {date: "dates", time: "times", timedelta: "durations", str: "text"}
    return names.get(type(cell), "numbers")


def _instant(cell: object) -> object:
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - a sheet has no timezone
    return cell


def _text(cell: object) -> str:
    """Convert a cell to text; an integer has no decimal point."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)
