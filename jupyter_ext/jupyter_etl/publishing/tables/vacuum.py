"""Deletes files in a publication's folder that no kept version needs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jupyter_etl.errors import PublishError
from jupyter_etl.model import (
    Committed,
    Difference,
    PublicationKind,
    PublicationVersion,
    Staged,
)
from jupyter_etl.ports import Vacuumed
from jupyter_etl.publishing.lake.layout import (
    disk_errors,
    is_local,
    publication_folder,
    still_there,
)
from jupyter_etl.publishing.tables.delta import open_table, paths_of
from jupyter_etl.publishing.tables.record import verify

_LOG = "_delta_log/"
_UNFINISHED = ("#", ".tmp")


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """A file in a publication's folder: its path there, its size, and when it was placed there."""

    path: str
    bytes: int
    placed_at: datetime


def vacuum_table(
    kept: Sequence[PublicationVersion],
    *,
    name: str,
    lake: str,
    draft: bool,
    older_than: datetime,
    dry_run: bool,
) -> Vacuumed:
    """Delete the data files that no kept version of a table uses; see `Publisher.clean_up`.

    The log and its version numbers stay. Delta's own vacuum would write a new version, and does not
    see the files of a killed write (``part.parquet#1``).
    """
    folder = publication_folder(lake, "tables", name, draft=draft)
    with disk_errors(f"{name!r} cannot be cleaned up"):
        stored = list(_stored_files(folder))
        needed = _needed(kept, folder, {one.path for one in stored})
        if needed is None:
            return Vacuumed()
        waste = [one for one in stored if _is_waste(one.path, needed)]
        return _delete(folder, waste, older_than=older_than, dry_run=dry_run)


class VersionFolders:
    """What the publishers of files and reports share: each version has an immutable folder."""

    kind: PublicationKind

    def compare(self, staged: Staged, previous: PublicationVersion) -> Difference | None:
        """Return None: the content is the author's concern; see `Publisher.compare`."""
        return None

    def restore(
        self,
        version: PublicationVersion,
        *,
        lake: str,
        draft: bool,
        number: int,
        token: str,
        previous: PublicationVersion,
    ) -> Committed:
        """Refer to the file of the old version again; see `Publisher.restore`."""
        return still_there(version)

    def clean_up(
        self,
        kept: Sequence[PublicationVersion],
        *,
        name: str,
        lake: str,
        draft: bool,
        older_than: datetime,
        dry_run: bool,
    ) -> Vacuumed:
        """Delete the folders of the versions that are not kept; see `Publisher.clean_up`."""
        folder = publication_folder(lake, f"{self.kind}s", name, draft=draft)
        inside = [v.what.location for v in kept if v.what.location.startswith(f"{folder}/")]
        if not inside:
            return Vacuumed()
        needed = {location.removeprefix(f"{folder}/").partition("/")[0] for location in inside}
        with disk_errors(f"{name!r} cannot be cleaned up"):
            files = _stored_files(folder)
            waste = [one for one in files if one.path.partition("/")[0] not in needed]
            return _delete(folder, waste, older_than=older_than, dry_run=dry_run)


def _is_waste(path: str, needed: set[str]) -> bool:
    if path.startswith(_LOG):
        return any(mark in Path(path).name for mark in _UNFINISHED)
    return path not in needed


def _needed(kept: Sequence[PublicationVersion], folder: str, stored: set[str]) -> set[str] | None:
    """Return the data files of the kept versions; None if none of them is stored here.

    Raises:
        StorageError: A version differs from the ledger's record.
        PublishError: A file is missing: something is wrong, so nothing should be deleted.
    """
    versions = sorted(
        (v for v in kept if v.what.location == folder and v.what.delta_version is not None),
        key=lambda version: version.what.delta_version or 0,
    )
    table = open_table(folder, versions[0].what.delta_version) if versions else None
    if table is None:
        return None
    needed: set[str] = set()
    for version in versions:
        # In ascending order: each step reads only the commits since the last one.
        if version is not versions[0]:
            table.load_as_version(version.what.delta_version or 0)
        # Files that a damaged log does not list must not be deleted.
        verify(table, version)
        needed |= paths_of(table)
    absent = sorted(needed - stored)
    if absent:
        raise PublishError(
            f"{len(absent)} files of the table at {folder} are missing, for example "
            f"{absent[0]!r}; nothing was deleted.",
            hint="Find out which other program deletes files in the lake.",
        )
    return needed


def _stored_files(folder: str) -> Iterator[_Stored]:
    if not is_local(folder):
        yield from _remote_files(folder)
        return
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(FileNotFoundError):
                facts = path.lstat()
                # A hard link keeps the modification time of its content; the inode change time is
                # its own.
                placed = max(facts.st_mtime, facts.st_ctime)
                yield _Stored(
                    path=path.relative_to(folder).as_posix(),
                    bytes=facts.st_size,
                    placed_at=datetime.fromtimestamp(placed, UTC),
                )


def _remote_files(folder: str) -> Iterator[_Stored]:
    import fsspec

    filesystem, root = fsspec.core.url_to_fs(folder)
    if not filesystem.exists(root):
        return
    for path, facts in filesystem.find(root, detail=True).items():
        yield _Stored(
            path=path.removeprefix(root).lstrip("/"),
            bytes=int(facts["size"] or 0),
            placed_at=filesystem.modified(path).astimezone(UTC),
        )


def _delete(
    folder: str, waste: Sequence[_Stored], *, older_than: datetime, dry_run: bool
) -> Vacuumed:
    old = [one for one in waste if one.placed_at < older_than]
    if not dry_run and old:
        remove = _remove_local if is_local(folder) else _remove_remote
        remove(folder, [one.path for one in old])
    return Vacuumed(files=len(old), bytes=sum(one.bytes for one in old))


def _remove_remote(folder: str, paths: Sequence[str]) -> None:
    import fsspec

    filesystem, root = fsspec.core.url_to_fs(folder)
    filesystem.rm([f"{root}/{path}" for path in paths])


def _remove_local(folder: str, paths: Sequence[str]) -> None:
    for path in paths:
        Path(folder, path).unlink(missing_ok=True)
    # Deepest first: a folder can be removed once it is empty.
    emptied = {parent for path in paths for parent in Path(path).parents if parent != Path()}
    for parent in sorted(emptied, key=lambda one: len(one.parts), reverse=True):
        with suppress(OSError):
            Path(folder, parent).rmdir()
