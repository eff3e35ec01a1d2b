"""The private folders of an attempt's sockets: short paths, found again by whoever sweeps it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

_SHARED = "/tmp"  # noqa: S108 - the folders made in it are private
_LONGEST_PARENT_BYTES = 70
_DIGEST_BYTES = 6


def make_folder(attempt: Path) -> Path:
    """Make a private folder whose path leaves room for a socket's (limited to 107 bytes).

    Args:
        attempt: Folder of the attempt; `sweep_sockets` finds by it what a killed runner has left.
    """
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > _LONGEST_PARENT_BYTES:
        parent = _SHARED
    return Path(tempfile.mkdtemp(prefix=_prefix(attempt), dir=parent))


def sweep_sockets(attempt: Path) -> None:
    """Delete the folders that were made for an attempt; nobody may live who uses them."""
    for parent in {tempfile.gettempdir(), _SHARED}:
        for folder in Path(parent).glob(f"{_prefix(attempt)}*"):
            # A stranger's stays: it cannot be deleted, and a link is not followed.
            shutil.rmtree(folder, ignore_errors=True)


def _prefix(attempt: Path) -> str:
    digest = hashlib.blake2b(os.fsencode(attempt), digest_size=_DIGEST_BYTES).hexdigest()
    return f"etl-{digest}-"
