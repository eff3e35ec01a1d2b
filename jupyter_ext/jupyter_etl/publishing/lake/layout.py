"""Locations of outputs in the lake, atomic placement of files, and the marker in the lake's root."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from jupyter_etl.errors import PublishError, StorageError
from jupyter_etl.model import Committed, PublicationVersion
from jupyter_etl.publishing.lake.beneath import (
    copy_beneath,
    folder_beneath,
    open_beneath,
    root_and_parts,
    root_mode,
)

_MARKER = ".token"

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_SEGMENT_BYTES = 200

LAKE_MARKER = ".jupyter-etl-lake"
_MOST_BYTES = 100


def is_local(location: str) -> bool:
    """Return whether a location is a local folder and not an fsspec URL."""
    return "://" not in location


def publication_folder(lake: str, kind: str, name: str, *, draft: bool) -> str:
    """Return the folder or URL of all versions of a publication.

    Args:
        lake: Folder or fsspec URL of the lake.
        kind: ``tables``, ``files`` or ``reports``.
        draft: Whether to use ``drafts/``, which consumers do not read.

    Raises:
        PublishError: The name is not a valid folder name.
    """
    parts = ["drafts", kind] if draft else [kind]
    root = os.path.abspath(lake) if is_local(lake) else lake.rstrip("/")  # noqa: PTH100
    return "/".join([root, *parts, _segment(name, "publication name")])


def relative_path(text: str) -> PurePosixPath:
    """Return the path of a published file, as declared.

    Raises:
        PublishError: It is empty, absolute, or leaves its folder.
    """
    if not text or text.startswith("/") or re.match(r"[A-Za-z]:", text):
        raise PublishError(
            f"The file name {text!r} is not a relative path.",
            hint="Write it like reports/{{day}}.csv, without a leading slash.",
        )
    return PurePosixPath(*(_segment(part, "file name") for part in text.split("/")))


def _segment(text: str, what: str) -> str:
    fine = (
        text not in {"", ".", ".."}
        and not text.startswith(".")
        and "/" not in text
        and "\\" not in text
        and not _CONTROL.search(text)
        and len(text.encode("utf-8", "surrogatepass")) <= _LONGEST_SEGMENT_BYTES
    )
    if not fine:
        raise PublishError(
            f"The {what} {text!r} is not allowed: it is empty, hidden, too long, or leads elsewhere.",
            hint="Use letters, digits, '.', '_' and '-'.",
        )
    return text


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Convert a full disk, a missing permission and similar errors to one sentence.

    Args:
        what: The start of the sentence: ``"'sales.daily' cannot be published"``.

    Raises:
        PublishError: Instead of an `OSError`, including those that Rust code reports as text.
    """
    try:
        yield
    except OSError as problem:
        raise _explained(what, problem) from problem


def _explained(what: str, problem: OSError) -> PublishError:
    text = str(problem)
    where = f" ({problem.filename})" if problem.filename else ""
    if problem.errno in _FULL or "No space left" in text or "os error 28" in text:
        return PublishError(
            f"{what}: the disk is full{where}.",
            hint="Free some space, then run it again; earlier versions are unchanged.",
            retryable=True,
        )
    if problem.errno in _DENIED or "Permission denied" in text or "Read-only file" in text:
        return PublishError(
            f"{what}: no permission to write there{where}.",
            hint="Ask for write access to the lake's folder, or set JUPYTER_ETL_LAKE to another.",
        )
    return PublishError(f"{what}: {in_one_line(problem)}.", retryable=True)


def in_one_line(problem: Exception) -> str:
    """Return the message of an error on one line, without a final full stop."""
    return " ".join(str(problem).split()).rstrip(".") or type(problem).__name__


def place_linked(source: Path, target: Path) -> None:
    """Place a file of an attempt's stage in the lake, as a hard link if possible.

    The staged file stays, so that the commit can be repeated after a crash. Nothing is synced: the
    caller does that once for a whole commit.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError as problem:
        # Another filesystem, or one without hard links; copying raises any real error again.
        if problem.errno == errno.EEXIST:
            raise
        shutil.copyfile(source, target)


def version_folder(folder: str, number: int, token: str) -> str:
    """Return the folder of one version of a file or report; the same for the same token.

    The number alone is not enough: two runs that publish at the same time get the same next number,
    and only the ledger decides later which one keeps it. Therefore the first token owns the folder
    ``<number>``, recorded in a marker file that is created exclusively; any other token with that
    number uses ``<number>-<hash of the token>``. A repeated commit finds its own folder again, with
    the file that it has already placed there. Not all object stores can create files exclusively:
    there the hash is always part of the name.

    Args:
        folder: From `publication_folder`.
        number: The version that it will probably get.
    """
    mark = hashlib.sha256(token.encode()).hexdigest()
    apart = f"{folder}/{number}-{mark[:12]}"
    if not is_local(folder) or Path(apart).exists():
        return apart
    own = Path(folder, str(number))
    root, parts = root_and_parts(own)
    with folder_beneath(root, parts, make=True) as inside:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        try:
            descriptor = os.open(_MARKER, flags, 0o644, dir_fd=inside)
        except FileExistsError:
            with os.fdopen(open_beneath(own / _MARKER)) as file:
                return str(own) if file.read() == mark else apart
        with os.fdopen(descriptor, "w") as file:
            file.write(mark)
            os.fchmod(file.fileno(), root_mode(own) & 0o666)
    return str(own)


def place_version(source: Path, folder: str, path: PurePosixPath) -> tuple[str, str, int]:
    """Place the file of a version in its folder, unless it exists already.

    Args:
        source: The file to place.
        folder: From `version_folder`.
        path: Path inside that folder.

    Returns:
        Its absolute path or URL, its SHA-256 (hex) and its size in bytes.
    """
    location = f"{folder}/{path}"
    if is_local(folder):
        target = Path(location)
        if not target.is_file():
            copy_beneath(source, target)
            for above in (Path(folder), *list(Path(folder).parents)[:2]):
                sync(above)
        with os.fdopen(open_beneath(target), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return location, digest, os.fstat(file.fileno()).st_size
    import fsspec

    filesystem, remote = fsspec.core.url_to_fs(location)
    if not filesystem.exists(remote):
        filesystem.put_file(str(source), remote)
    return location, sha256_of(source), source.stat().st_size


def open_version_file(version: PublicationVersion) -> int:
    """Open the file of a version in a local lake for reading; return its descriptor.

    Raises:
        StorageError: It does not exist, or its path contains a symbolic link.
    """
    location = version.what.location
    named = f"The file of version {version.number} of {version.name!r}"
    try:
        return open_beneath(location)
    except FileNotFoundError as problem:
        raise StorageError(
            f"{named} is not in the lake ({location}).",
            hint="Mount the lake, or restore the file from a backup.",
        ) from problem


def still_there(version: PublicationVersion) -> Committed:
    """Return the location of a version's file.

    Raises:
        StorageError: It does not exist, or its size differs from the ledger's record.
    """
    what, named = version.what, f"The file of version {version.number} of {version.name!r}"
    if not is_local(what.location):
        return what
    descriptor = open_version_file(version)
    size = os.fstat(descriptor).st_size
    os.close(descriptor)
    if size != what.bytes:
        raise StorageError(
            f"{named} has {size:,} bytes, but {what.bytes:,} in the ledger ({what.location}).",
            hint="Restore the file from a backup, or publish it again.",
        )
    return what


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def marker_path(lake: str) -> str:
    """Return the path or URL of a lake's marker."""
    return f"{lake.rstrip('/')}/{LAKE_MARKER}"


def read_marker(lake: str) -> str | None:
    """Return the id of the ledger that a lake belongs to; None if it has no marker.

    Raises:
        StorageError: The lake cannot be read.
    """
    path = marker_path(lake)
    try:
        if is_local(lake):
            with Path(path).open("rb") as file:
                return file.read(_MOST_BYTES).decode("ascii", "replace").strip()
        import fsspec

        filesystem, remote = fsspec.core.url_to_fs(path)
        content: bytes = filesystem.cat_file(remote)
        return content[:_MOST_BYTES].decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as problem:
        raise StorageError(f"The lake {lake} cannot be read: {problem}.") from problem


def write_marker(lake: str, ledger: str) -> str:
    """Mark a lake as a ledger's, unless it has a marker already; return the id in the marker.

    Args:
        lake: Folder or fsspec URL; a missing folder is created.
        ledger: Id of the ledger.

    Raises:
        PublishError: The lake cannot be written.
    """
    with disk_errors(f"The lake {lake} cannot be used"):
        if is_local(lake):
            _write_exclusively(Path(marker_path(lake)), ledger)
        else:
            import fsspec

            filesystem, remote = fsspec.core.url_to_fs(marker_path(lake))
            filesystem.pipe_file(remote, f"{ledger}\n".encode())
    return read_marker(lake) or ""


def _write_exclusively(path: Path, ledger: str) -> None:
    created = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        part.write_text(f"{ledger}\n")
        sync(part)
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    for folder in (path.parent, *(one.parent for one in created)):
        sync(folder)
