"""Resolution of a location to files: a path, a folder, a glob; local or by fsspec."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import is_documentation, left_out, listed, nearest
from jupyter_etl.model import Source
from jupyter_etl.ports import Access
from jupyter_etl.sources.locations.content import open_text, open_workbook
from jupyter_etl.sources.locations.filesystems import is_remote_failure, open_filesystem

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PACKED = ("", ".gz", ".bz2", ".xz", ".zst", ".zip")
ENDINGS: dict[str, tuple[str, ...]] = {
    kind: tuple(f"{ending}{packed}" for packed in packings for ending in endings)
    for kind, endings, packings in (
        ("csv", ("csv", "tsv"), _PACKED),
        ("parquet", ("parquet", "pq", "parq"), ("",)),
        ("json", ("json",), _PACKED),
        ("jsonl", ("jsonl", "ndjson"), _PACKED),
        ("excel", ("xlsx", "xls", "xlsm", "xlsb", "ods"), ("",)),
    )
}
"""Suffixes of the files of a kind when the location is a folder."""

_TEXT_ENDINGS = tuple(f"txt{packed}" for packed in _PACKED)
"""Suffixes that count as CSV in a folder without any .csv or .tsv file."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a source.

    Args:
        path: Path on its filesystem.
        name: Relative to the common folder of all files of the source; shown in messages.
        size: Bytes.
        stamp: Modification time in nanoseconds, or else the etag.
    """

    path: str
    name: str
    size: int
    stamp: str


@dataclass(frozen=True, kw_only=True)
class FileSet:
    """The files of a source, in reading order.

    Args:
        fs: Their filesystem.
        files: At least one, sorted by name.
        notes: Sentences about skipped files of the location.
    """

    fs: AbstractFileSystem
    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Return the SHA-256 (hex) over names, sizes and modification times."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name}\0{file.size}\0{file.stamp}\n".encode())
        return digest.hexdigest()


def find_files(source: Source, access: Access) -> FileSet:
    """Resolve a source's location.

    Args:
        source: A source of a kind in `ENDINGS`.

    Raises:
        SourceError: There is no file, no match, or a file is empty or unreadable.
        MissingDependency: The filesystem of the URL needs a package that is not installed.
    """
    fs, root = open_filesystem(source, access)
    with reading(source, PurePosixPath(root).name):
        found = _matches(fs, root, source)
        files = [_file(info, found.base) for info in found.infos]
    for file in files:
        if file.size == 0:
            raise SourceError(
                f"Source '{source.name}': {file.name} is empty (0 bytes).",
                hint="It may still be on its way; otherwise write it again.",
            )
    return FileSet(fs=fs, files=tuple(sorted(files, key=lambda file: file.name)), notes=found.notes)


@contextmanager
def reading(source: Source, name: str) -> Iterator[None]:
    """Convert exceptions of a filesystem to a `SourceError` that names the file.

    Raises:
        SourceError: Instead of an OSError; not retryable if only the user can fix it.
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
        raise SourceError(
            f"Source '{source.name}': {name} no longer exists.", retryable=True
        ) from problem
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
def open_file(files: FileSet, file: SourceFile, *, workbook: bool = False) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked (gz, zip, bz2, xz, zst) according to its first bytes.

    Args:
        workbook: Whether it is a workbook, which may be a zip archive itself; else it is text.

    Raises:
        SourceError: It has other content: a Git LFS pointer, a web page, several files.
    """
    unpack = open_workbook if workbook else open_text
    with files.fs.open(file.path, "rb") as stream, unpack(file.name, stream) as unpacked:
        yield unpacked


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The files of a location.

    Args:
        infos: File infos from the filesystem.
        base: The common folder of all files.
        left_out: Skipped files and folders, relative to the base.
        notes: Further notes.
    """

    infos: list[dict[str, Any]]
    base: str
    left_out: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        names = sorted(set(self.left_out))
        if not names:
            return ()
        one, many = "file", "files"
        if any(name.endswith("/") for name in names):
            one, many = "folder", "files and folders"
        noun = one if len(names) == 1 else many
        return (f"Skipped {len(names)} {noun}: {listed(names, limit=8)}.",)


def _matches(fs: AbstractFileSystem, root: str, source: Source) -> _Found:
    if not fs.exists(root) and any(sign in root for sign in "*?["):
        return _glob(fs, root, source)
    if not fs.exists(root):
        raise _absent(fs, root, source)
    info = fs.info(root)
    # In an object store, a name can be both a file and a folder; a trailing slash means the folder.
    if info["type"] == "directory" or (source.location.endswith("/") and fs.isdir(root)):
        return _folder(fs, root, source)
    base, _, name = root.rpartition("/")
    return _Found(infos=[info], base=base, left_out=(f"{name}/",) if fs.isdir(root) else ())


def _glob(fs: AbstractFileSystem, root: str, source: Source) -> _Found:
    base = root[: min(root.find(sign) for sign in "*?[" if sign in root)].rpartition("/")[0]
    pattern = PurePosixPath(root[len(base) :]).parts
    matching = list(fs.glob(root, detail=True).values())
    every = [info for info in matching if info["type"] == "file"]
    found = _selected(every, base, pattern)
    folders = [f"{_below(info, base)}/" for info in matching if info["type"] == "directory"]
    inside = [_below(info, base) for info in every]
    found = replace(
        found,
        left_out=(
            *found.left_out,
            *(one for one in folders if not any(name.startswith(one) for name in inside)),
        ),
    )
    if not found.infos:
        raise SourceError(
            f"Source '{source.name}': no file matches {source.declared or source.location}"
            f"{_but(found) or _instead(fs, base)}.",
            hint="Check the pattern; a relative pattern starts at the notebook's folder.",
            retryable=False,
        )
    return found


def _folder(fs: AbstractFileSystem, root: str, source: Source) -> _Found:
    every = fs.find(root, detail=True)
    if any("/_delta_log/" in path for path in every):
        raise SourceError(
            f"Source '{source.name}': {source.location} is a Delta table; its files hold rows of "
            "other versions too.",
            hint="Read it as a publication, or with deltalake into a frame.",
            retryable=False,
        )
    found = _of_kind(_selected(list(every.values()), root), source.kind)
    if not found.infos:
        endings = ENDINGS.get(source.kind, ())
        plain = [ending for ending in endings if "." not in ending]
        raise SourceError(
            f"Source '{source.name}': the folder {source.declared or source.location} has no "
            f"{source.kind} file (.{', .'.join(plain)}){_but(found) or _instead(fs, root)}.",
            hint="If the files have another extension, declare a glob such as 'folder/*.dat'.",
            retryable=False,
        )
    return found


def _selected(infos: list[dict[str, Any]], base: str, pattern: tuple[str, ...] = ()) -> _Found:
    """Skip files that never hold data; a skipped folder counts as one."""
    kept, out = [], []
    for info in infos:
        name = left_out(PurePosixPath(_below(info, base)).parts, pattern)
        if name:
            out.append(name)
        else:
            kept.append(info)
    return _Found(infos=kept, base=base, left_out=tuple(out))


def _of_kind(found: _Found, kind: str) -> _Found:
    """Keep the files with an extension of the kind; ``.txt`` is CSV if there is no other."""
    kept = _ending(found.infos, ENDINGS.get(kind, ()))
    if not kept and kind == "csv":
        texts = _ending(found.infos, _TEXT_ENDINGS)
        kept = [i for i in texts if not is_documentation(PurePosixPath(i["name"]).name)] or texts
    names = {info["name"] for info in kept}
    others = [_below(info, found.base) for info in found.infos if info["name"] not in names]
    return replace(found, infos=kept, left_out=(*found.left_out, *others))


def _ending(infos: list[dict[str, Any]], endings: tuple[str, ...]) -> list[dict[str, Any]]:
    ends = tuple(f".{ending}" for ending in endings)
    return [info for info in infos if str(info["name"]).lower().endswith(ends)]


def _below(info: dict[str, Any], base: str) -> str:
    return str(info["name"])[len(base) :].lstrip("/")


def _but(found: _Found) -> str:
    if not found.left_out:
        return ""
    return f" except files that are skipped: {listed(sorted(set(found.left_out)), limit=8)}"


def _absent(fs: AbstractFileSystem, root: str, source: Source) -> SourceError:
    folder, _, name = root.rpartition("/")
    there = _names(fs, folder)
    suggestion = nearest(name, there).strip()
    return SourceError(
        f"Source '{source.name}': there is no {source.declared or source.location}"
        f"{_instead(fs, folder)}.",
        hint=suggestion or "Check the path; a relative pattern starts at the notebook's folder.",
        retryable=False,
        data={"location": source.location, "there": there[:50]},
    )


def _instead(fs: AbstractFileSystem, folder: str) -> str:
    there = _names(fs, folder)
    return (
        f"; {folder} contains {listed(there)}"
        if there
        else (f"; {folder} is not a folder with files")
    )


def _names(fs: AbstractFileSystem, folder: str) -> list[str]:
    try:
        return sorted(PurePosixPath(path).name for path in fs.ls(folder, detail=False))
    except (OSError, ValueError):
        return []


def _file(info: dict[str, Any], base: str) -> SourceFile:
    path = str(info["name"])
    local = Path(path)
    if info.get("islink") and not local.exists():
        raise OSError(f"{path} is a link to a file that is not there")
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
