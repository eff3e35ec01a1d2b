"""The named queries of a kernel, the origins of its frames, and cached tables of its sources."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_etl.model import ColumnOrigin, TableInfo

Origins = Mapping[str, tuple[ColumnOrigin, ...]]
"""Origins of a frame's columns, by column; a column is absent if they are unknown."""

FRESH_S = 300.0
"""Seconds after which a catalogue is read again."""

WAIT_S = 0.2
"""The longest that the Tab key waits, seconds."""

Load = Callable[[str], list[TableInfo]]
"""``load(source)``: reads the catalogue of a source, however long it takes."""


class Remembered:
    """Named queries, and the origins of frames while these exist."""

    def __init__(self) -> None:
        self.queries: dict[str, dict[str, str]] = {}
        self._origins: dict[int, tuple[weakref.ref[object], Origins]] = {}

    def named(self, source: str) -> dict[str, str]:
        """Return the queries of a source, by name."""
        return self.queries.setdefault(source, {})

    def keep_origins(self, frame: object, origins: Origins) -> None:
        """Record the origins of a frame's columns; frames without weak references are skipped."""
        key = id(frame)

        def forget(_: object) -> None:
            self._origins.pop(key, None)

        try:
            self._origins[key] = weakref.ref(frame, forget), origins
        except TypeError:
            return

    def origins_of(self, frame: object) -> Origins:
        """Return the recorded origins of a frame; empty if no query or load created it."""
        reference, origins = self._origins.get(id(frame), (None, {}))
        return origins if reference is not None and reference() is frame else {}


def whole(source: str, table: str, columns: Iterable[str]) -> Origins:
    """Return the origins of a frame that is an unchanged table."""
    return {
        name: (ColumnOrigin(column=name, source=source, table=table, source_column=name),)
        for name in columns
    }


def of_output(origins: Origins, columns: Sequence[str]) -> tuple[ColumnOrigin, ...]:
    """Return the origins of a frame's columns when it is published.

    Args:
        columns: Columns of the output; columns that were renamed or added have no origin.
    """
    return tuple(one for name in columns for one in origins.get(name, ()))


@dataclass
class _Entry:
    tables: list[TableInfo] = field(default_factory=list)
    read_at: float | None = None
    done: threading.Event = field(default_factory=threading.Event)


class KnownTables:
    """What was read of the catalogues of sources; safe to be asked by several threads.

    Args:
        wait_s: The longest that `of` waits, seconds.
        monotonic: Gives the time, seconds.
    """

    def __init__(
        self, *, wait_s: float = WAIT_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.wait_s = wait_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def of(self, source: str, load: Load) -> list[TableInfo]:
        """Return the tables of a source, as far as they are known in time.

        What is old is handed out while it is read again. A catalogue that cannot be read counts as
        empty, and is tried again when it is asked for.

        Args:
            load: Reads the catalogue; called in a thread of its own, once at a time for a source.
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
