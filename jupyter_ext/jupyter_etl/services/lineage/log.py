"""A bounded log of events, one JSON object per line, written by several processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

MOST_BYTES = 10_000_000
"""Size from which the file is rotated."""

KEPT = 2
"""Number of rotated files, ``NAME.1`` and ``NAME.2``."""


def append_event(path: Path, event: Mapping[str, object], *, most_bytes: int = MOST_BYTES) -> None:
    """Append one event; concurrent writers do not interleave within a line.

    Args:
        path: The file; it is created with access for this user only.
        event: JSON values.
        most_bytes: A file of this size is renamed to ``NAME.1`` first.

    Raises:
        OSError: It cannot be written.
    """
    line = msgspec.json.encode(event) + b"\n"
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            held = os.fstat(descriptor)
            if not _is_still(path, held):
                # Another process replaced the file while this one waited for the lock.
                continue
            if held.st_size >= most_bytes:
                _make_room(path)
                continue
            os.write(descriptor, line)
            return
        finally:
            os.close(descriptor)


def _is_still(path: Path, held: os.stat_result) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)


def _make_room(path: Path) -> None:
    for number in range(KEPT, 0, -1):
        before = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if before.exists():
            before.replace(path.with_name(f"{path.name}.{number}"))
