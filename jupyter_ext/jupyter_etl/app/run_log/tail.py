"""The end of a file that grows, read piece by piece."""

from __future__ import annotations

from pathlib import Path


class TailReader:
    """Reads what was appended to a file since the last call, and never more than a limit at once.

    Args:
        path: The file; it need not exist yet.
        limit: Bytes. Of a longer addition only the end is read.

    Attributes:
        skipped: Bytes that were left out so far.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.skipped = 0
        self._path = path
        self._limit = limit
        self._offset = 0

    def lines(self, *, rest: bool = False) -> list[str]:
        """Return the new lines, without their ends.

        Args:
            rest: Return also a last line that has no end yet.
        """
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                begin = max(self._offset, size - self._limit)
                file.seek(begin)
                data = file.read(size - begin)
        except OSError:
            # It does not exist yet, or was deleted.
            return []
        if begin > self._offset:
            # The first line is one that was cut.
            cut = data.find(b"\n") + 1
            begin, data = begin + cut, data[cut:]
            self.skipped += begin - self._offset
        if not rest:
            data = data[: data.rfind(b"\n") + 1]
        self._offset = begin + len(data)
        if not data:
            return []
        return data.removesuffix(b"\n").decode("utf-8", errors="replace").split("\n")
