"""The private folders of runners' sockets, with short paths."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

CHANNEL = "JUPYTER_ETL_CHANNEL"
"""Environment variable of kernels with the path of the runner's socket."""

_SHARED = "/tmp"  # noqa: S108 - the folders made in it are private
_LONGEST_PARENT_BYTES = 70
_PREFIX = "etl-run-"
_YOUNG_S = 60.0


def make_folder() -> Path:
    """Make a private folder whose path is short enough for that of a socket (at most 107 bytes)."""
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > _LONGEST_PARENT_BYTES:
        parent = _SHARED
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def socket_in(folder: Path) -> Path:
    """Return the path of a channel's socket."""
    return folder / "channel"


def clean_up_sockets(*, older_s: float = _YOUNG_S) -> None:
    """Delete the folders of killed runners, whose sockets are not served any more.

    Args:
        older_s: Minimum age in seconds: the owner of a younger folder may not be listening yet.
    """
    for parent in {tempfile.gettempdir(), _SHARED}:
        for folder in Path(parent).glob(f"{_PREFIX}*"):
            # Folders of other users are skipped: they are not readable, and links are not followed.
            with contextlib.suppress(OSError):
                if time.time() - folder.lstat().st_mtime >= older_s and not _is_used(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_used(folder: Path) -> bool:
    return any(path.is_socket() and _answers(path) for path in folder.iterdir())


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as visitor:
        try:
            visitor.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True
