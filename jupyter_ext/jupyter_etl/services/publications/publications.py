"""Publications and their versions."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jupyter_etl.errors import Conflict, PublishError, user_code_boundary
from jupyter_etl.language.sql.lexer import quoted_text
from jupyter_etl.model import Publication, PublicationKind, PublicationVersion
from jupyter_etl.ports import Clock, Reading, ReadRequest, Store
from jupyter_etl.publishing.lake.beneath import open_beneath
from jupyter_etl.publishing.lake.layout import is_local, still_there
from jupyter_etl.services.endpoints.endpoints import Endpoints
from jupyter_etl.services.lakes import LedgerLake
from jupyter_etl.services.preview import Preview, preview_of
from jupyter_etl.services.publications.differences import VersionDifference, diff_versions
from jupyter_etl.services.publications.locks import publication_lock
from jupyter_etl.services.publications.rollbacks import watermarks_to_set
from jupyter_etl.services.reading import (
    choose_version,
    instant_given,
    live_version,
    number_before,
    open_version,
    publisher_for,
)
from jupyter_etl.services.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


class Publications:
    """List and read publications, show their history, compare versions and roll back."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._lake = LedgerLake(root=settings.lake, store=store)

    def list(self) -> list[Publication]:
        """Return all publications, by name."""
        return self._store.load_publications()

    def history(self, name: str, *, draft: bool = False) -> builtins.list[PublicationVersion]:
        """Return the versions of a publication, newest first; raises `NotFound`."""
        return self._store.load_publication_versions(name, draft=draft)

    def get(self, name: str) -> Publication:
        """Return a publication; raises `NotFound`."""
        return self._store.load_publication(name)

    publication = get

    def reader(
        self,
        name: str,
        *,
        version: int | None = None,
        as_of: datetime | str | None = None,
        draft: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Reading:
        """Open one version for reading; raises `NotFound`, `PublishError`, `DeclarationError`.

        Args:
            version: Version number; None for the newest.
            as_of: The version that was the newest at this time: aware, ISO 8601, or local time.
            draft: Whether to read drafts.
            columns: Names to read, in order; None for all.
            limit: Maximum number of rows; None for all.
        """
        at = None if as_of is None else instant_given(as_of, self._settings.timezone)
        found = choose_version(self, name, number=version, as_of=at, draft=draft)
        wanted = None if columns is None else tuple(columns)
        return open_version(found, ReadRequest(columns=wanted, limit=limit))

    def read(
        self,
        name: str,
        *,
        version: int | None = None,
        as_of: datetime | str | None = None,
        draft: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> pa.Table:
        """Return the rows of one version; arguments and errors as in `reader`."""
        reading = self.reader(
            name, version=version, as_of=as_of, draft=draft, columns=columns, limit=limit
        )
        return reading.batches.read_all()

    def preview(
        self, name: str, *, version: int | None = None, draft: bool = False, limit: int = 20
    ) -> Preview:
        """Return the first rows of one version; errors as in `reader`."""
        return preview_of(self.reader(name, version=version, draft=draft, limit=limit), limit)

    def file(self, name: str, *, version: int | None = None, draft: bool = False) -> Path:
        """Return the path of a published file, or of a report's HTML.

        Raises:
            NotFound: There is no such version.
            PublishError: It is a table, or it is in an object store.
            StorageError: Its file is missing.
        """
        found = choose_version(self, name, number=version, draft=draft)
        if found.what.kind is PublicationKind.TABLE:
            raise PublishError(
                f"{name!r} is a table, not a single file.",
                hint=f"jupyter etl read {name} --format parquet",
            )
        if not is_local(found.what.location):
            raise PublishError(
                f"The file of {name!r} version {found.number} is in an object store: "
                f"{found.what.location}.",
                hint=f"Download it from there, or read its rows: jupyter etl read {name} "
                "--format parquet",
            )
        return Path(still_there(found).location)

    def diff(
        self,
        name: str,
        before: int | None = None,
        after: int | None = None,
        *,
        key: Sequence[str] = (),
        draft: bool = False,
        sample: int = 5,
    ) -> VersionDifference:
        """Compare two versions.

        Args:
            before, after: Version numbers; the default is the newest and the one before it.
            key: Columns that identify rows; defaults to those it was published with.
            draft: Whether to compare drafts.
            sample: Maximum number of rows to show of each kind of change.

        Raises:
            NotFound: There is no such version.
            PublishError: It is a report, or the key is not unique.
        """
        second = choose_version(self, name, number=after, draft=draft)
        if before is None:
            before = number_before(self.history(name, draft=draft), second.number)
        first = choose_version(self, name, number=before, draft=draft)
        return diff_versions(first, second, key=key, sample=sample)

    def rollback(
        self, name: str, to: int | None = None, *, keep_watermarks: bool = False
    ) -> PublicationVersion:
        """Make the content of an old version the newest one; readers see it at once.

        An endpoint gets no new version: the old one is live again, and answers all calls.

        Later versions stay in the history. The watermarks of the loads whose rows the publication
        contains are reset to those of the old version, in the same transaction, so that the next
        run reads the removed rows again.

        Args:
            to: Version number; None for the one before the live one.
            keep_watermarks: Whether to leave the watermarks unchanged.

        Returns:
            The new version; its note names the watermarks that were reset.

        Raises:
            NotFound: There is no such version, or its content was pruned.
            PermissionDenied: The publication, or a pipeline whose watermark has to be reset,
                belongs to another owner.
            Conflict: It is the live version already, another process holds the publication lock
                for too long, or the watermarks cannot be reset; the hint has the command that
                leaves them unchanged.
            PublishError: The version cannot be restored; the live version stays.
        """
        store, owner = self._store, self._settings.owner
        if self.get(name).kind is PublicationKind.API:
            traffic = Endpoints(store, self._clock, self._settings).rollback(name, to)
            return replace(live_version(self.get(name)), note=traffic.note)
        store.check_publication(name, self.get(name).kind, owner)
        with publication_lock(store, self._clock, [name], draft=False) as token:
            live = live_version(self.get(name))
            wanted = self._to_go_back_to(live, to)
            settings = (
                () if keep_watermarks else watermarks_to_set(store, live, wanted, owner=owner)
            )
            self._lake.claim()
            with user_code_boundary(f"Rolling back {name!r}", PublishError):
                restored = publisher_for(wanted.what.kind).restore(
                    wanted,
                    lake=self._lake.root,
                    draft=False,
                    number=store.next_publication_number(name, draft=False),
                    token=f"{token}/{name}",
                    previous=live,
                )
            return store.publish(
                restored,
                owner=owner,
                pipeline=live.pipeline,
                notebook=wanted.notebook,
                draft=False,
                now=self._clock.now(),
                token=token,
                note="; ".join(
                    [
                        f"rolled back to version {wanted.number} by {owner}",
                        *(s.words for s in settings),
                    ]
                ),
                content_of=wanted.number,
                watermarks=[setting.watermark for setting in settings],
            )

    def _to_go_back_to(self, live: PublicationVersion, to: int | None) -> PublicationVersion:
        name = live.name
        if to == live.number:
            raise Conflict(f"Version {to} of {name!r} is already live.")
        return choose_version(
            self, name, number=to or number_before(self.history(name), live.number)
        )


def open_published(path: Path) -> BinaryIO:
    """Open the file of a version for reading, without following symbolic links below the lake.

    Args:
        path: From `Publications.file`.

    Raises:
        StorageError: The path contains a symbolic link, or is not a regular file.
        OSError: It cannot be opened.
    """
    return os.fdopen(open_beneath(path), "rb")


def ways_in(version: PublicationVersion) -> list[tuple[str, str]]:
    """Return the code that reads a version in other engines: pairs of engine and code.

    Returns:
        Empty for a report.

    Source:
        https://docs.delta.io (Spark: option versionAsOf), https://trino.io (Delta Lake connector:
        system.register_table), https://docs.pola.rs (scan_delta), https://duckdb.org (delta).
    """
    what = version.what
    if what.kind is not PublicationKind.TABLE:
        return []
    place, number = what.location, what.delta_version
    uri = Path(place).as_uri() if is_local(place) else place
    schema, _, table = version.name.rpartition(".")
    named = f"schema_name => '{schema or 'default'}', table_name => '{table}'"
    return [
        ("polars", f"pl.scan_delta({place!r}, version={number})"),
        ("duckdb", f"select * from delta_scan({quoted_text(uri)})"),  # noqa: S608 - shown, never run
        ("spark", f'spark.read.format("delta").option("versionAsOf", {number}).load({uri!r})'),
        ("trino", f"call system.register_table({named}, table_location => {quoted_text(uri)})"),
    ]
