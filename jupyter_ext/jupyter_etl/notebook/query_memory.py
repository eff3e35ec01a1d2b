"""The named queries of a kernel, and the origins of its frames."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence

from jupyter_etl.model import ColumnOrigin

Origins = Mapping[str, tuple[ColumnOrigin, ...]]
"""Origins of a frame's columns, by column; a column is absent if they are unknown."""


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
