"""What a kernel remembers of its queries: those with a name, and what its frames were made of."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence

from jupyter_etl.model import ColumnOrigin

Origins = Mapping[str, tuple[ColumnOrigin, ...]]
"""What the columns of a frame come from, by column; absent where unknown."""


class Remembered:
    """Named queries, and the origins of frames for as long as these live."""

    def __init__(self) -> None:
        self.queries: dict[str, dict[str, str]] = {}
        self._origins: dict[int, tuple[weakref.ref[object], Origins]] = {}

    def named(self, source: str) -> dict[str, str]:
        """Return the queries of a source, by name."""
        return self.queries.setdefault(source, {})

    def keep_origins(self, frame: object, origins: Origins) -> None:
        """Note what the columns of a frame come from; a frame that cannot be followed is left out."""
        key = id(frame)

        def forget(_: object) -> None:
            self._origins.pop(key, None)

        try:
            self._origins[key] = weakref.ref(frame, forget), origins
        except TypeError:
            return

    def origins_of(self, frame: object) -> Origins:
        """Return what is known of a frame; empty for one that no query or load has made."""
        reference, origins = self._origins.get(id(frame), (None, {}))
        return origins if reference is not None and reference() is frame else {}


def whole(source: str, table: str, columns: Iterable[str]) -> Origins:
    """Return the origins of a frame that is a table as it is."""
    return {
        name: (ColumnOrigin(column=name, source=source, table=table, source_column=name),)
        for name in columns
    }


def of_output(origins: Origins, columns: Sequence[str]) -> tuple[ColumnOrigin, ...]:
    """Return the origins of what a frame is published as.

    Args:
        columns: Of the output; what the frame has lost or gained since has no origin.
    """
    return tuple(one for name in columns for one in origins.get(name, ()))
