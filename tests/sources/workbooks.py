"""Workbooks that a test writes, and their XML that it changes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

ERRORS = ("#DIV/0!", "#REF!", "#N/A", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")


def saved(path: Path, *rows: list[object], change: Callable[[Worksheet], object] = id) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    book.save(path)
    return path


def edited(path: Path, old: str, new: str, part: str = "xl/worksheets/sheet1.xml") -> Path:
    """Change the XML of a sheet by a regular expression, which must match."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text, count = re.subn(old, new, parts[part].decode(), flags=re.DOTALL)
    assert count
    parts[part] = text.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return path


def error_at(place: str, error: str = "#DIV/0!") -> Callable[[Worksheet], None]:
    def change(sheet: Worksheet) -> None:
        sheet[place].value = error
        sheet[place].data_type = "e"

    return change
