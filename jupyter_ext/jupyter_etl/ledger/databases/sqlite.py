"""The file of a SQLite ledger: it exists, it is still the same ledger, and its file system can lock."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import Connection

from jupyter_etl.errors import StoreError

# Their locks do not reach over all machines, or not always: sqlite.org/faq.html#q5.
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
        mounts: The table of mounts; on a system without one every path counts as local.

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
    """The file of a ledger that is open, looked at before each transaction.

    Args:
        place: The ledger as people know it.
        identity: Its id.
    """

    def __init__(self, path: Path, place: str, identity: str) -> None:
        self._path = path
        self._place = place
        self._identity = identity
        self._inode = self._look()

    def was_replaced(self) -> bool:
        """Tell whether another file has the name since the last call.

        Raises:
            StoreError: There is no such file, or it is empty.
        """
        found = self._look()
        replaced, self._inode = found != self._inode, found
        return replaced

    def check_identity(self, connection: Connection) -> None:
        """Raise `StoreError` where a transaction sees another ledger."""
        # SQLAlchemy would take twenty times as long.
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

    def _look(self) -> tuple[int, int]:
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
    """Raise `StoreError` where a ledger was at a path, and no file or an empty one is there now.

    Args:
        place: The ledger as people know it.
        traces: Other files and folders that only a ledger which was used leaves.
    """
    # Asked first: all of them are made after the ledger.
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
    """Note beside a ledger that it was made, so that a file that is lost is not taken for new."""
    file = _id_file(path)
    # Where nothing can be written, no new ledger can be made either.
    with contextlib.suppress(OSError):
        if not file.exists() or file.read_text().strip() != identity:
            file.touch(mode=0o600)
            file.write_text(f"{identity}\n")


def _id_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.id")


def _lost(message: str, *, hint: str = f"{RESTORE}.", retryable: bool = True) -> StoreError:
    return StoreError(message, hint=hint, retryable=retryable)
