"""Flushes a commit to disk before the ledger records it: data files, log entries and folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from jupyter_etl.model import LogEntry
from jupyter_etl.publishing.lake.beneath import root_mode
from jupyter_etl.publishing.lake.layout import is_local, sync
from jupyter_etl.publishing.tables.record import entry_name


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
