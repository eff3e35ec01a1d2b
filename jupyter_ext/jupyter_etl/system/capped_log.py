"""A log file with a maximum size: of a longer one, the beginning and the end are kept."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jupyter_etl.language.sizes import rounded_size

LOG_BYTES = 20_000_000
"""Largest size of a log."""


class CappedLog:
    """Appends to a log, and replaces its middle by a line when it becomes too large.

    Args:
        path: The log. It is created if it does not exist, readable for its owner.
        limit: Its largest size in bytes.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, limit: int = LOG_BYTES) -> None:
        self._path = path
        self._limit = limit
        self._part = limit // 4
        self._left_out = 0
        self.descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self.descriptor).st_size

    def write(self, piece: bytes) -> None:
        """Append bytes; on a full disk they are lost."""
        with suppress(OSError):
            if self._size + len(piece) > self._limit:
                self._shorten()
            self._size += os.write(self.descriptor, piece)

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)

    def _shorten(self) -> None:
        """Replace the log by its beginning and its end, atomically for readers."""
        part, file = self._part, self.descriptor
        head, tail = os.pread(file, part, 0), os.pread(file, part, self._size - part)
        self._left_out += self._size - 2 * part
        said = (
            f"\n[etl] {rounded_size(self._left_out)} omitted; a log keeps at most "
            f"{rounded_size(self._limit)}\n"
        )
        other = self._path.with_name(f".{self._path.name}.short")
        file = os.open(other, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            size = sum(os.write(file, piece) for piece in (head, said.encode(), tail))
            other.replace(self._path)
        except OSError:
            os.close(file)
            raise
        os.close(self.descriptor)
        self.descriptor, self._size = file, size
