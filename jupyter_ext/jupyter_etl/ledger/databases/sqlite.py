"""The file of a SQLite ledger: whether it exists, is the same ledger, and can be locked."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import Connection

from jupyter_etl.errors import StoreError

# Their locks do not reliably work across machines: sqlite.org/faq.html#q5.
_NETWORK = frozenset(
    [
        "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.s3fs",
        "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "smb3",
        "smbfs",
    ]
)  # fmt: skip
_MOUNTS = Path("/proc/self/mounts")


def network_filesystem(path: Path, *, mounts: Path = _MOUNTS) -> str:
    r"""Return the type of the network file system that holds a path.

    Args:
        path: An absolute path that may not exist yet.
        mounts: The table of mounts; on a system without one every path is local.

    Returns:
        The type, such as ``nfs4``; "" for a local path.

    Source: fstab(5): device, mount point and type, with blanks as ``\040``.
    """
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    wanted = path.resolve()
    kind, depth = "", -1
    for line in lines:
        _, point, mounted, *_ = line.split(" ")
        folder = Path(point.replace("\\040", " "))
        # A later mount on the same point hides an earlier one.
        if wanted.is_relative_to(folder) and len(folder.parts) >= depth:
            kind, depth = mounted, len(folder.parts)
    return kind if kind in _NETWORK else ""


RESTORE = "Put the file back, or restore the last backup: jupyter etl restore FILE"
_READ_IDENTITY = "SELECT id FROM identity"


class WatchedFile:
    """The file of an open ledger, which is checked before each transaction.

    Args:
        place: The ledger for people.
        identity: Its id.
    """

    def __init__(self, path: Path, place: str, identity: str) -> None:
        self._path = path
        self._place = place
        self._identity = identity
        self._inode = self._checked_inode()

    def was_replaced(self) -> bool:
        """Return whether the name belongs to another file than at the last call.

        Raises:
            StoreError: There is no such file, or it is empty.
        """
        found = self._checked_inode()
        replaced, self._inode = found != self._inode, found
        return replaced

    def check_identity(self, connection: Connection) -> None:
        """Raise `StoreError` if a transaction sees another ledger."""
        # SQLAlchemy takes twenty times as long.
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - the connection is open
        try:
            row = driver.execute(_READ_IDENTITY).fetchone()
        except sqlite3.OperationalError as problem:
            if "no such table" not in str(problem):
                raise
            row = None
        found = row[0] if row else "no ledger"
        if found != self._identity:
            raise _lost(
                f"The ledger {self._place} was replaced by another one while it was in use: it is "
                f"{found[:12]}, not {self._identity[:12]}.",
                hint=f"{RESTORE}. To use the other ledger, restart the processes that use this "
                "one.",
            )

    def _checked_inode(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise _lost(
                f"The ledger {self._place} is missing: its file was deleted or moved, or its "
                "disk is not mounted."
            ) from None
        except OSError as problem:
            raise StoreError(
                f"The ledger {self._place} cannot be checked: {problem.strerror}.",
                hint="Check its folder and its disk.",
            ) from problem
        if not found.st_size:
            raise _lost(f"The ledger {self._place} is empty: its file has 0 bytes.")
        return found.st_dev, found.st_ino


def refuse_lost(path: Path, place: str, *traces: Path) -> None:
    """Raise `StoreError` if a ledger existed at a path, and its file is now absent or empty.

    Args:
        place: The ledger for people.
        traces: Other files and folders that exist only after a ledger was used.
    """
    # Checked first: all of them are created after the ledger.
    found = [trace for trace in (_id_file(path), *traces) if trace.exists()]
    if not found or (path.exists() and (path.is_dir() or path.stat().st_size)):
        return
    what = (
        "is empty: its file has 0 bytes"
        if path.exists()
        else ("is missing: its file does not exist")
    )
    raise _lost(
        f"The ledger {place} {what}.",
        hint=f"{RESTORE}. To start with a new ledger instead, move these files away: "
        f"{', '.join(map(str, found))}.",
        retryable=False,
    )


def note_identity(path: Path, identity: str) -> None:
    """Record next to a ledger that it was created, so that a lost file is not replaced by a new one."""
    file = _id_file(path)
    # If the folder is read-only, no new ledger can be created either.
    with contextlib.suppress(OSError):
        if not file.exists() or file.read_text().strip() != identity:
            file.touch(mode=0o600)
            file.write_text(f"{identity}\n")


def _id_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.id")


def _lost(message: str, *, hint: str = f"{RESTORE}.", retryable: bool = True) -> StoreError:
    return StoreError(message, hint=hint, retryable=retryable)
