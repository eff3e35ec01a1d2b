"""Conversion between paths of Jupyter's contents and files on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jupyter_etl.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The root folder of the file browser.

    Args:
        root: Its absolute path.
        allow_hidden: Whether names that begin with a dot are shown.
    """

    root: Path
    allow_hidden: bool

    def file(self, path: str) -> Path:
        """Return the file of a contents path; raises `NotFound`."""
        return resolve_path(self.root, path, allow_hidden=self.allow_hidden)

    def path(self, file: str) -> str | None:
        """Return the contents path of a file; None if it is outside the root folder."""
        return relative_path(self.root, file)


def resolve_path(root: Path, path: str, *, allow_hidden: bool = False) -> Path:
    """Return the file of a contents path.

    Args:
        root: Absolute root folder of the file browser.
        path: Relative path with ``/``, as in the file browser.
        allow_hidden: Whether names that begin with a dot are shown.

    Returns:
        The absolute path without symlinks.

    Raises:
        NotFound: There is no such file, or it would be outside ``root``. The error is the same, so
            that the existence of files outside is not disclosed.
    """
    refused = NotFound(
        f"There is no notebook at {path!r}.",
        hint="Use the path in the file browser, relative to the server's root folder.",
    )
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path or "\\" in path or path.startswith("/"):
        raise refused
    if any(part == ".." or (part.startswith(".") and not allow_hidden) for part in parts):
        raise refused
    try:
        found = root.joinpath(*parts).resolve(strict=True)
        inside = found.is_relative_to(root.resolve()) and found.is_file()
    except (OSError, RuntimeError, ValueError):
        raise refused from None
    if not inside:
        raise refused
    return found


def relative_path(root: Path, path: str) -> str | None:
    """Return the contents path of a file on disk, or None if it is not below ``root``.

    Args:
        root: Absolute root folder of the file browser.
        path: Absolute path of a file, which need not exist.
    """
    if not path or "\0" in path:
        return None
    file = Path(path)
    for base in (root, root.resolve()):
        if file.is_relative_to(base) and ".." not in file.parts:
            return file.relative_to(base).as_posix()
    return None
