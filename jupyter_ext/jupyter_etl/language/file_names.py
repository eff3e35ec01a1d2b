"""Names of files that never contain data: files of operating systems, editors and writers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

_PREFIXES = (".", "~$", "#")
"""Hidden files, ``._a.csv`` of macOS and ``.ipynb_checkpoints``; owner files of Office; autosaves.
"""

_SUFFIXES = (
    "~", ".bak", ".swp", ".swo", ".swx", ".tmp", ".part", ".partial", ".crdownload", "_$folder$",
)  # fmt: skip
"""Backups of editors, incomplete downloads, folder markers of Hadoop in S3."""

_NAMES = frozenset({"thumbs.db", "desktop.ini", "$recycle.bin", "@eadir", "lost+found", "icon\r"})
"""Files that Windows, macOS and file servers create in folders."""

_DOCUMENTATION = re.compile(
    r"(?:read[ _-]?me|licen[sc]e|copying|change(?:s|log)|authors|(?:check|md5|sha\d*)sums?)\b.*\.txt",
    re.IGNORECASE,
)


def is_never_data(name: str) -> bool:
    """Return whether folders and globs skip a file or folder with this name.

    A folder like ``_region=north`` is a partition. Source: Hadoop's and Spark's rule for names that
    begin with ``.`` or ``_``.
    """
    lowered = name.lower()
    return (
        lowered.startswith(_PREFIXES)
        or (lowered.startswith("_") and "=" not in lowered)
        or lowered.endswith(_SUFFIXES)
        or lowered in _NAMES
    )


def is_documentation(name: str) -> bool:
    """Return whether a text file documents the data next to it: ``README.txt``."""
    return _DOCUMENTATION.fullmatch(name) is not None


def left_out(parts: Sequence[str], pattern: Iterable[str] = ()) -> str:
    """Find the part of a path that folders and globs skip.

    Args:
        parts: Names of the path's folders and file, below the declared folder.
        pattern: Parts of the glob; a name that it spells out is not skipped: ``.cache/*.csv``,
            ``_*.csv``.

    Returns:
        The path up to the skipped name, with a trailing slash for a folder; "" if the path is data.
    """
    meant = [part for part in pattern if is_never_data(part)]
    for number, name in enumerate(parts, 1):
        if is_never_data(name) and not any(fnmatchcase(name, part) for part in meant):
            return "/".join(parts[:number]) + ("/" if number < len(parts) else "")
    return ""
