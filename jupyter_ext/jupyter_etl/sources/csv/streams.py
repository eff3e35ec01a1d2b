"""Streams composed of byte pieces: CSV files with parts removed or rewritten."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE = 1 << 20


def stream_of(pieces: Iterator[bytes]) -> BinaryIO:
    """Return a stream of the bytes of some pieces."""
    return io.BufferedReader(_Joined(pieces), _PIECE)


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream in pieces."""
    while piece := stream.read(_PIECE):
        yield piece


def read_into(stream: BinaryIO, space: memoryview) -> int:
    """Read bytes into a buffer; return how many, 0 at the end of the stream."""
    if hasattr(stream, "readinto"):
        return int(stream.readinto(space))
    piece = stream.read(len(space))
    space[: len(piece)] = piece
    return len(piece)


def without_last_lines(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Remove lines at the end; empty lines after them are removed too and do not count.

    Args:
        pieces: Text with ASCII line ends.
        count: Number of lines, at least one.
    """
    held = b""
    for piece in pieces:
        held += piece
        lines = held.splitlines(keepends=True)
        filled = [number for number, line in enumerate(lines) if line.strip()]
        if len(filled) > count:
            # The preceding line is kept back too: empty lines of the footer may follow it.
            kept = filled[-count - 1]
            yield b"".join(lines[:kept])
            held = b"".join(lines[kept:])
    lines = held.splitlines(keepends=True)
    filled = [number for number, line in enumerate(lines) if line.strip()]
    yield b"".join(lines[: filled[-count]] if len(filled) >= count else [])


def with_plain_escapes(
    pieces: Iterator[bytes], escape: str, *, delimiter: str, quote: str
) -> Iterator[bytes]:
    r"""Double escapes before a character that needs none, as in ``C:\new``.

    Parsers remove every escape. These are part of the text: ``\N`` is a missing value in files of
    MySQL.

    Args:
        escape, delimiter, quote: One ASCII character each.
    """
    held = b""
    for piece in pieces:
        data = held + piece
        last = len(data) - len(data.rstrip(escape.encode()))
        held = data[-1:] if last % 2 else b""
        yield plain_escapes(data[: len(data) - len(held)], escape, delimiter, quote)
    yield held


def plain_escapes(data: bytes, escape: str, delimiter: str, quote: str) -> bytes:
    """Apply `with_plain_escapes` to text that does not end in the middle of an escape."""
    special = re.escape(f"{escape}{delimiter}{quote}\r\n".encode())
    sign = re.escape(escape.encode())
    return re.sub(
        rb"(%b[%b])|%b" % (sign, special, sign), lambda found: found[1] or found[0] * 2, data
    )


def with_first_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Double a byte order mark at the start, of which parsers remove one."""
    first = next(pieces, b"")
    yield codecs.BOM_UTF8 + first if first.startswith(codecs.BOM_UTF8) else first
    yield from pieces


class _Joined(io.RawIOBase):
    """A stream of the bytes of some pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(view), len(self._rest))
        view[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
