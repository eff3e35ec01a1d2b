"""Versions of a table, compared with the ledger's record before they are read or used as a base.

Delta interprets an empty log entry as a commit without changes, so a log that lost its newest entry
in a power failure opens without an error, with the rows of the previous version.
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
