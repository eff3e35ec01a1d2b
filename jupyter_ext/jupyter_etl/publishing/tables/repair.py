"""Repair of a table's log from the entries that the ledger stores."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from jupyter_etl.errors import StorageError
from jupyter_etl.model import LogEntry, PublicationVersion
from jupyter_etl.publishing.lake.layout import disk_errors, is_local, sync
from jupyter_etl.publishing.tables.delta import paths_of
from jupyter_etl.publishing.tables.record import damaged, entry_name, open_published, verify_head


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
