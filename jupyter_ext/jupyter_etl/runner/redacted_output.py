"""Removes the values of secrets from streams and logs, which are written piece by piece."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.bounded_log import drain_log


class StreamRedactor:
    """Removes values from texts that arrive in pieces, even if a value is split between pieces.

    Text that may be the beginning of a value is kept back until the next piece.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept: dict[str, str] = {}

    def feed(self, name: str, text: str) -> str:
        """Return the part of a stream that can be shown now.

        Args:
            name: Name of the stream.
            text: Its next piece.
        """
        whole = self._redactor.redact(self._kept.pop(name, "") + text)
        back = self._redactor.beginning_at_end(whole)
        if not back:
            return whole
        self._kept[name] = whole[-back:]
        return whole[:-back]

    def rest(self) -> dict[str, str]:
        """Return the text that was kept back, by stream, and clear it; call this at the end."""
        kept, self._kept = self._kept, {}
        return kept


class LogCleanup:
    """Removes values from a log that a kernel's processes write to directly.

    They append to the open file, so nothing may be moved: a value is overwritten in place.

    Args:
        path: Path of the log; it need not exist.
    """

    def __init__(self, redactor: Redactor, path: Path) -> None:
        self._redactor = redactor
        self._path = path
        self._done = 0
        self._inode = 0

    def clean_up(self) -> None:
        """Clean up what has been appended since the last call."""
        if not self._redactor.is_active or not self._path.is_file():
            return
        drain_log()
        with self._path.open("r+b", buffering=0) as file:
            inode = os.fstat(file.fileno()).st_ino
            if inode != self._inode:
                # The log was replaced by a shorter one.
                self._inode, self._done = inode, 0
            # The last bytes may be the beginning of a value.
            start = max(0, self._done - self._redactor.longest_bytes)
            file.seek(start)
            content = file.read()
            for at, mark in self._redactor.spans(content):
                file.seek(start + at)
                file.write(mark)
            self._done = start + len(content)


@contextmanager
def redacted_logs(redactor: Redactor) -> Iterator[None]:
    """Remove secrets from all log records of this process during the block."""
    keep = _LogFilter(redactor)
    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(keep)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(keep)


class _LogFilter(logging.Filter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Accept a record, after removing secrets from it."""
        if self._redactor.is_active:
            record.msg, record.args = self._redactor.redact(record.getMessage()), None
            if record.exc_info:
                trace = logging.Formatter().formatException(record.exc_info)
                record.exc_text = self._redactor.redact(trace)
        return True
