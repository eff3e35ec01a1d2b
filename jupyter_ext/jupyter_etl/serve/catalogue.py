"""What the service needs of the platform: to look up and to open publications, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from jupyter_etl.model import Publication, PublicationVersion
from jupyter_etl.ports import Reading


class Publications(Protocol):
    """Looks up and opens publications; each method but `list` raises `NotFound`."""

    def list(self) -> list[Publication]:
        """Return all, by name."""
        ...

    def get(self, name: str) -> Publication:
        """Return one."""
        ...

    def history(self, name: str, *, draft: bool = False) -> Sequence[PublicationVersion]:
        """Return its versions, newest first."""
        ...

    def reader(
        self,
        name: str,
        *,
        version: int | None = None,
        draft: bool = False,
        columns: tuple[str, ...] | None = None,
        limit: int | None = None,
    ) -> Reading:
        """Open its rows."""
        ...

    def file(self, name: str, *, version: int | None = None, draft: bool = False) -> Path:
        """Return the path of a file, or of a report's page."""
        ...


class Catalogue(Protocol):
    """Holds the publications."""

    @property
    def publications(self) -> Publications:
        """Return the way to them."""
        ...
