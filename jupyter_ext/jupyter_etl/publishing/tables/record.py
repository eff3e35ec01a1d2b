"""The log of a table: comparison with the ledger's record before a read or write, repair, and flushing.

Delta interprets an empty log entry as a commit without changes, so a log that lost its newest entry
in a power failure opens without an error, with the rows of the previous version.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jupyter_etl.errors import StorageError, first_line
from jupyter_etl.model import LogEntry, PublicationVersion
from jupyter_etl.publishing.lake.beneath import root_mode
from jupyter_etl.publishing.lake.layout import disk_errors, is_local, sync
from jupyter_etl.publishing.tables.delta import facts_of, open_table, paths_of

if TYPE_CHECKING:
    from deltalake import DeltaTable


TOKEN = "etlToken"  # noqa: S105
_REPAIR = "jupyter etl doctor --repair repairs the log if the data files exist."


def open_published(version: PublicationVersion) -> DeltaTable:
    """Open the table of a recorded version, at that version.

    Raises:
        StorageError: It does not exist, cannot be opened, or differs from the ledger's record.
    """
    from deltalake.exceptions import DeltaError

    what = version.what
    try:
        table = open_table(what.location, what.delta_version)
    except (DeltaError, OSError) as problem:
        raise damaged(version, problem) from problem
    if table is None:
        raise missing(version)
    verify(table, version)
    return table


def verify(table: DeltaTable, version: PublicationVersion) -> None:
    """Compare a table, opened at a recorded version, with the record.

    Raises:
        StorageError: Rows, bytes or data files differ.
    """
    what, facts = version.what, facts_of(table)
    if what.rows is not None and facts.rows is not None and facts.rows != what.rows:
        raise damaged(version, f"its log has {facts.rows:,} rows, the ledger {what.rows:,}")
    if facts.bytes != what.bytes:
        raise damaged(version, f"its log has {facts.bytes:,} bytes, the ledger {what.bytes:,}")
    if what.files_hash and facts.files_hash != what.files_hash:
        raise damaged(version, "its log lists other data files than the ledger")


def verify_head(table: DeltaTable, version: PublicationVersion) -> None:
    """Also compare the newest log entry, which is the base of the next commit.

    Raises:
        StorageError: See `verify`; or the commit has another token, or none.
    """
    verify(table, version)
    what = version.what
    try:
        entry = read_entry(what.location, int(table.version()))
        token = commit_info(entry).get(TOKEN, "")
    except (OSError, ValueError, AttributeError) as problem:
        raise damaged(version, f"its log entry cannot be read: {first_line(problem)}") from problem
    if not token or (what.token and what.token != token):
        raise damaged(version, f"its log entry is of commit {token!r}, not {what.token!r}")


def missing(version: PublicationVersion) -> StorageError:
    """Return the error for a version whose files are missing."""
    return StorageError(
        f"Version {version.number} of {version.name!r} is not in the lake "
        f"({version.what.location}).",
        hint="Mount the lake, or restore its folder from a backup.",
    )


def damaged(version: PublicationVersion, why: str | Exception) -> StorageError:
    """Return the error for a version that differs from the ledger's record."""
    reason = (first_line(why) or type(why).__name__).rstrip(".")
    return StorageError(
        f"Version {version.number} of {version.name!r} is damaged: {reason} ({version.what.location}).",
        hint=_REPAIR,
    )


def entry_name(version: int) -> str:
    """Return the file name of a log entry (Delta protocol, "Delta Log Entries")."""
    return f"{version:020d}.json"


def read_entry(location: str, version: int) -> str:
    """Return a log entry of a table; raises `FileNotFoundError`."""
    path = f"{location}/_delta_log/{entry_name(version)}"
    if is_local(location):
        return Path(path).read_text(encoding="utf-8")
    import fsspec

    filesystem, remote = fsspec.core.url_to_fs(path)
    content: bytes = filesystem.cat_file(remote)
    return content.decode()


def read_entries(location: str, first: int, last: int) -> tuple[LogEntry, ...]:
    """Return the log entries of the versions ``first`` to ``last``."""
    return tuple(
        LogEntry(version=number, text=read_entry(location, number))
        for number in range(first, last + 1)
    )


def commit_info(entry: str) -> dict[str, str]:
    """Return a commit's own metadata; empty if the entry has none."""
    info: dict[str, str] = {}
    for line in entry.splitlines():
        info = json.loads(line).get("commitInfo") or info
    return info


def examine(version: PublicationVersion) -> None:
    """Compare a table's version with the record, and check that its data files exist.

    Raises:
        StorageError: It does not exist, or differs from the ledger's record.
    """
    what = version.what
    table = open_published(version)
    verify_head(table, version)
    if not is_local(what.location):
        return
    absent = [path for path in sorted(paths_of(table)) if not Path(what.location, path).exists()]
    if absent:
        raise StorageError(
            damaged(
                version, f"{len(absent)} data files are missing, such as {absent[0]!r}"
            ).message,
            hint="Restore them from a backup of the lake, or publish the table again.",
        )


def restore_entries(location: str, entries: Sequence[LogEntry]) -> list[int]:
    """Write the entries of a local table's log that differ from the record.

    Returns:
        The Delta versions whose entries were written.

    Raises:
        PublishError: The log cannot be written.
    """
    if not is_local(location):
        return []
    log, written = Path(location, "_delta_log"), []
    with disk_errors(f"The log of the table at {location} cannot be repaired"):
        for entry in entries:
            path, content = log / entry_name(entry.version), entry.text.encode()
            if path.exists() and path.read_bytes() == content:
                continue
            part = log / f".{path.name}.{secrets.token_hex(8)}.part"
            try:
                part.write_bytes(content)
                sync(part)
                os.replace(part, path)  # noqa: PTH105
            finally:
                part.unlink(missing_ok=True)
            written.append(entry.version)
        if written:
            sync(log)
    return written


def sync_commit(location: str, entries: Sequence[LogEntry]) -> None:
    """Sync the files of commits; object stores need nothing."""
    if not is_local(location):
        return
    table, mode = Path(location), root_mode(location)
    files = [path for entry in entries for path in _written(table, entry)]
    folders = {folder for file in files for folder in file.parents if table in folder.parents}
    for path in (*files, *folders, table):
        # Regardless of the umask. Files of another user of the lake stay unchanged.
        with suppress(PermissionError):
            path.chmod(mode if path.is_dir() else mode & 0o666)
    for path in (*files, *folders, table, *list(table.parents)[:2]):
        sync(path)


def _written(table: Path, entry: LogEntry) -> Iterator[Path]:
    for line in entry.text.splitlines():
        added = json.loads(line).get("add")
        path = table / unquote(added["path"]) if added else None
        # Files that a killed run added may have been deleted since they were undone.
        if path is not None and path.exists():
            yield path
    log = table / "_delta_log"
    yield log / entry_name(entry.version)
    checkpoints = list(log.glob(f"{entry.version:020d}.checkpoint*"))
    yield from checkpoints
    if checkpoints:
        yield log / "_last_checkpoint"
