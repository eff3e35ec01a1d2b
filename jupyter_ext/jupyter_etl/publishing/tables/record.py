"""Versions of a table, compared with the ledger's record of them before they are read or built on.

Delta takes an empty entry of its log for a commit without changes, so a log that lost its newest
entry to a power cut opens without an error, with the rows of the version before.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import StorageError, first_line
from jupyter_etl.model import LogEntry, PublicationVersion
from jupyter_etl.publishing.lake.layout import is_local
from jupyter_etl.publishing.tables.delta import facts_of, open_table

if TYPE_CHECKING:
    from deltalake import DeltaTable

TOKEN = "etlToken"  # noqa: S105
_REPAIR = "jupyter etl doctor --repair repairs the log where the data files are there."


def open_published(version: PublicationVersion) -> DeltaTable:
    """Open the table of a version that is on record, at that version.

    Raises:
        StorageError: It is not there, cannot be opened, or is not what the ledger has on record.
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
    """Compare a table, opened at a version that is on record, with the record.

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
    """Compare also the newest entry of the log, on which the next commit is built.

    Raises:
        StorageError: As `verify`, or the commit has another token, or none.
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
    """Return the error for a version whose files are not where the ledger has them."""
    return StorageError(
        f"Version {version.number} of {version.name!r} is not in the lake "
        f"({version.what.location}).",
        hint="Mount the lake, or restore its folder from a backup.",
    )


def damaged(version: PublicationVersion, why: str | Exception) -> StorageError:
    """Return the error for a version that is not what the ledger has on record."""
    said = (first_line(why) or type(why).__name__).rstrip(".")
    return StorageError(
        f"Version {version.number} of {version.name!r} is damaged: {said} ({version.what.location}).",
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
    """Return what a commit says of itself; empty where the entry has nothing of it."""
    info: dict[str, str] = {}
    for line in entry.splitlines():
        info = json.loads(line).get("commitInfo") or info
    return info
