"""Disk checks for the folders that runs write to: free space and write access."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.services.settings import Settings


class _Blocks(Protocol):
    """The fields of `os.statvfs` that are used."""

    @property
    def f_frsize(self) -> int: ...

    @property
    def f_blocks(self) -> int: ...

    @property
    def f_bfree(self) -> int: ...

    @property
    def f_bavail(self) -> int: ...


_PROBE = bytes(65536)

Statvfs = Callable[[Path], _Blocks]


@dataclass(frozen=True, kw_only=True)
class Space:
    """The free space of the disk that contains a folder.

    Args:
        folder: The folder, or its nearest existing parent.
        free_bytes: Bytes that this user can still write.
        share: The same as a share of all bytes that users can have, from 0 to 1.
    """

    folder: Path
    free_bytes: int
    share: float

    def __str__(self) -> str:
        return f"{rounded_size(self.free_bytes)} ({self.share:.1%}) of its disk free"


def local_folders(settings: Settings) -> list[Path]:
    """Return the home, and the lake if it is a local folder."""
    lake = [] if "://" in settings.lake else [Path(settings.lake)]
    return [settings.home, *lake]


def space_of(folder: Path, statvfs: Statvfs = os.statvfs) -> Space:
    """Return the free space of a disk, without the blocks that are reserved for root.

    Args:
        folder: A path on the disk; it need not exist.
        statvfs: The system call.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    blocks = statvfs(nearest)
    usable = blocks.f_blocks - blocks.f_bfree + blocks.f_bavail
    # A file system that reports no blocks has no limit either.
    share = blocks.f_bavail / usable if usable else 1.0
    return Space(folder=folder, free_bytes=blocks.f_bavail * blocks.f_frsize, share=share)


def shortage(folders: Sequence[Path], reserve: float, statvfs: Statvfs = os.statvfs) -> str:
    """Return which disk has less free space than its reserve.

    Args:
        folders: Folders on the disks to check.
        reserve: Percentage of a disk that should stay free; 0 for none.
        statvfs: The system call.

    Returns:
        One sentence; "" if all disks have enough space or cannot be checked.
    """
    for folder in folders if reserve > 0 else ():
        try:
            space = space_of(folder, statvfs)
        except OSError:
            continue
        if space.share * 100 < reserve:
            return f"{folder} has {space}; {reserve:g} % are its reserve"
    return ""


def unwritable(folders: Sequence[Path]) -> str:
    """Return which folder cannot be written; the check leaves no files.

    Args:
        folders: Folders to check; if one does not exist, its nearest existing parent is checked.

    Returns:
        One sentence; "" if all folders are writable.
    """
    for folder in folders:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=nearest, buffering=0) as file:
                # On a full disk or quota, a file can be created but not written.
                if file.write(_PROBE) < len(_PROBE):
                    return f"{folder} cannot be written: its disk is full"
        except OSError as problem:
            return f"{folder} cannot be written: {problem.strerror}"
    return ""


def disk_guard(settings: Settings, statvfs: Statvfs = os.statvfs) -> Callable[[], str]:
    """Return a function that reports a disk with less free space than its reserve, or ""."""
    folders = local_folders(settings)
    return lambda: shortage(folders, settings.disk_reserve, statvfs)


def start_guard(settings: Settings, statvfs: Statvfs = os.statvfs) -> Callable[[], str]:
    """Return a function that reports why a scheduler must not start attempts now, or ""."""
    folders, short = local_folders(settings), disk_guard(settings, statvfs)
    return lambda: short() or unwritable(folders)
