"""Cells that calamine returns as empty or rounded: errors, formulas, large integers."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time
from posixpath import join, normpath
from typing import IO, Any, BinaryIO
from xml.etree import ElementTree

from jupyter_etl.sources.files.workbook_binaries import errors_of_xls, errors_of_xlsb

UNCALCULATED = ""
"""Marks a formula without a stored value."""

NEGATIVE_TIME = "########"
"""Excel's display of a negative date or time."""

_PREFIX = rb"(?:\w+:)?"
_UNCALCULATED = re.compile(
    rb"(?:</%(p)sf>|<%(p)sf(?:\s[^>]*)?/>)\s*(?:</%(p)sc>|<%(p)sv\s*/>|<%(p)sv>\s*</)"
    % {b"p": _PREFIX}
)
_LARGE = re.compile(rb">[+-]?\d{16,}<")
_NEGATIVE = re.compile(rb"<%(p)sv>\s*-" % {b"p": _PREFIX})
_DIGITS = re.compile(r"[+-]?\d{16,}")
_PLACE = re.compile(r"([A-Z]+)(\d+)")
_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class OddCells:
    """Cells of a sheet by row and column, both from 0.

    Args:
        errors: Displayed text of an error, such as ``#DIV/0!``; `UNCALCULATED` for a formula
            without its value.
        integers: Integers of 16 digits and more, as they are written.
        negatives: Negative numbers, which calamine converts to times after midnight.
    """

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    integers: dict[tuple[int, int], int] = field(default_factory=dict)
    negatives: set[tuple[int, int]] = field(default_factory=set)


def odd_cells(book: BinaryIO, sheet: str, *, large: bool, times: bool) -> OddCells:
    """Search a sheet for cells that calamine does not report.

    Args:
        book: A workbook. Formulas without a value are found only in .xlsx and .xlsm.
        sheet: Name of the sheet.
        large: Whether the sheet contains numbers of 2^53 and more, which calamine rounds.
        times: Whether it contains times of day; negative ones are found only in .xlsx and .xlsm.

    Raises:
        ElementTree.ParseError: Its XML is invalid.
        ValueError: Its records are invalid.
    """
    book.seek(0)
    if not zipfile.is_zipfile(book):
        book.seek(0)
        return OddCells(errors=errors_of_xls(book.read(), sheet))
    with zipfile.ZipFile(book) as archive:
        names = set(archive.namelist())
        if "content.xml" in names:
            return OddCells(errors=_errors_of_ods(archive, sheet))
        if "xl/workbook.bin" in names:
            return OddCells(errors=errors_of_xlsb(archive, sheet))
        part = _part(archive, sheet) if "xl/workbook.xml" in names else ""
        if part not in names or not _is_odd(archive, part, large=large, times=times):
            return OddCells()
        found = OddCells()
        with archive.open(part) as stream:
            for place, kind, formula, value in _cells(stream):
                if kind == "e":
                    found.errors[place] = value or "#VALUE!"
                elif formula and not value and kind != "str":
                    found.errors[place] = UNCALCULATED
                elif kind in {"", "n"} and _DIGITS.fullmatch(value):
                    found.integers[place] = int(value)
                elif kind in {"", "n"} and value.startswith("-"):
                    found.negatives.add(place)
    return found


def correct(rows: list[list[Any]], odd: OddCells, start: tuple[int, int]) -> None:
    """Restore integers as written, mark negative times, and add cells up to the last error.

    Args:
        rows: Rows from calamine, which end at the last cell with a value; modified in place.
        odd: Cells of the sheet; negative times are added to its errors.
        start: Row and column of the first cell in ``rows``, from 0.
    """
    top, left = start
    for row, column in [*odd.integers, *odd.negatives]:
        if not (0 <= row - top < len(rows) and 0 <= column - left < len(rows[0])):
            continue
        cell, integer = rows[row - top][column - left], odd.integers.get((row, column))
        if type(cell) is time and (row, column) in odd.negatives:
            odd.errors[(row, column)] = NEGATIVE_TIME
        elif integer is not None and type(cell) is float and cell == float(integer):
            rows[row - top][column - left] = integer
    if rows and odd.errors:
        height = max(row for row, _ in odd.errors) - top + 1
        width = max(len(rows[0]), max(column for _, column in odd.errors) - left + 1)
        for line in rows:
            line.extend([""] * (width - len(line)))
        rows.extend([""] * width for _ in range(height - len(rows)))


def cell_name(row: int, column: int) -> str:
    """Return the name of a cell: ``C7`` for row 6 and column 2, both from 0."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Find the file of a sheet inside the archive. Source: ECMA-376, part 1, 18.2.19."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat has limits
    relation = next(
        (
            value
            for element in book.iter()
            if _local(element.tag) == "sheet" and element.get("name") == sheet
            for name, value in element.items()
            if name.endswith("}id")
        ),
        None,
    )
    if relation is None or "xl/_rels/workbook.xml.rels" not in archive.namelist():
        return ""
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    target = next((e.get("Target", "") for e in links if e.get("Id") == relation), "")
    return target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))


def _is_odd(archive: zipfile.ZipFile, part: str, *, large: bool, times: bool) -> bool:
    """Search for candidates of `odd_cells` before the XML is parsed, which is slow."""
    before = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            text = before + chunk
            if b't="e"' in text or b"t='e'" in text or (large and _LARGE.search(text)):
                return True
            if times and _NEGATIVE.search(text):
                return True
            if (b"<f" in text or b":f" in text) and _UNCALCULATED.search(text):
                return True
            before = chunk[-_OVERLAP_BYTES:]
    return False


def _cells(stream: IO[bytes]) -> Iterator[tuple[tuple[int, int], str, bool, str]]:
    """Yield the position, type, formula flag and value of each cell of a sheet."""
    row = column = -1
    for event, element in ElementTree.iterparse(stream, ("start", "end")):  # noqa: S314
        tag = _local(element.tag)
        if event == "start":
            if tag == "row":
                row = int(element.get("r", row + 2)) - 1
                column = -1
            continue
        if tag == "c":
            # The name of a cell is optional; without it, the cell follows the previous one.
            column = _column(element.get("r", "")) if element.get("r") else column + 1
            parts = {_local(part.tag): part.text or "" for part in element}
            yield (
                (row, column),
                element.get("t", ""),
                "f" in parts,
                parts.get("v", "").strip(),
            )
        elif tag == "row":
            element.clear()


def _column(place: str) -> int:
    found = _PLACE.fullmatch(place)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _errors_of_ods(archive: zipfile.ZipFile, sheet: str) -> dict[tuple[int, int], str]:
    """Find the cells that LibreOffice marks as errors."""
    found: dict[tuple[int, int], str] = {}
    content = archive.read("content.xml")
    if b'value-type="error"' not in content:
        return found
    for table in ElementTree.fromstring(content).iter():  # noqa: S314
        if _local(table.tag) != "table" or _attribute(table, "name") != sheet:
            continue
        row = 0
        for line in (part for part in table.iter() if _local(part.tag) == "table-row"):
            column = 0
            for cell in line:
                if "error" in (v for n, v in cell.items() if _local(n) == "value-type"):
                    found[(row, column)] = "".join(cell.itertext()).strip() or "#VALUE!"
                column += int(_attribute(cell, "number-columns-repeated") or 1)
            row += int(_attribute(line, "number-rows-repeated") or 1)
    return found


def _attribute(element: ElementTree.Element, name: str) -> str:
    return next((value for key, value in element.items() if _local(key) == name), "")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
