"""Outputs and their versions."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.app.preview import Preview, preview_of
from jupyter_etl.app.reading import open_version
from jupyter_etl.app.versions import choose_version
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Publication, PublicationKind, PublicationVersion
from jupyter_etl.ports import Reading, ReadRequest, Store

if TYPE_CHECKING:
    import pyarrow as pa


class Publications:
    """List outputs, read them, follow their history."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> list[Publication]:
        """Return all publications, by name."""
        return self._store.load_publications()

    def history(self, name: str, *, draft: bool = False) -> builtins.list[PublicationVersion]:
        """Return its versions, newest first; raises `NotFound`."""
        return self._store.load_publication_versions(name, draft=draft)

    def get(self, name: str) -> Publication:
        """Return one; raises `NotFound`."""
        return self._store.load_publication(name)

    publication = get

    def reader(
        self,
        name: str,
        *,
        version: int | None = None,
        draft: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Reading:
        """Open one version for reading; raises `NotFound`, `PublishError`."""
        found = choose_version(self, name, number=version, draft=draft)
        wanted = None if columns is None else tuple(columns)
        return open_version(found, ReadRequest(columns=wanted, limit=limit))

    def read(
        self,
        name: str,
        *,
        version: int | None = None,
        draft: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> pa.Table:
        """Return the rows of one version; raises as `reader`."""
        reading = self.reader(name, version=version, draft=draft, columns=columns, limit=limit)
        return reading.batches.read_all()

    def preview(
        self, name: str, *, version: int | None = None, draft: bool = False, limit: int = 20
    ) -> Preview:
        """Return the first rows of one version; raises as `reader`."""
        return preview_of(self.reader(name, version=version, draft=draft, limit=limit), limit)

    def file(self, name: str, *, version: int | None = None, draft: bool = False) -> Path:
        """Return the path of a published file, or of a report's HTML.

        Raises:
            NotFound: As `version`.
            PublishError: It is a table, or the file is gone.
        """
        found = choose_version(self, name, number=version, draft=draft)
        if found.what.kind is PublicationKind.TABLE:
            raise PublishError(
                f"{name!r} is a table, and has no single file.",
                hint=f"jupyter etl read {name} --format parquet",
            )
        path = Path(found.what.location)
        if not path.is_file():
            raise PublishError(f"The file of {name!r} version {found.number} is gone: {path}.")
        return path
