"""The disks that runs write to: their free space, and whether they can be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_etl.services.settings import Settings


class _Blocks(Protocol):
    """What `os.statvfs` returns, as far as it is used."""

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
    """The space of the disk that holds a folder.

    Args:
        folder: Which; the nearest that exists was asked.
        free_bytes: What this user may still write.
        share: That, as a part of all that users may ever hold; 0 to 1.
    """

    folder: Path
    free_bytes: int
    share: float

    def __str__(self) -> str:
        return f"{self.free_bytes / 1e9:,.1f} GB ({self.share:.1%}) of its disk free"


def local_folders(settings: Settings) -> list[Path]:
    """Return the home, and the lake where it is a folder and no URL."""
    lake = [] if "://" in settings.lake else [Path(settings.lake)]
    return [settings.home, *lake]


def space_of(folder: Path, statvfs: Statvfs = os.statvfs) -> Space:
    """Ask for the space of a disk; the blocks that are reserved for root count as neither.

    Args:
        folder: A path on it, which need not exist.
        statvfs: The system's call.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    blocks = statvfs(nearest)
    usable = blocks.f_blocks - blocks.f_bfree + blocks.f_bavail
    # A file system that counts no blocks has no end either.
    share = blocks.f_bavail / usable if usable else 1.0
    return Space(folder=folder, free_bytes=blocks.f_bavail * blocks.f_frsize, share=share)


def shortage(folders: Sequence[Path], reserve: float, statvfs: Statvfs = os.statvfs) -> str:
    """Say which disk has less free space than its reserve.

    Args:
        folders: On the disks to look at.
        reserve: Percent of a disk that should stay free; 0 for none.
        statvfs: The system's call.

    Returns:
        One sentence; "" where all have enough, or cannot be asked.
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
    """Say which folder cannot be written; nothing is left in it.

    Args:
        folders: Folders; for one that does not exist, the nearest that does is tried.

    Returns:
        One sentence; "" where all can be written.
    """
    for folder in folders:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=nearest, buffering=0) as file:
                # Where a disk or a quota is full, files can be made and not filled.
                if file.write(_PROBE) < len(_PROBE):
                    return f"{folder} cannot be written: its disk is full"
        except OSError as problem:
            return f"{folder} cannot be written: {problem.strerror}"
    return ""


def disk_guard(settings: Settings, statvfs: Statvfs = os.statvfs) -> Callable[[], str]:
    """Return what tells which disk has less free space than its reserve; "" for none."""
    folders = local_folders(settings)
    return lambda: shortage(folders, settings.disk_reserve, statvfs)


def start_guard(settings: Settings, statvfs: Statvfs = os.statvfs) -> Callable[[], str]:
    """Return what tells a scheduler why it should start nothing now; "" where it may."""
    folders, short = local_folders(settings), disk_guard(settings, statvfs)
    return lambda: short() or unwritable(folders)
