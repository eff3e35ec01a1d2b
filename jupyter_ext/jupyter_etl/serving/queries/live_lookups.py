"""``etl.lookup`` in a worker: rows by key from the copies of the live versions."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_etl.errors import NotFound
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.queries.tables import Lookups

Tables = dict[str, CopyRef]
"""The copy of the live version of each table that may be looked up, by its name."""


def write_tables(path: Path, tables: Tables) -> None:
    """Replace the file that tells workers which versions are live."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(tables))
    part.replace(path)


class LiveLookups:
    """Looks rows up in the version that is live at the moment of the call.

    Args:
        folder: Folder of the serving copies.
        tables: Written by `write_tables`, and read again when it has changed.
    """

    def __init__(self, *, folder: Path, tables: Path) -> None:
        self._lookups = Lookups(folder)
        self._path = tables
        self._tables: Tables = {}
        self._changed_ns = 0

    def __call__(self, name: str, **key: object) -> list[dict[str, object]]:
        """Return the rows with these values; errors as in `Lookups.lookup`.

        Raises:
            NotFound: The table is not available to the endpoint.
        """
        changed_ns = self._path.stat().st_mtime_ns
        if changed_ns != self._changed_ns:
            self._tables = msgspec.json.decode(self._path.read_bytes(), type=Tables)
            self._changed_ns = changed_ns
        if name not in self._tables:
            raise NotFound(
                f"The table {name!r} is not available to this endpoint.",
                hint="Its name must be written as text in the function, and it must be published.",
            )
        return self._lookups.lookup(name, self._tables[name], key)
