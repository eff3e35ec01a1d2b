"""Access to files of the lake without following symbolic links below its root.

Each folder is opened relative to its parent, so that nothing can be swapped between a check and the
opening. The root itself may be a link.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import NoReturn

from jupyter_etl.errors import StorageError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = frozenset({"files", "reports", "tables"})
_VERSION = re.compile(r"\d+(-[0-9a-f]{12})?")
_WRITABLE = 0o002


def root_and_parts(location: str | Path) -> tuple[Path, tuple[str, ...]]:
    """Split the path of a version, or of a folder of versions, at the lake's root.

    A path of another form is split at its last part.
    """
    path = Path(location)
    parts = path.parts
    for at, kind in enumerate(parts):
        behind = parts[at + 2 :]
        log = kind == "tables" and behind == ("_delta_log",)
        if kind in _KINDS and (not behind or log or _VERSION.fullmatch(behind[0])):
            at -= parts[at - 1] == "drafts"
            return Path(*parts[:at]), parts[at:]
    return path.parent, parts[-1:]


@contextmanager
def folder_beneath(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Open a folder below a root.

    Args:
        parts: Parts of the path below the root.
        make: Whether to create missing folders, with the permissions of the root, but writable
            for the owner and never for others.

    Yields:
        Its descriptor.

    Raises:
        StorageError: A part is a symbolic link or not a folder.
        FileNotFoundError: A part does not exist.
    """
    if make:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mode = _mode_of(descriptor)
        for part in parts:
            made = make and _made(part, descriptor)
            try:
                inner = os.open(part, _FOLDER, dir_fd=descriptor)
            except OSError as problem:
                _refuse_link(problem, root, parts)
            os.close(descriptor)
            descriptor = inner
            if made:
                os.fchmod(descriptor, mode)
        yield descriptor
    finally:
        os.close(descriptor)


def open_beneath(location: str | Path) -> int:
    """Open a regular file of the lake for reading; return its descriptor.

    Raises:
        StorageError: It, or a folder above it, is a symbolic link, or it is not a regular file.
        FileNotFoundError: It does not exist.
    """
    root, parts = root_and_parts(location)
    with folder_beneath(root, parts[:-1]) as folder:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(parts[-1], flags, dir_fd=folder)
        except OSError as problem:
            _refuse_link(problem, root, parts)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(f"{location} is not a regular file.", hint=_HINT)
    return descriptor


def refuse_links(location: str) -> None:
    """Raise an error if a folder of the lake has a symbolic link below the root.

    Raises:
        StorageError: It has; a folder that does not exist has none.
    """
    root, parts = root_and_parts(location)
    with suppress(FileNotFoundError), folder_beneath(root, parts):
        pass


def copy_beneath(source: Path, target: Path) -> None:
    """Copy a file into the lake: to a temporary name, synced to disk, then renamed.

    A reader sees either no file or the complete file, even if this process is killed. New files and
    folders have the permissions of the lake's root, regardless of the umask.

    Raises:
        StorageError: A folder above it is a symbolic link.
    """
    root, parts = root_and_parts(target)
    with folder_beneath(root, parts[:-1], make=True) as folder, source.open("rb") as content:
        aside = f".{secrets.token_hex(8)}.part"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(aside, flags, 0o600, dir_fd=folder), "wb") as file:
                shutil.copyfileobj(content, file)
                file.flush()
                os.fchmod(file.fileno(), _mode_of(folder) & 0o666)
                os.fsync(file.fileno())
            os.replace(aside, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        finally:
            with suppress(OSError):
                os.unlink(aside, dir_fd=folder)


def _made(name: str, folder: int) -> bool:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return False
    return True


def root_mode(location: str | Path) -> int:
    """Return the permissions of folders in the lake of a path: those of its root."""
    root, _ = root_and_parts(location)
    with folder_beneath(root, ()) as descriptor:
        return _mode_of(descriptor)


def _mode_of(descriptor: int) -> int:
    return stat.S_IMODE(os.fstat(descriptor).st_mode) & ~_WRITABLE | 0o700


_HINT = (
    "The lake was changed by another program. Remove these changes, and restore the folder or file."
)


def _refuse_link(problem: OSError, root: Path, parts: Sequence[str]) -> NoReturn:
    # For a link, the error is ELOOP as a file and ENOTDIR as a folder; the latter is also the error
    # for other non-folders.
    if problem.errno in {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
        raise StorageError(
            f"{PurePath(root, *parts)} contains a symbolic link, or is not a folder.", hint=_HINT
        ) from problem
    raise problem
