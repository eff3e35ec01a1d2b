"""The dialect of a CSV file: its delimiter, its header, and its escaping of quotes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from jupyter_etl.sources.csv.streams import plain_escapes

if TYPE_CHECKING:
    from _csv import Reader

    import numpy as np

BLANK_LINE = " \t\r\n\x1a"
"""Characters of blank lines; the last one is the DOS end-of-file character."""

_DELIMITERS = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\n|\r|$)', re.IGNORECASE)
_INNER_COMMA = re.compile(r"\s*[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+\s*|[^,]*\w(?:, [^,]+)+")
_SAMPLE_ROWS = 200
_LARGEST_CELL = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The dialect of a file, inferred from its head.

    Args:
        delimiter: One character.
        names: Column names as written; "" for a nameless column.
        begin: Bytes of UTF-8 before the header, or before the first row if there is no header.
        offset: Bytes of UTF-8 before the first row of data.
    """

    delimiter: str
    names: tuple[str, ...]
    begin: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A place where quotes are irregular or the number of cells differs from the header.

    Args:
        line: From 1.
        what: Description of the fault.
    """

    line: int
    what: str


def find_dialect(
    head: str, *, delimiter: str, quote: str, escape: str, header: bool, skip: int, whole: bool
) -> Dialect:
    """Find the delimiter and column names in the head of a file.

    Args:
        head: Its first characters, decoded.
        delimiter, quote, escape, header, skip: See `CsvFormat`.
        whole: Whether the head is the whole file.

    Raises:
        ValueError: There is no header line.
    """
    found = _SEP_LINE.match(head)
    start = found.end() if found else 0
    lines = io.StringIO(head[start:], newline="")
    for _ in range(skip):
        start += len(lines.readline())
    sign = delimiter or (found[1] if found else "")
    if not sign:
        sign = _delimiter(head[start:], quote, escape, whole=whole)
    taken: list[str] = []
    lines_of_names = (
        plain_escapes(line.encode(), escape, sign, quote).decode() if escape else line
        for line in _kept(head[start:], taken)
    )
    rows = (
        row
        for row in _reader(lines_of_names, sign, quote, escape)
        if len(row) > 1 or (row and taken[-1].strip(BLANK_LINE))
    )
    with _large_cells():
        row = next(rows, None)
        if row is None:
            raise ValueError("it has no line with column names")
        begin = len(head[:start].encode())
        offset = begin + len("".join(taken).encode()) if header else begin
        names = tuple(row) if header else tuple(f"f{n}" for n in range(len(row)))
        below = next(rows, []) if header else []
    if len(below) == len(names) + 1 and not below[-1]:
        # The rows end with a delimiter, the header does not.
        names = (*names, "")
    return Dialect(delimiter=sign, names=names, begin=begin, offset=offset)


def find_fault(stream: BinaryIO, dialect: Dialect, *, quote: str, escape: str) -> Fault | None:
    """Read a whole file strictly by one dialect.

    Args:
        stream: UTF-8, from its first byte.
        quote, escape: See `CsvFormat`.

    Returns:
        The first fault; None if the file is consistent.
    """
    before = stream.read(dialect.begin).count(b"\n")
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    reader = _reader(text, dialect.delimiter, quote, escape, strict=True)
    width = len(dialect.names)
    with _large_cells():
        try:
            for row in reader:
                if len(row) != width and any(cell.strip(BLANK_LINE) for cell in row):
                    line = before + reader.line_num
                    return Fault(
                        line=line, what=f"{len(row)} cell{'s' * (len(row) != 1)} instead of {width}"
                    )
        except csv.Error as problem:
            line = before + reader.line_num
            if "end of data" in str(problem):
                return Fault(line=line, what="a quote that is not closed")
            return Fault(line=line, what="text after a closing quote")
        finally:
            text.detach()
    return None


def quote_places(data: bytes | memoryview, quote: str) -> np.ndarray:
    """Return the positions of all quotes."""
    import numpy as np

    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(quote))


def are_quotes_regular(
    block: bytes | memoryview, places: np.ndarray, delimiter: str, quote: str
) -> bool:
    """Return whether quotes enclose whole cells only and are doubled inside them.

    Args:
        block: Whole rows.
        places: Positions of its quotes.
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    if len(places) % 2:
        return False
    neighbours = np.zeros(256, bool)
    neighbours[[ord(delimiter), ord(quote), ord("\n"), ord("\r")]] = True
    opening, closing = places[0::2], places[1::2]
    opening = opening[opening > 0]
    closing = closing[closing < len(data) - 1]
    return bool(neighbours[data[opening - 1]].all() and neighbours[data[closing + 1]].all())


def _delimiter(head: str, quote: str, escape: str, *, whole: bool) -> str:
    """Find the delimiter for which all rows of the head have the same number of cells."""
    rows = {sign: _sample(head, sign, quote, escape, whole=whole) for sign in _DELIMITERS}
    even = [
        sign
        for sign in _DELIMITERS
        if rows[sign] and len(rows[sign][0]) > 1 and len({len(row) for row in rows[sign]}) == 1
    ]
    if not even:
        first = {sign: len(rows[sign][0]) if rows[sign] else 0 for sign in _DELIMITERS}
        return max(_DELIMITERS, key=lambda sign: (first[sign], sign == ","))
    best = max(even, key=lambda sign: (len(rows[sign][0]), sign == ","))
    if best == ",":
        # Commas also occur in numbers and sentences; tabs and bars rarely do.
        for sign in even[1:]:
            commas = [cell for row in rows[sign] for cell in row if "," in cell]
            if sign in "\t|" or all(_INNER_COMMA.fullmatch(cell) for cell in commas):
                return sign
    return best


def _sample(head: str, sign: str, quote: str, escape: str, *, whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    with _large_cells():
        try:
            for row in _reader(io.StringIO(head, newline=""), sign, quote, escape):
                rows.append(row)
                if len(rows) > _SAMPLE_ROWS:
                    break
            else:
                # The last row of a head may be incomplete.
                rows = rows if whole else rows[:-1]
        except csv.Error:
            return []
    return [row for row in rows if _is_row(row)]


def _is_row(cells: list[str]) -> bool:
    """Return False for an empty or blank line, and for a DOS end-of-file character."""
    return len(cells) > 1 or any(not cell or cell.strip(BLANK_LINE) for cell in cells)


def _kept(text: str, taken: list[str]) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        taken.append(line)
        yield line


def _reader(
    lines: Iterator[str] | io.TextIOBase,
    delimiter: str,
    quote: str,
    escape: str,
    *,
    strict: bool = False,
) -> Reader:
    return csv.reader(
        lines, delimiter=delimiter, quotechar=quote, escapechar=escape or None, strict=strict
    )


@contextmanager
def _large_cells() -> Iterator[None]:
    """Remove the limit of Python's parser on the size of a cell."""
    limit = csv.field_size_limit(_LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
