"""Excel and OpenDocument sheets by calamine."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.csv_format import names_of
from jupyter_etl.sources.file_paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.readings import reading_of_table, refuse_twins
from jupyter_etl.sources.unions import concat
from jupyter_etl.spec.names import listed, nearest

if TYPE_CHECKING:
    import pyarrow as pa
    from python_calamine import CalamineWorkbook


def read_excel(source: Source, files: FileSet, request: ReadRequest) -> Reading:
    """Read one sheet of all files of an Excel source.

    Raises:
        SourceError: A file is no workbook, the sheet is not there, or a column mixes types.
    """
    what = f"Source '{source.name}'"
    table = concat(
        what, [(file.name, _sheet(source, files, file, request.table)) for file in files.files]
    )
    return reading_of_table(
        table,
        what=what,
        columns=request.columns,
        limit=request.limit,
        version=files.fingerprint(),
    )


def sheet_names(source: Source, files: FileSet) -> list[str]:
    """Return the sheets of the first file, or [""] where the source is one sheet."""
    if source.options.get("sheet"):
        return [""]
    names = _workbook(source, files, files.files[0]).sheet_names
    return list(names) if len(names) > 1 else [""]


def _sheet(source: Source, files: FileSet, file: SourceFile, table: str) -> pa.Table:
    book = _workbook(source, files, file)
    wanted = table or source.options.get("sheet", "")
    if not wanted and len(book.sheet_names) == 1:
        wanted = book.sheet_names[0]
    if wanted not in book.sheet_names:
        said = f"no sheet '{wanted}'" if wanted else "several sheets"
        raise SourceError(
            f"Source '{source.name}': {file.name} has {said}; its sheets are "
            f"{listed(book.sheet_names)}.",
            hint=nearest(wanted, book.sheet_names).strip()
            or f"Load {source.name}.{book.sheet_names[0]}, or declare the option sheet=.",
            retryable=False,
            data={"tables": list(book.sheet_names)},
        )
    sheet = book.get_sheet_by_name(wanted)
    what = f"Source '{source.name}', {file.name}, sheet '{wanted}'"
    return _table(source, what, sheet.to_python(), above=sheet.start[0] if sheet.start else 0)


def _workbook(source: Source, files: FileSet, file: SourceFile) -> CalamineWorkbook:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    with reading(source, file.name), open_file(files, file) as stream:
        content = io.BytesIO(stream.read())
    try:
        return CalamineWorkbook.from_filelike(content)
    except PasswordError as problem:
        raise SourceError(
            f"Source '{source.name}': {file.name} is protected by a password.",
            hint="Save a copy without one.",
            retryable=False,
        ) from problem
    except CalamineError as problem:
        raise SourceError(
            f"Source '{source.name}': {file.name} is no complete workbook: {problem}",
            hint="It may be cut off; otherwise save it again as .xlsx.",
        ) from problem


def _table(source: Source, what: str, rows: Sequence[Sequence[object]], *, above: int) -> pa.Table:
    import pyarrow as pa

    if not rows:
        raise SourceError(f"{what} is empty.", hint="Name a sheet with rows.", retryable=False)
    names = [str(cell).strip() or f"column_{n}" for n, cell in enumerate(rows[0], 1)]
    refuse_twins(what, names)
    missing = {"", *(source.options["null"].split(",") if "null" in source.options else [])}
    text = names_of(source.options.get("text", ""))
    columns = {}
    for position, name in enumerate(names):
        cells = [
            None if row[position] is None or row[position] in missing else row[position]
            for row in rows[1:]
        ]
        columns[name] = _column(what, name, cells, above=above, as_text=name in text)
    return pa.table(columns)


def _column(what: str, name: str, cells: list[object], *, above: int, as_text: bool) -> pa.Array:
    import pyarrow as pa

    if as_text:
        return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if kinds == {"dates", "dates with times"}:
        kinds = {"dates with times"}
        cells = [_instant(cell) for cell in cells]
    if len(kinds) > 1:
        row, odd = _odd(cells)
        raise SourceError(
            f"{what}: column '{name}' mixes {listed(sorted(kinds))}; row {row + above} has {odd!r}.",
            hint=f"Declare the option null={odd} if that means missing, or text={name}.",
            retryable=False,
            data={"column": name},
        )
    if kinds == {"numbers"}:
        return _numbers(cells)
    return pa.array(cells)


def _numbers(cells: list[object]) -> pa.Array:
    """Make integers of a column in which no number has a fraction; Excel knows only doubles."""
    import pyarrow as pa

    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    if all(abs(number) < 2**53 and number == int(number) for number in numbers):
        return pa.array(
            [int(cell) if isinstance(cell, int | float) else None for cell in cells], pa.int64()
        )
    return pa.array(cells, pa.float64())


def _odd(cells: list[object]) -> tuple[int, object]:
    """Return the first cell of the rarest kind, and its row as the sheet counts them."""
    counts: dict[str, int] = {}
    for cell in cells:
        if cell is not None:
            counts[_kind(cell)] = counts.get(_kind(cell), 0) + 1
    rare = min(counts, key=lambda kind: counts[kind])
    return next(
        (n, cell) for n, cell in enumerate(cells, 2) if cell is not None and _kind(cell) == rare
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
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    return str(cell)
