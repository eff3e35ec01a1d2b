"""Local copies of files in an object store that are read more than once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fsspec.implementations.local import LocalFileSystem

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading
from jupyter_etl.sources.locations.paths import FileSet, SourceFile, reading
from jupyter_etl.sources.readings import owning_reader

FETCH_BYTES = 4 << 30
"""Maximum total size of files that are copied locally; larger ones are read remotely."""


def read_fetched(source: Source, files: FileSet, read: Callable[[FileSet], Reading]) -> Reading:
    """Read files from a local copy, if they are remote and small enough.

    Args:
        read: Reads files, as often as it needs.

    Returns:
        The result of ``read``; the copy is deleted after the last row.

    Raises:
        SourceError: A file cannot be fetched, or changed meanwhile.
    """
    if isinstance(files.fs, LocalFileSystem) or not _fits(files):
        return read(files)
    folder = Path(tempfile.mkdtemp(prefix="jupyter-etl-"))

    def delete() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    try:
        found = read(_fetched(source, files, folder))
    except BaseException:
        delete()
        raise
    rows = owning_reader(found.batches.schema, found.batches, delete)
    return replace(found, batches=rows)


def _fits(files: FileSet) -> bool:
    sizes = [file.size for file in files.files]
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return min(sizes) >= 0 and sum(sizes) <= min(FETCH_BYTES, free // 2)


def _fetched(source: Source, files: FileSet, folder: Path) -> FileSet:
    # Keep the suffix, which determines the compression.
    copies = tuple(
        replace(file, path=str(folder / f"{number}{PurePosixPath(file.name).suffix}"))
        for number, file in enumerate(files.files)
    )
    what = files.files[0].name if len(copies) == 1 else f"one of {len(copies)} files"
    with reading(source, what):
        files.fs.get([file.path for file in files.files], [copy.path for copy in copies])
    for copy in copies:
        _refuse_other_size(source, copy)
    return FileSet(fs=LocalFileSystem(), files=copies)


def _refuse_other_size(source: Source, copy: SourceFile) -> None:
    size = Path(copy.path).stat().st_size
    if size != copy.size:
        raise SourceError(
            f"Source '{source.name}': {copy.name} had {copy.size:,} bytes in its folder's list and "
            f"{size:,} when it was fetched.",
            hint="It was being written; read it again.",
            retryable=True,
        )
