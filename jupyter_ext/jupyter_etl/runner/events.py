"""The append-only event log of an attempt, with one JSON object per line."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import msgspec

from jupyter_etl.ports import Clock
from jupyter_etl.redaction.redactor import Redactor

_LOG = logging.getLogger(__name__)


class EventLog:
    """Writes events as they happen; a line is written completely or not at all.

    An event that cannot be written is lost, and the attempt continues.

    Args:
        path: The file; it is created with the first event.
        clock: For the ``at`` of each event.
        redactor: Removes secrets from events; None if there are none.
    """

    def __init__(self, path: Path, clock: Clock, redactor: Redactor | None = None) -> None:
        self._path = path
        self._clock = clock
        self._redactor = redactor or Redactor()
        self._lock = threading.Lock()

    def add(self, kind: str, **fields: object) -> None:
        """Append one event.

        Args:
            kind: ``started``, ``cell_started``, ``cell_finished``, ``read``, ``checks``,
                ``staged``, ``log`` or ``finished``.
            fields: JSON values, or model values.
        """
        if self._redactor.is_active:
            fields = self._redactor.redact_fields(msgspec.to_builtins(fields), but=("outcome",))
        event = {"at": self._clock.now().isoformat(), "kind": kind, **fields}
        line = msgspec.json.encode(event) + b"\n"
        with self._lock:
            try:
                self._append(line)
            except OSError as problem:
                _LOG.warning("The event %r cannot be written: %s", kind, problem)

    def _append(self, line: bytes) -> None:
        with self._path.open("ab", buffering=0) as file:
            end = file.tell()
            if file.write(line) != len(line):
                # The disk is full.
                file.truncate(end)

    def log(self, message: str) -> None:
        """Append a remark for users."""
        self.add("log", message=message)


def read_events(*paths: Path, after: int = 0) -> list[dict[str, Any]]:
    """Return the events of the files in order, starting with the event numbered ``after``.

    An incomplete last line is left for the next call.

    Args:
        paths: A missing file has no events.
        after: Number of events that the caller has already read.
    """
    lines: list[bytes] = []
    for path in paths:
        if path.exists():
            lines += path.read_bytes().split(b"\n")[:-1]
    return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines[after:]]
