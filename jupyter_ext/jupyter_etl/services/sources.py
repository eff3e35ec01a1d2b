"""The catalogue of sources."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from jupyter_etl.language.sources import parse_source
from jupyter_etl.model import Breaker, Freshness, Source, TableInfo
from jupyter_etl.ports import Access, Clock, ReadRequest, SecretResolver, Store
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.services.preview import Preview, preview_of
from jupyter_etl.services.reading import access_with, check_source, open_source, tables_of
from jupyter_etl.services.settings import Settings


class Sources:
    """Declare, list and inspect sources."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: Settings,
        secret: SecretResolver,
        redactor: Redactor | None = None,
        *,
        refuse_others: Callable[[Source, Callable[[], Iterable[Source]]], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._secret = secret
        self._redactor = redactor or Redactor()
        self._refuse_others = refuse_others

    def declare(
        self,
        name: str,
        location: str,
        *,
        base: Path,
        kind: str | None = None,
        secrets: Sequence[str] = (),
        readonly: bool = False,
        options: Mapping[str, str] | None = None,
        freshness: Freshness | None = None,
        limit: int | None = None,
        notebook: str = "",
    ) -> Source:
        """Add a source to the catalogue; nothing is opened.

        Args:
            name: Unique in the catalogue.
            location: Path, folder, glob, URL, or name of a publication.
            base: Folder that relative paths start from.
            kind: A `SourceKind`; None derives it from the location.
            readonly: Whether writes are rejected.
            freshness: Promised maximum age.
            limit: Maximum number of runs that read it at once; None means 4 for a database, no
                limit otherwise.
            notebook: Absolute path of the declaring notebook.

        Raises:
            DeclarationError: The location or an option is not valid.
            PermissionDenied: The name, or one of the secrets, belongs to another owner.
        """
        source = parse_source(
            name,
            location,
            base=base,
            kind=kind,
            secrets=tuple(secrets),
            readonly=readonly,
            options=options or {},
            freshness=freshness,
            limit=limit,
            owner=self._settings.owner,
            notebook=notebook,
        )
        check_source(source)
        self._redactor.refuse_value_in(source)
        if self._refuse_others is not None:
            self._refuse_others(source, self._store.load_sources)
        return self._store.save_source(replace(source, declared_at=self._clock.now()))

    def list(self) -> list[Source]:
        """Return all sources, by name."""
        return self._store.load_sources()

    def get(self, name: str) -> Source:
        """Return a source; raises `NotFound`."""
        return self._store.load_source(name)

    def silent(self) -> dict[str, Breaker]:
        """Return the open circuit breakers by source: runs wait for these sources to respond."""
        found = self._store.load_breakers()
        return {breaker.source: breaker for breaker in found if breaker.retry_at is not None}

    def describe(self, name: str) -> builtins.list[TableInfo]:
        """List the tables of a source; raises `NotFound`, `SourceError`."""
        with self._redactor.errors():
            source = self.get(name)
            return tables_of(source, self._access(source))

    def preview(self, name: str, table: str = "", *, limit: int = 20) -> Preview:
        """Return the first rows; raises `NotFound`, `SourceError`."""
        request = ReadRequest(table=table, limit=limit)
        with self._redactor.errors():
            source = self.get(name)
            return preview_of(open_source(source, request, self._access(source)), limit)

    def _access(self, source: Source) -> Access:
        return access_with(
            secret=partial(self._secret, source=source), publication=self._store.load_publication
        )
