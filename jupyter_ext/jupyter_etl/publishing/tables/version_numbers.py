"""The highest version numbers of publications, derived from the files in a lake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jupyter_etl.errors import StorageError
from jupyter_etl.publishing.lake.layout import in_one_line
from jupyter_etl.publishing.tables.base import NUMBER
from jupyter_etl.publishing.tables.record import commit_info

Numbers = dict[tuple[str, bool], int]
"""The highest number by name and whether it is a draft."""


def read_numbers(lake: str) -> Numbers:
    """Return the numbers of the newest versions in a lake, of all ledgers.

    Args:
        lake: Folder or fsspec URL of the lake; it need not exist.

    Raises:
        StorageError: The lake cannot be read.
    """
    import fsspec

    filesystem, root = fsspec.core.url_to_fs(lake)
    found: Numbers = {}
    try:
        for draft, place in ((False, root), (True, f"{root}/drafts")):
            for folder in _names_in(filesystem, f"{place}/tables"):
                number = _of_table(filesystem, f"{place}/tables/{folder}")
                _note(found, folder, number, draft=draft)
            for kind in ("files", "reports"):
                for folder in _names_in(filesystem, f"{place}/{kind}"):
                    versions = _names_in(filesystem, f"{place}/{kind}/{folder}")
                    number = max(map(_leading_number, versions), default=0)
                    _note(found, folder, number, draft=draft)
    except Exception as problem:
        raise StorageError(
            f"The versions in the lake {lake} cannot be listed: {in_one_line(problem)}."
        ) from problem
    return found


def _note(found: Numbers, name: str, number: int, *, draft: bool) -> None:
    if number:
        found[name, draft] = max(number, found.get((name, draft), 0))


def _names_in(filesystem: Any, folder: str) -> Iterator[str]:
    try:
        paths: list[str] = filesystem.ls(folder, detail=False)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (path.rstrip("/").rpartition("/")[2] for path in paths)


def _of_table(filesystem: Any, table: str) -> int:
    """Return the number in the newest log entry that has one, plus one for each damaged entry."""
    damaged = 0
    log = f"{table}/_delta_log"
    for name in sorted(
        (n for n in _names_in(filesystem, log) if n.endswith(".json")), reverse=True
    ):
        try:
            number = int(commit_info(filesystem.cat_file(f"{log}/{name}").decode()).get(NUMBER, 0))
        except ValueError:
            damaged += 1
            continue
        if number:
            return number + damaged
    return damaged


def _leading_number(folder: str) -> int:
    """Return the number of ``7`` or ``7-0123456789ab``; 0 for any other name."""
    number = folder.partition("-")[0]
    return int(number) if number.isdecimal() else 0
