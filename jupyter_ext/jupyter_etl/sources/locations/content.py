"""Detection of file content by its first bytes: compression and unsupported formats."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any, BinaryIO

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import is_never_data, listed

_HEAD_BYTES = 1024
_SPOOLED_BYTES = 64 << 20
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
"""Magic bytes of zip archives; the second are those of an empty one."""

_POINTERS = (
    (rb"version https://(?:git-lfs|hawser)\.github\.com/spec/", "Git LFS", "git lfs pull"),
    (rb"/annex/objects/", "git-annex", "git annex get"),
)
_HTML = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_DOCUMENTS = (
    (re.compile(r'\s*(?:\[\s*)?\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*$)'), "JSON", "json or jsonl"),
    (re.compile(r"\s*<([\w:]+)(?:\s[^>]*)?>(?:(?!</\1>).)*</\1>\s*$", re.DOTALL), "XML", ""),
)
_OTHERS = (
    (rb"PAR1", "a Parquet file", "parquet"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (or another Office file)", "excel"),
    (rb"SQLite format 3\x00", "an SQLite database", "sql"),
    (rb"ARROW1|FEA1", "an Arrow or Feather file", ""),
    (rb"Obj\x01", "an Avro file", ""),
    (rb"ORC", "an ORC file", ""),
    (rb"%PDF-", "a PDF", ""),
    (rb"\x1f\x8b|BZh\d1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|PK\x03\x04", "packed twice", ""),
    (rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c", "a RAR or 7-Zip archive", ""),
)  # fmt: skip


@contextmanager
def open_text(name: str, stream: BinaryIO) -> Iterator[BinaryIO]:
    """Unpack a text file: CSV, JSON.

    The first bytes determine the compression, not the extension.

    Args:
        stream: The file; it must be seekable.

    Raises:
        SourceError: It is not text: a Git LFS pointer, a web page, a workbook; or it is an
            archive that does not contain exactly one file.
        EOFError: It is compressed, and truncated or damaged.
    """
    with _unpacked(name, stream) as (unpacked, head):
        refuse_other_content(name, head)
        yield unpacked


@contextmanager
def open_workbook(name: str, stream: BinaryIO) -> Iterator[BinaryIO]:
    """Unpack a workbook, which is a zip archive itself; arguments and errors as in `open_text`."""
    if not name.lower().endswith(".zip") and head_of(stream).startswith(_ZIPS):
        yield stream
        return
    with _unpacked(name, stream) as (unpacked, head):
        refuse_pointer_or_page(name, head)
        yield unpacked


def refuse_pointer_or_page(name: str, head: bytes) -> None:
    """Reject Git LFS pointers and web pages.

    Args:
        head: The first bytes of the file, unpacked.

    Raises:
        SourceError: It is one. Source: the specification of Git LFS, docs/spec.md.
    """
    for pattern, system, command in _POINTERS:
        if re.match(pattern, head):
            raise SourceError(
                f"{name} is a {system} pointer, not the data.",
                hint=f"Fetch the data in its repository: {command}.",
                retryable=False,
            )
    if _HTML.match(_plain(head)):
        raise SourceError(
            f"{name} is HTML, not data; it may be a saved login or error page.",
            hint="Open it in a browser to see its content, and download the file again.",
            retryable=False,
        )


def refuse_other_content(name: str, head: bytes) -> None:
    """Reject content other than CSV or JSON; arguments and errors as `refuse_pointer_or_page`."""
    refuse_pointer_or_page(name, head)
    found = next(((what, kind) for sign, what, kind in _OTHERS if re.match(sign, head)), None)
    if found is None and head[257:262] == b"ustar":
        found = ("a tar archive", "")
    if found is None and _plain(head).startswith(b"<?xml"):
        found = ("XML", "")
    if found is not None:
        what, kind = found
        raise SourceError(
            f"{name} is {what}, despite its name.",
            hint=f"Declare it with --kind {kind}."
            if kind
            else "Unpack or convert it, and declare the result.",
            retryable=False,
        )


def refuse_documents(name: str, text: str) -> None:
    """Reject JSON and XML, which a CSV reader would take for a header.

    Args:
        text: The head of the file.

    Raises:
        SourceError: It is one, for example the error message of a server.
    """
    found = next(((what, kind) for sign, what, kind in _DOCUMENTS if sign.match(text)), None)
    if found is not None:
        what, kind = found
        raise SourceError(
            f"{name} is {what}, not CSV: {text.strip()[:80]!r}.",
            hint="It may be an error message that was saved; fetch the file again"
            + (f", or declare it with --kind {kind}." if kind else "."),
            retryable=False,
        )


def _plain(head: bytes) -> bytes:
    """Return the head as ASCII without byte order mark and leading blanks."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        head = head.decode("utf-16", "ignore").encode("ascii", "ignore")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def head_of(stream: BinaryIO) -> bytes:
    """Return the first bytes of a seekable stream, and seek back to its start."""
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return head


@contextmanager
def _unpacked(name: str, stream: BinaryIO) -> Iterator[tuple[BinaryIO, bytes]]:
    head = head_of(stream)
    unpack = next((unpack for sign, unpack in _PACKINGS if re.match(sign, head)), None)
    if head.startswith(_ZIPS):
        unpack = partial(_member, name)
    if unpack is None:
        yield stream, head
        return
    with _damage(), unpack(stream) as unpacked:
        yield unpacked, head_of(unpacked)


@contextmanager
def _zstd(stream: BinaryIO) -> Iterator[IO[bytes]]:
    """Unpack into a temporary file, because readers need to seek, and Arrow's stream cannot."""
    import pyarrow as pa

    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as unpacked:
        shutil.copyfileobj(pa.CompressedInputStream(stream, "zstd"), unpacked)
        unpacked.seek(0)
        yield unpacked


_PACKINGS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (rb"\x1f\x8b", gzip.open),
    (rb"BZh\d1AY&SY", bz2.open),
    (rb"\xfd7zXZ\x00", lzma.open),
    (rb"\x28\xb5\x2f\xfd", _zstd),
)
"""Magic bytes of compressed files. Source: RFC 1952, RFC 8878, the formats of bzip2 and xz."""


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile) as problem:
        raise EOFError(f"it cannot be unpacked ({problem})") from problem
    except OSError as problem:
        # bz2 and Arrow's zstd have no error class of their own.
        if problem.errno is not None:
            raise
        raise EOFError(f"it cannot be unpacked ({problem})") from problem


def _member(name: str, outer: BinaryIO) -> Any:
    """Open the only file of a zip archive, ignoring files that operating systems add."""
    try:
        archive = zipfile.ZipFile(outer)
    except zipfile.BadZipFile as problem:
        raise EOFError(f"it is not a complete zip archive ({problem})") from problem
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not any(map(is_never_data, member.filename.split("/")))
    ]
    names = [member.filename for member in members]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise SourceError(
            f"{name} is a workbook or another Office file, despite its name.",
            hint="Declare it with --kind excel.",
            retryable=False,
        )
    if len(members) != 1:
        raise SourceError(
            f"{name} contains {len(members)} files ({listed(names)}); one is expected.",
            hint="Unpack it and declare the folder as the source.",
            retryable=False,
        )
    if members[0].flag_bits & 1:
        raise SourceError(
            f"{name} is password-protected.",
            hint="Unpack it, and declare the file in it.",
            retryable=False,
        )
    try:
        return archive.open(members[0])
    except NotImplementedError as problem:
        raise SourceError(
            f"{name} is compressed with an unsupported method ({problem}).",
            hint="Pack it again with another tool, or unpack it.",
            retryable=False,
        ) from problem
