"""The files that a version pins in addition to its notebook."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FileRole(StrEnum):
    """Why a file belongs to a version."""

    MODULE = "module"
    """The notebook imports it, directly or through another module."""
    SCRIPT = "script"
    """A cell executes it: ``%run step.py``."""
    DATA = "data"
    """It was given by ``--include``, or is data of a package that reads its own files."""


@dataclass(frozen=True, kw_only=True)
class BundleFile:
    """One pinned file.

    Args:
        path: Relative to the project root, with ``/``.
        content_hash: SHA-256 (hex) of its bytes.
        bytes: Size in bytes.
        role: Why it is pinned.
        executable: Whether it is an executable program.
    """

    path: str
    content_hash: str
    bytes: int
    role: FileRole
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The local files of a version at deployment. All paths use ``/``.

    Args:
        folder: The notebook's folder, relative to the project root; ``.`` for the root itself.
        search: Folders that modules are imported from, in order, relative to the project root.
        modules: Names of the pinned top-level modules.
        files: All pinned files, by path.
        include: The patterns of ``--include``, relative to the notebook's folder.
        by_path: Whether cells open pinned files by their path, so that runs need a working
            directory of their own.
    """

    folder: str = "."
    search: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    files: tuple[BundleFile, ...] = ()
    include: tuple[str, ...] = ()
    by_path: bool = False

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """The difference of a pinned file from another version.

    Args:
        path: See `BundleFile`.
        change: ``added``, ``changed`` or ``removed``.
    """

    path: str
    change: str
