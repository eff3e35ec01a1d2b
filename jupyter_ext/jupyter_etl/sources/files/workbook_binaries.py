"""Error cells of Excel's binary formats, which calamine returns as empty.

Source: Microsoft's [MS-XLSB], [MS-XLS] and [MS-CFB].
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
"""Error codes. Source: [MS-XLS] 2.5.10, BErr."""

_ROW, _CELL_ERROR, _FORMULA_ERROR, _SHEET = 0, 3, 11, 156
_BIFF_FORMULA, _BIFF_END, _BIFF_SHEET, _BIFF_ERROR = 0x0006, 0x000A, 0x0085, 0x0205
_END_OF_CHAIN = 0xFFFFFFFA
"""Sector numbers from this value on are markers, not sectors."""


def errors_of_xlsb(archive: zipfile.ZipFile, sheet: str) -> dict[tuple[int, int], str]:
    """Find the error cells of a sheet of an .xlsb workbook, by row and column from 0."""
    part = _part_of_xlsb(archive, sheet)
    found: dict[tuple[int, int], str] = {}
    if part not in archive.namelist():
        return found
    row = 0
    for kind, body in _records_of_xlsb(archive.read(part)):
        if kind == _ROW:
            row = int.from_bytes(body[:4], "little")
        elif kind in {_CELL_ERROR, _FORMULA_ERROR}:
            found[(row, int.from_bytes(body[:4], "little"))] = ERRORS.get(body[8], "#VALUE!")
    return found


def errors_of_xls(content: bytes, sheet: str) -> dict[tuple[int, int], str]:
    """Find the error cells of a sheet of an .xls workbook, by row and column from 0.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        book = _workbook_stream(content)
        return _errors_of_biff(book, sheet)
    except (struct.error, IndexError) as problem:
        raise ValueError(f"its records are damaged ({problem})") from problem


def _part_of_xlsb(archive: zipfile.ZipFile, sheet: str) -> str:
    relation = ""
    for kind, body in _records_of_xlsb(archive.read("xl/workbook.bin")):
        if kind == _SHEET:
            link, behind = _wide(body, 8)
            if _wide(body, behind)[0] == sheet:
                relation = link
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels"))  # noqa: S314
    target = next((e.get("Target", "") for e in links if e.get("Id") == relation), "")
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _wide(body: bytes, at: int) -> tuple[str, int]:
    end = at + 4 + 2 * int.from_bytes(body[at : at + 4], "little")
    return body[at + 4 : end].decode("utf-16-le"), end


def _records_of_xlsb(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        kind, at = _number(content, at, most=2)
        size, at = _number(content, at, most=4)
        yield kind, content[at : at + size]
        at += size


def _number(content: bytes, at: int, *, most: int) -> tuple[int, int]:
    """Read a number of 7 bits per byte; the eighth bit marks a following byte."""
    value = 0
    for position in range(most):
        byte = content[at + position]
        value |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            break
    return value, at + position + 1


def _errors_of_biff(book: bytes, sheet: str) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    start = next(
        (
            int.from_bytes(body[:4], "little")
            for kind, body in _records_of_biff(book, 0)
            if kind == _BIFF_SHEET and _sheet_name(body) == sheet
        ),
        None,
    )
    if start is None:
        return found
    for kind, body in _records_of_biff(book, start):
        row_and_column = struct.unpack_from("<HH", body) if len(body) >= 4 else (0, 0)
        if kind == _BIFF_ERROR and body[7] == 1:
            found[row_and_column] = ERRORS.get(body[6], "#VALUE!")
        elif kind == _BIFF_FORMULA and body[12:14] == b"\xff\xff" and body[6] == 2:
            found[row_and_column] = ERRORS.get(body[8], "#VALUE!")
    return found


def _sheet_name(body: bytes) -> str:
    length, wide = body[6], body[7] & 1
    name = body[8 : 8 + length * (1 + wide)]
    return name.decode("utf-16-le" if wide else "latin-1")


def _records_of_biff(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        if kind == _BIFF_END:
            return
        yield kind, book[at + 4 : at + 4 + size]
        at += 4 + size


def _workbook_stream(content: bytes) -> bytes:
    """Extract the workbook stream from its compound file."""
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    first_folder, _, cutoff, first_mini = struct.unpack_from("<IIII", content, 48)
    first_more, more = struct.unpack_from("<II", content, 68)
    tables = list(struct.unpack_from("<109I", content, 76))
    for _ in range(more):
        numbers = struct.unpack_from(f"<{size // 4}I", content, (first_more + 1) * size)
        tables += numbers[:-1]
        first_more = numbers[-1]
    following: list[int] = []
    for table in tables:
        if table < _END_OF_CHAIN:
            following += struct.unpack_from(f"<{size // 4}I", content, (table + 1) * size)

    def chained(first: int) -> bytes:
        parts: list[bytes] = []
        number = first
        while number < _END_OF_CHAIN and len(parts) <= len(following):
            parts.append(content[(number + 1) * size : (number + 2) * size])
            number = following[number]
        return b"".join(parts)

    folder = chained(first_folder)
    entries = {}
    for at in range(0, len(folder), 128):
        length = struct.unpack_from("<H", folder, at + 64)[0]
        name = folder[at : at + max(0, length - 2)].decode("utf-16-le", "replace")
        first, stream_bytes = struct.unpack_from("<II", folder, at + 116)
        entries[name.lower()] = (first, stream_bytes)
    first, stream_bytes = entries.get("workbook") or entries.get("book") or (_END_OF_CHAIN, 0)
    if stream_bytes >= cutoff:
        return chained(first)[:stream_bytes]
    small, links = chained(entries["root entry"][0]), chained(first_mini)
    parts: list[bytes] = []
    while first < _END_OF_CHAIN and len(parts) * 64 < stream_bytes:
        parts.append(small[first * 64 : first * 64 + 64])
        first = struct.unpack_from("<I", links, first * 4)[0]
    return b"".join(parts)[:stream_bytes]
