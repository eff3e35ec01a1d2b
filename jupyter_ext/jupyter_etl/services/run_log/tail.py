"""Incremental reads of a growing file."""

from __future__ import annotations

import os
from pathlib import Path


class TailReader:
    """Reads what was appended to a file since the last call, up to a limit.

    Args:
        path: The file; it need not exist yet.
        limit: Bytes. If more was appended, only the end is read.

    A file that was replaced or truncated is read from its start.

    Attributes:
        skipped: Number of bytes skipped so far.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.skipped = 0
        self._path = path
        self._limit = limit
        self._offset = 0
        self._inode = 0

    def lines(self, *, rest: bool = False) -> list[str]:
        """Return the new lines, without their line ends.

        Args:
            rest: Whether to include a last line without a line end.
        """
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                size = found.st_size
                if found.st_ino != self._inode or size < self._offset:
                    self._inode, self._offset = found.st_ino, 0
                begin = max(self._offset, size - self._limit)
                file.seek(begin)
                data = file.read(size - begin)
        except OSError:
            # It does not exist yet, or has been deleted.
            return []
        if begin > self._offset:
            # The first line is incomplete.
            cut = data.find(b"\n") + 1
            begin, data = begin + cut, data[cut:]
            self.skipped += begin - self._offset
        if not rest:
            data = data[: data.rfind(b"\n") + 1]
        self._offset = begin + len(data)
        if not data:
            return []
        return data.removesuffix(b"\n").decode("utf-8", errors="replace").split("\n")
