"""The tables that the endpoints of a notebook read, and ``etl.lookup`` in a notebook."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import NotFound
from jupyter_etl.model import (
    Committed,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Read,
    Staged,
)
from jupyter_etl.ports import Channel, Reading, ReadRequest
from jupyter_etl.services.reading import live_version, open_staged, open_version
from jupyter_etl.services.serving.copies import copy_of
from jupyter_etl.serving.queries.copies import Copies, CopyOf, write_copy
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.queries.tables import Lookups

if TYPE_CHECKING:
    import pyarrow as pa


class EndpointTables:
    """Tables as endpoints read them once this notebook's outputs are visible.

    That is the live version, or what replaces it in this run. Interactively, the newest draft
    stands for a table without a live version.

    Args:
        channel: Of the notebook.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.folder = channel.stage_folder("lookups")
        """Folder of the serving copies."""
        self._copies = Copies(self.folder)
        self._lookups = Lookups(self.folder)
        self._reported: set[tuple[str, int]] = set()

    def names(self) -> frozenset[str]:
        """Return the names of all tables."""
        published = self._channel.publications()
        staged = self._channel.staged_outputs()
        return frozenset(
            [one.name for one in published if one.kind is PublicationKind.TABLE]
            + [one.name for one in staged if one.kind is PublicationKind.TABLE]
        )

    def schema(self, name: str) -> pa.Schema:
        """Return the Arrow schema of a table; raises `NotFound`, and reads no row."""
        with _open(self._find(name), limit=0).batches as rows:
            return rows.schema

    def copy(self, name: str, keys: Collection[str] = ()) -> CopyRef:
        """Return the serving copy of a table; it is made if there is none.

        Args:
            keys: Columns to index, if the table has them; so is its key.

        Raises:
            NotFound: There is no such table.
            EtlError: It cannot be read.
        """
        found = self._find(name)
        if isinstance(found, Staged):
            what: Staged | Committed = found
            wanted = CopyOf(name=name, number=0, content=found.folder)
        else:
            what, wanted = found.what, copy_of(found)
        columns = {column.name for column in what.columns}
        indexed = sorted(columns.intersection([*keys, *what.key]))
        path = self._copies.ensure(wanted, indexed, partial(_write, found))
        return CopyRef(wanted.number, path.name)

    def report(self, name: str) -> None:
        """Record that the live version of a table was read, if there is one."""
        found = self._find(name)
        if isinstance(found, Staged) or found.draft or (name, found.number) in self._reported:
            return
        self._reported.add((name, found.number))
        self._channel.report_read(Read(source=name, version=str(found.number)))

    def lookup(self, name: str, **key: object) -> list[dict[str, Any]]:
        """Return the rows with these values; errors as in `copy` and `Lookups.lookup`."""
        copy = self.copy(name, key)
        self.report(name)
        return self._lookups.lookup(name, copy, key)

    def _find(self, name: str) -> PublicationVersion | Staged:
        staged = next((one for one in self._channel.staged_outputs() if one.name == name), None)
        if staged is not None and staged.mode is PublishMode.REPLACE and not staged.partition_by:
            return staged
        try:
            publication = self._channel.publication(name)
        except NotFound:
            if staged is None:
                raise
            return staged
        if publication.live is None and staged is not None:
            return staged
        is_interactive = self._channel.context.id is None
        if publication.live is None and publication.draft is not None and is_interactive:
            return publication.draft
        return live_version(publication)


@lru_cache(maxsize=1)
def endpoint_tables(channel: Channel) -> EndpointTables:
    """Return the tables that `etl.lookup` and the endpoints of a notebook read."""
    return EndpointTables(channel)


def _open(found: PublicationVersion | Staged, *, limit: int | None = None) -> Reading:
    if isinstance(found, Staged):
        return open_staged(found, limit=limit)
    return open_version(found, ReadRequest(limit=limit))


def _write(found: PublicationVersion | Staged, target: Path, keys: Sequence[str]) -> None:
    with _open(found).batches as rows:
        write_copy(target, rows, keys, what=repr(found.name))
