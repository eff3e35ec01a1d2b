"""The marker in a lake's root: the id of the ledger that records its versions.

A folder without it may be a mount point whose file system is not mounted.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from jupyter_etl.errors import StorageError
from jupyter_etl.publishing.lake.layout import disk_errors, is_local, sync

MARKER = ".jupyter-etl-lake"
_MOST_BYTES = 100


def marker_path(lake: str) -> str:
    """Return the path or URL of a lake's marker."""
    return f"{lake.rstrip('/')}/{MARKER}"


def read_marker(lake: str) -> str | None:
    """Return the id of the ledger that a lake belongs to; None if it has no marker.

    Raises:
        StorageError: The lake cannot be read.
    """
    path = marker_path(lake)
    try:
        if is_local(lake):
            with Path(path).open("rb") as file:
                return file.read(_MOST_BYTES).decode("ascii", "replace").strip()
        import fsspec

        filesystem, remote = fsspec.core.url_to_fs(path)
        content: bytes = filesystem.cat_file(remote)
        return content[:_MOST_BYTES].decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as problem:
        raise StorageError(f"The lake {lake} cannot be read: {problem}.") from problem


def write_marker(lake: str, ledger: str) -> str:
    """Mark a lake as a ledger's, unless it has a marker already; return the id in the marker.

    Args:
        lake: Folder or fsspec URL; a missing folder is created.
        ledger: Id of the ledger.

    Raises:
        PublishError: The lake cannot be written.
    """
    with disk_errors(f"The lake {lake} cannot be used"):
        if is_local(lake):
            _write_exclusively(Path(marker_path(lake)), ledger)
        else:
            import fsspec

            filesystem, remote = fsspec.core.url_to_fs(marker_path(lake))
            filesystem.pipe_file(remote, f"{ledger}\n".encode())
    return read_marker(lake) or ""


def _write_exclusively(path: Path, ledger: str) -> None:
    created = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        part.write_text(f"{ledger}\n")
        sync(part)
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    for folder in (path.parent, *(one.parent for one in created)):
        sync(folder)
