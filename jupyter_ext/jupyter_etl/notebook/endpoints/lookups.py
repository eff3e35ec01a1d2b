"""``etl.lookup`` in a notebook: rows of published tables by key, from serving copies."""

from __future__ import annotations

from typing import Any

from jupyter_etl.model import Read
from jupyter_etl.ports import Channel
from jupyter_etl.services.reading import live_version
from jupyter_etl.services.serving.copies import ServingCopies
from jupyter_etl.serving.queries.tables import Lookups


class NotebookLookups:
    """Looks rows up in the live versions; copies of these are made at the first lookup.

    Args:
        channel: Of the notebook.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        folder = channel.stage_folder("lookups")
        self._copies = ServingCopies(folder)
        self._lookups = Lookups(folder)
        self._read: set[tuple[str, int]] = set()

    def lookup(self, name: str, **key: object) -> list[dict[str, Any]]:
        """Return the rows with these values; errors as in `Lookups.lookup`."""
        version = live_version(self._channel.publication(name))
        columns = {column.name for column in version.what.columns}
        copy = self._copies.ensure(version, sorted(columns.intersection(key)))
        if (name, version.number) not in self._read:
            self._read.add((name, version.number))
            self._channel.report_read(Read(source=name, version=str(version.number)))
        return self._lookups.lookup(name, copy, key)

    def close(self) -> None:
        """End the process that makes copies."""
        self._copies.close()
