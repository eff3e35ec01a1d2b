"""A file of events, one JSON object a line, that several processes write and that stays small."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

MOST_BYTES = 10_000_000
"""From this size on the file makes room for a new one."""

KEPT = 2
"""How many of the files before are kept, as ``NAME.1`` and ``NAME.2``."""


def append_event(path: Path, event: Mapping[str, object], *, most_bytes: int = MOST_BYTES) -> None:
    """Append one event; the line is written whole, whoever else writes at this moment.

    Args:
        path: The file; it is created for this user alone.
        event: JSON values.
        most_bytes: A file that has as many becomes ``NAME.1`` first.

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
                # Somebody has put a new file in its place while this process waited.
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
