"""Workbooks in the binary forms of Excel, written record by record."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

Rows = list[list[object]]
"""Texts, numbers, None for an empty cell, and bytes for an error: ``b"\\x07"``.

A tuple of such bytes is the error of a formula.
"""


def xls(sheets: Mapping[str, Rows], *, bytes_at_least: int = 0) -> bytes:
    """Return an .xls workbook. Source: [MS-XLS], [MS-CFB]."""
    bof = _biff(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6))
    bodies = [_xls_sheet(rows) for rows in sheets.values()]
    names = [struct.pack("<BBBB", 0, 0, len(name), 0) + name.encode("latin-1") for name in sheets]
    head = len(bof) + sum(4 + 4 + len(name) for name in names) + 4
    globals_, at = bof, head
    for name, body in zip(names, bodies, strict=True):
        globals_ += _biff(0x0085, struct.pack("<I", at) + name)
        at += len(body)
    book = globals_ + _biff(0x000A, b"") + b"".join(bodies)
    return _compound(book.ljust(bytes_at_least, b"\0"))


def _xls_sheet(rows: Rows) -> bytes:
    made = _biff(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6))
    width = max(len(row) for row in rows)
    made += _biff(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            place = struct.pack("<HHH", r, c, 0)
            if isinstance(cell, bytes):
                made += _biff(0x0205, place + cell + b"\x01")
            elif isinstance(cell, tuple):
                value = b"\x02\x00" + cell[0] + b"\0\0\0\xff\xff"
                made += _biff(0x0006, place + value + struct.pack("<HIH", 0, 0, 0))
            elif isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 0) + cell.encode("latin-1")
                made += _biff(0x0204, place + text)
            elif cell is not None:
                made += _biff(0x0203, place + struct.pack("<d", cell))
    return made + _biff(0x000A, b"")


def _biff(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _compound(stream: bytes) -> bytes:
    """Write a stream named Workbook into a compound file, as a small stream if it is small."""
    small = len(stream) < 4096
    data = stream.ljust(-(-len(stream) // 512) * 512, b"\0")
    sectors = len(data) // 512
    minis = -(-len(stream) // 64)
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    chain = [*range(4, 3 + sectors), end]
    # Sector 0 is the table, 1 the folder, 2 the table of small streams, 3 and more the data.
    table = [0xFFFFFFFD, end, end, *chain]
    fat = struct.pack("<128I", *table, *[free] * (128 - len(table)))
    mini = struct.pack("<128I", *range(1, minis), end, *[free] * (128 - minis)) if small else b""
    root = _entry("Root Entry", 5, 1, 3 if small else end, minis * 64 if small else 0)
    book = _entry("Workbook", 2, free, 0 if small else 3, len(stream))
    folder = (root + book).ljust(512, b"\0")
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 2 if small else end, int(small), end, 0)
    head += struct.pack("<109I", 0, *[free] * 108)
    return head + fat + folder + mini.ljust(512, b"\xff") + data


def _entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
    wide = name.encode("utf-16-le")
    none = 0xFFFFFFFF
    made = wide.ljust(64, b"\0") + struct.pack("<HBB", len(wide) + 2, kind, 1)
    made += struct.pack("<III", none, none, child) + bytes(36)
    return made + struct.pack("<IQ", first, size)


def xlsb(sheets: Mapping[str, Rows]) -> bytes:
    """Return an .xlsb workbook. Source: [MS-XLSB]."""
    book = _record(131, b"") + _record(143, b"")
    links = ""
    parts = {}
    for number, (name, rows) in enumerate(sheets.items(), 1):
        body = struct.pack("<II", 0, number) + _wide(f"rId{number}") + _wide(name)
        book += _record(156, body)
        links += (
            f'<Relationship Id="rId{number}" Type="http://schemas.openxmlformats.org/officeDocument/'
            f'2006/relationships/worksheet" Target="worksheets/sheet{number}.bin"/>'
        )
        parts[f"xl/worksheets/sheet{number}.bin"] = _xlsb_sheet(rows)
    parts["xl/workbook.bin"] = book + _record(144, b"") + _record(132, b"")
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts["xl/_rels/workbook.bin.rels"] = (
        f'<?xml version="1.0"?><Relationships xmlns="{space}">{links}</Relationships>'.encode()
    )
    parts["[Content_Types].xml"] = b"<Types/>"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in parts.items():
            archive.writestr(path, content)
    return made.getvalue()


def _xlsb_sheet(rows: Rows) -> bytes:
    width = max(len(row) for row in rows)
    made = _record(129, b"")
    made += _record(148, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1)) + _record(145, b"")
    for r, row in enumerate(rows):
        made += _record(0, struct.pack("<I", r) + bytes(21))
        for c, cell in enumerate(row):
            place = struct.pack("<II", c, 0)
            if isinstance(cell, bytes):
                made += _record(3, place + cell)
            elif isinstance(cell, tuple):
                made += _record(11, place + cell[0] + bytes(10))
            elif isinstance(cell, str):
                made += _record(6, place + _wide(cell))
            elif cell is not None:
                made += _record(5, place + struct.pack("<d", cell))
    return made + _record(146, b"") + _record(130, b"")


def _record(kind: int, body: bytes) -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(body), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return number + length + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")
