"""Tables and columns of sources for completion, read in the background and cached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_etl.model import TableInfo

FRESH_S = 300.0
"""Seconds after which a catalogue is read again."""

WAIT_S = 0.2
"""Maximum seconds that tab completion waits."""

Load = Callable[[str], list[TableInfo]]
"""``load(source)`` reads the catalogue of a source, which may take long."""


@dataclass
class _Entry:
    tables: list[TableInfo] = field(default_factory=list)
    read_at: float | None = None
    done: threading.Event = field(default_factory=threading.Event)


class KnownTables:
    """A thread-safe cache of the tables of sources.

    Args:
        wait_s: Maximum seconds that `of` waits.
        monotonic: Returns monotonic seconds.
    """

    def __init__(
        self, *, wait_s: float = WAIT_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.wait_s = wait_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def of(self, source: str, load: Load) -> list[TableInfo]:
        """Return the tables of a source, as far as they are available in time.

        Stale entries are returned while they are refreshed. A catalogue that cannot be read counts
        as empty and is read again on the next call.

        Args:
            load: Reads the catalogue; called in a separate thread, once at a time for each source.
        """
        with self._lock:
            entry = self._entries.setdefault(source, _Entry())
            fresh = entry.read_at is not None and self._monotonic() - entry.read_at < FRESH_S
            if fresh and entry.done.is_set():
                return entry.tables
            if not fresh:
                entry.read_at = self._monotonic()
                entry.done.clear()
                threading.Thread(
                    target=self._read, args=(source, load, entry), name="etl-tables", daemon=True
                ).start()
        if not entry.tables:
            entry.done.wait(self.wait_s)
        return entry.tables

    def _read(self, source: str, load: Load, entry: _Entry) -> None:
        try:
            entry.tables = load(source)
        except Exception:  # noqa: BLE001 - a completion offers less; it never disturbs
            entry.tables, entry.read_at = [], None
        finally:
            entry.done.set()
