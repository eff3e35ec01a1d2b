"""The files of a version as text."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.model import BundleFile, FileChange


def pinned_words(files: Sequence[BundleFile]) -> str:
    """Return the number and total size of a version's pinned files, as text."""
    if not files:
        return "No local files are pinned anymore:"
    count = f"{len(files)} file" if len(files) == 1 else f"{len(files)} files"
    return f"Pinned with the notebook: {count}, {rounded_size(sum(one.bytes for one in files))}"


def file_rows(
    files: Sequence[BundleFile], changes: Sequence[FileChange]
) -> list[dict[str, object]]:
    """Return the files of a version, and those that it no longer has, as rows.

    Args:
        files: The files that the version pins.
    """
    told = {change.path: change.change for change in changes}
    rows: list[dict[str, object]] = [
        {"file": one.path, "size": rounded_size(one.bytes), "change": told.get(one.path, "")}
        for one in files
    ]
    gone = [change.path for change in changes if change.change == "removed"]
    return rows + [{"file": path, "size": "", "change": "removed"} for path in gone]


def file_lines(files: Sequence[BundleFile], changes: Sequence[FileChange]) -> list[str]:
    """Return the files as lines after a line with their count; empty if nothing is pinned."""
    rows = file_rows(files, changes)
    if not rows:
        return []
    lines = [
        f"  {row['file']}"
        + (f" ({row['size']})" if row["size"] else "")
        + (f": {row['change']}" if row["change"] else "")
        for row in rows
    ]
    return [pinned_words(files), *lines]


def rounded_size(size_bytes: int) -> str:
    """Format a size with at most one decimal: ``17 B``, ``1.2 kB``, ``61.2 MB``."""
    for label, unit in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {label}".replace(".0 ", " ")
    return f"{size_bytes} B"
