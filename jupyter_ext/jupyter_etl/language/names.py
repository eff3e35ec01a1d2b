"""Names of sources, pipelines, publications and files, and suggestions for unknown ones."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from jupyter_etl.errors import DeclarationError

MAX_NAME = 100
"""Maximum length of a name in characters; names become folder names."""

_SEGMENT = re.compile(r"[^\W_][\w-]*|_[\w-]+", re.UNICODE)
_ALLOWED = (
    "Use letters, digits, '_' and '-', with dots between the parts, starting with a letter, a "
    "digit or '_'"
)

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


def parse_name(text: str, *, what: str = "name") -> str:
    """Validate a name and return its canonical spelling (Unicode NFC, trimmed).

    Args:
        text: As written: ``wh``, ``sales.daily``, ``morning-brief``.
        what: The noun for messages: ``source``, ``publication``, ``pipeline``.

    Raises:
        DeclarationError: It is empty, too long or contains other characters; the hint has a
            valid name.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise DeclarationError(f"The {what} is empty.", hint=f"{_ALLOWED}, like 'sales.daily'.")
    if len(name) > MAX_NAME:
        raise DeclarationError(
            f"The {what} '{name[:20]}...' has {len(name)} characters; at most {MAX_NAME} are "
            "allowed.",
            hint="Choose a shorter one.",
        )
    if all(_SEGMENT.fullmatch(part) for part in name.split(".")):
        return name
    better = ".".join(filter(None, (slug(part, empty="") for part in name.split("."))))
    # Suggest no name for a URL: it may contain a password.
    suggestion = better if better and "://" not in name else "sales.daily"
    raise DeclarationError(
        f"'{name}' is not a valid {what}.", hint=f"{_ALLOWED}, like '{suggestion}'."
    )


def slug(title: str, *, empty: str = "untitled") -> str:
    """Derive a name from a title.

    Args:
        title: Any text: ``"Daily sales, Q1"``.
        empty: The result if the title contains no valid characters.

    Returns:
        Lower case words joined by ``-``: ``daily-sales-q1``; always a valid name.
    """
    plain = unicodedata.normalize("NFKD", title)
    ascii_first = "".join(c for c in plain if not unicodedata.combining(c))
    words = re.findall(r"[^\W_]+(?:_[^\W_]+)*", unicodedata.normalize("NFC", ascii_first.lower()))
    name = "-".join(words)[:MAX_NAME].strip("-_")
    return name or empty


def pipeline_name(stem: str) -> str:
    """Return a pipeline's default name: the notebook's stem, or its slug if that is not valid."""
    try:
        return parse_name(stem, what="pipeline name")
    except DeclarationError:
        return slug(stem)


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest a similar name.

    Returns:
        ``" Did you mean 'orders'?"`` with a leading blank, or ``""`` if no name is similar.
    """
    by_folded = {entry.casefold(): entry for entry in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f" Did you mean '{by_folded[found[0]]}'?" if found else ""


def listed(names: Iterable[str], *, limit: int = 12) -> str:
    """Join names for a message: ``a, b and c``; names beyond the limit are counted."""
    every = list(names)
    if len(every) > limit:
        return f"{', '.join(every[:limit])} and {len(every) - limit} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


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
