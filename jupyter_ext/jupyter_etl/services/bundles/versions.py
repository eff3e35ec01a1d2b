"""Versions of pipelines with the files that they pin: listed, compared and described."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_etl.errors import NotFound
from jupyter_etl.language.notebooks.bundle import bundle_of, changed_files
from jupyter_etl.language.notebooks.notebook import parse_notebook
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Bundle, BundleFile, FileChange, PipelineVersion
from jupyter_etl.ports import Store

_LARGEST = 200_000
"""Maximum size in bytes of files whose lines are compared."""


@dataclass(frozen=True, kw_only=True)
class FileDifference:
    """A file that differs between two versions.

    Args:
        path: Relative to the project root; for the notebook, its file name.
        change: ``added``, ``changed`` or ``removed``.
        lines: A unified diff; empty for binary, large, added and removed files.
    """

    path: str
    change: str
    lines: tuple[str, ...] = ()


def names_pipeline(store: Store, name: str) -> bool:
    """Return whether a name belongs to a pipeline and not to a publication."""
    if any(publication.name == name for publication in store.load_publications()):
        return False
    return any(pipeline.name == name for pipeline in store.load_pipelines())


def with_files(store: Store, versions: Sequence[PipelineVersion]) -> list[PipelineVersion]:
    """Return versions, newest first, completed with their files and file changes."""
    if not versions:
        return []
    hashes = {version.content_hash for version in versions}
    bundles = {one: bundle_of(store.load_snapshot(one)) for one in hashes}
    listed = [bundles[version.content_hash] for version in versions]
    before = [*listed[1:], Bundle()]
    return [
        replace(version, files=bundle.files, file_changes=changed_files(older, bundle))
        for version, bundle, older in zip(versions, listed, before, strict=True)
    ]


def diff_versions(
    store: Store, name: str, before: int, after: int | None = None
) -> list[FileDifference]:
    """Compare two versions of a pipeline, by default with the newest; raises `NotFound`."""
    versions = store.load_pipeline_versions(name)
    old = _version(name, versions, before)
    new = versions[0] if after is None else _version(name, versions, after)
    snapshots = [store.load_snapshot(version.content_hash) for version in (old, new)]
    bundles = [bundle_of(snapshot) for snapshot in snapshots]
    changes = changed_files(*bundles)
    contents = store.load_files(_to_compare(bundles, changes))
    found = [
        FileDifference(
            path=change.path, change=change.change, lines=_lines(bundles, contents, change)
        )
        for change in changes
    ]
    books = [_source(snapshot) for snapshot in snapshots]
    if books[0] != books[1] or _bare(snapshots[0]) != _bare(snapshots[1]):
        book = Path(new.notebook).name
        found.insert(0, FileDifference(path=book, change="changed", lines=_unified(*books)))
    return found


def _version(name: str, versions: Sequence[PipelineVersion], number: int) -> PipelineVersion:
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions[:10])
    raise NotFound(f"The pipeline {name!r} has no version {number}; there are: {known}.")


def _to_compare(bundles: Sequence[Bundle], changes: Sequence[FileChange]) -> set[str]:
    changed = {change.path for change in changes if change.change == "changed"}
    return {
        file.content_hash
        for bundle in bundles
        for file in bundle.files
        if file.path in changed and file.bytes <= _LARGEST
    }


def _lines(
    bundles: Sequence[Bundle], contents: dict[str, bytes], change: FileChange
) -> tuple[str, ...]:
    hashes = [
        file.content_hash
        for bundle in bundles
        for file in bundle.files
        if file.path == change.path and file.content_hash in contents
    ]
    if change.change != "changed" or len(hashes) < 2:
        return ()
    try:
        texts = [contents[one].decode().splitlines() for one in hashes]
    except UnicodeDecodeError:
        return ()
    return _unified(*texts)


def _unified(before: list[str], after: list[str]) -> tuple[str, ...]:
    # Without the two header lines that name the files.
    return tuple(difflib.unified_diff(before, after, lineterm="", n=2))[2:]


def _source(snapshot: str) -> list[str]:
    lines: list[str] = []
    for cell in parse_notebook(snapshot).cells:
        lines += [f"# cell {cell.index + 1} ({cell.kind})", *cell.source.splitlines()]
    return lines


def _bare(snapshot: str) -> object:
    document = json.loads(snapshot)
    document["metadata"].pop("jupyter_etl", None)
    return document


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
    changed = {change.path: change.change for change in changes}
    rows: list[dict[str, object]] = [
        {"file": one.path, "size": rounded_size(one.bytes), "change": changed.get(one.path, "")}
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
