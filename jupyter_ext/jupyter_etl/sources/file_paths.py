"""Which files a location means: a path, a folder, a glob; local or by fsspec."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access
from jupyter_etl.sources.filesystems import is_remote_failure, open_filesystem
from jupyter_etl.spec.names import listed, nearest

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

ENDINGS: dict[str, tuple[str, ...]] = {
    "csv": ("csv", "tsv", "txt", "csv.gz", "csv.zip", "csv.bz2", "csv.xz", "tsv.gz", "tsv.zip"),
    "parquet": ("parquet", "pq", "parq"),
    "json": ("json", "json.gz"),
    "jsonl": ("jsonl", "ndjson", "jsonl.gz", "ndjson.gz"),
    "excel": ("xlsx", "xls", "xlsm", "xlsb", "ods"),
}
"""Endings that count as files of a kind where the location is a folder."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a source.

    Args:
        path: As its filesystem knows it.
        name: Relative to the folder that holds all files of the source; shown in messages.
        size: Bytes.
        stamp: Nanoseconds of the last change where the filesystem tells, else its etag.
    """

    path: str
    name: str
    size: int
    stamp: str


@dataclass(frozen=True, kw_only=True)
class FileSet:
    """The files of a source, in the order in which they are read.

    Args:
        fs: The filesystem they are on.
        files: At least one, sorted by name.
    """

    fs: AbstractFileSystem
    files: tuple[SourceFile, ...]

    def fingerprint(self) -> str:
        """Return the SHA-256 (hex) over names, sizes and times of change."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name}\0{file.size}\0{file.stamp}\n".encode())
        return digest.hexdigest()


def find_files(source: Source, access: Access) -> FileSet:
    """Resolve a source's location.

    Args:
        source: Of a kind in `ENDINGS`.
        access: Gives its secrets.

    Returns:
        Its files.

    Raises:
        SourceError: Nothing is there, nothing matches, or a file is empty or unreadable.
        MissingDependency: The filesystem of the URL needs a package that is not installed.
    """
    fs, root = open_filesystem(source, access)
    with reading(source, PurePosixPath(root).name):
        infos, base = _matches(fs, root, source)
        files = [_file(info, base) for info in infos]
    for file in files:
        if file.size == 0:
            raise SourceError(
                f"Source '{source.name}': {file.name} is empty (0 bytes).",
                hint="It may still be on its way; otherwise write it again.",
            )
    return FileSet(fs=fs, files=tuple(sorted(files, key=lambda file: file.name)))


@contextmanager
def reading(source: Source, name: str) -> Iterator[None]:
    """Turn what a filesystem raises into a `SourceError` that names the file.

    Args:
        source: Whose file it is.
        name: Of the file.

    Raises:
        SourceError: In place of any OSError; not retryable where only a person can help.
    """
    try:
        yield
    except PermissionError as problem:
        raise SourceError(
            f"Source '{source.name}': no permission to read {name}.",
            hint="Ask its owner for read access, or check the access rights of the file.",
            retryable=False,
        ) from problem
    except FileNotFoundError as problem:
        raise SourceError(f"Source '{source.name}': {name} is gone.", retryable=True) from problem
    except EOFError as problem:
        raise SourceError(
            f"Source '{source.name}': {name} is cut off: {problem}",
            hint="It may still be being written; otherwise fetch it again.",
        ) from problem
    except OSError as problem:
        raise SourceError(
            f"Source '{source.name}': {name} cannot be read: {problem.strerror or problem}."
        ) from problem
    except Exception as problem:
        if not is_remote_failure(problem):
            raise
        raise SourceError(
            f"Source '{source.name}': {name} cannot be read: {str(problem).rstrip('.')}.",
            hint="Its address and credentials come from the source's options and secrets, or from "
            "the environment.",
        ) from problem


@contextmanager
def open_file(files: FileSet, file: SourceFile) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed by its ending (gz, zip, bz2, xz).

    Raises:
        SourceError: A zip archive holds more than one file.
    """
    if not file.name.endswith(".zip"):
        with files.fs.open(file.path, "rb", compression="infer") as stream:
            yield stream
        return
    import zipfile

    with files.fs.open(file.path, "rb") as outer:
        try:
            archive = zipfile.ZipFile(outer)
        except zipfile.BadZipFile as problem:
            raise EOFError(f"it is no complete zip archive ({problem})") from problem
        members = [name for name in archive.namelist() if not name.endswith("/")]
        if len(members) != 1:
            raise SourceError(
                f"{file.name} holds {len(members)} files ({listed(members)}); one is expected.",
                hint="Unpack it and declare the folder as the source.",
                retryable=False,
            )
        with archive.open(members[0]) as stream:
            yield stream  # type: ignore[misc]


def _matches(fs: AbstractFileSystem, root: str, source: Source) -> tuple[list[dict[str, Any]], str]:
    if not fs.exists(root) and any(sign in root for sign in "*?["):
        base = root[: min(root.find(sign) for sign in "*?[" if sign in root)].rpartition("/")[0]
        found = [info for info in fs.glob(root, detail=True).values() if info["type"] == "file"]
        if not found:
            raise SourceError(
                f"Source '{source.name}': no file matches {source.declared or source.location}"
                f"{_instead(fs, base)}.",
                hint="Check the pattern; a relative one starts at the notebook's folder.",
                retryable=False,
            )
        return found, base
    if not fs.exists(root):
        raise _absent(fs, root, source)
    if not fs.isdir(root):
        return [fs.info(root)], root.rpartition("/")[0]
    return _folder(fs, root, source), root


def _folder(fs: AbstractFileSystem, root: str, source: Source) -> list[dict[str, Any]]:
    every = fs.find(root, detail=True)
    if any("/_delta_log/" in path for path in every):
        raise SourceError(
            f"Source '{source.name}': {source.location} is a Delta table; its files hold rows of "
            "other versions too.",
            hint="Read it as a publication, or with deltalake into a frame.",
            retryable=False,
        )
    endings = ENDINGS.get(source.kind, ())
    found = [
        info
        for path, info in sorted(every.items())
        if not any(
            part.startswith((".", "_")) for part in PurePosixPath(path[len(root) :]).parts[1:]
        )
        and path.lower().endswith(tuple(f".{ending}" for ending in endings))
    ]
    if not found:
        raise SourceError(
            f"Source '{source.name}': the folder {source.declared or source.location} has no "
            f"{source.kind} file (.{', .'.join(endings)}){_instead(fs, root)}.",
            hint="Declare the files by a glob like 'folder/*.dat' if they end otherwise.",
            retryable=False,
        )
    return found


def _absent(fs: AbstractFileSystem, root: str, source: Source) -> SourceError:
    folder, _, name = root.rpartition("/")
    there = _names(fs, folder)
    suggestion = nearest(name, there).strip()
    return SourceError(
        f"Source '{source.name}': there is no {source.declared or source.location}"
        f"{_instead(fs, folder)}.",
        hint=suggestion or "Check the path; a relative one starts at the notebook's folder.",
        retryable=False,
        data={"location": source.location, "there": there[:50]},
    )


def _instead(fs: AbstractFileSystem, folder: str) -> str:
    there = _names(fs, folder)
    return f"; {folder} holds {listed(there)}" if there else f"; {folder} is no folder with files"


def _names(fs: AbstractFileSystem, folder: str) -> list[str]:
    try:
        return sorted(PurePosixPath(path).name for path in fs.ls(folder, detail=False))
    except (OSError, ValueError):
        return []


def _file(info: dict[str, Any], base: str) -> SourceFile:
    path = str(info["name"])
    local = Path(path)
    if "mtime" in info and local.exists():
        known = local.stat()
        if not stat.S_ISREG(known.st_mode):
            raise OSError(f"{path} is not a regular file")
        stamp, size = str(known.st_mtime_ns), known.st_size
    else:
        stamp = str(
            next((info[k] for k in ("ETag", "etag", "LastModified", "mtime") if k in info), "")
        )
        size = int(info["size"]) if info.get("size") is not None else -1
    name = path[len(base) :].lstrip("/") if base and path.startswith(base) else path
    return SourceFile(path=path, name=name or path, size=size, stamp=stamp)
