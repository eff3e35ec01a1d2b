"""Copies of a SQLite ledger: created, checked and restored while others may use it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from jupyter_etl.errors import StoreError
from jupyter_etl.ledger.databases.error_mapping import translated
from jupyter_etl.ledger.schema.tables import VERSION_TABLE

HEADER = b"SQLite format 3\0"
"""The first bytes of every SQLite file (sqlite.org/fileformat.html)."""

_WAIT_S = 75.0
_BESIDE = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, kw_only=True)
class LedgerFile:
    """Facts about a file that is an intact ledger.

    Args:
        path: Path of the file.
        bytes: Its size.
        revision: Revision of its schema.
        runs: How many runs it has.
        last_run: The greatest id that a run ever had.
    """

    path: Path
    bytes: int
    revision: str
    runs: int
    last_run: int


def stamp(now: datetime | None = None) -> str:
    """Return a UTC time as it is used in names of files: ``20260131T060000Z``."""
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def unused(path: Path) -> Path:
    """Return a path, or the first like it that no file has: ``a.sqlite``, ``a-2.sqlite``."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def back_up(path: Path, target: Path) -> LedgerFile:
    """Copy a SQLite ledger while others use it; the copy is complete or does not exist.

    Args:
        target: The copy; the file must not exist. Its folder is created, private to this user.

    Returns:
        The facts about the copy, which was read and is intact.

    Raises:
        StoreError: It cannot be written, or the ledger is damaged.
    """
    with _written(target):
        if target.exists():
            raise FileExistsError(17, "The file already exists", str(target))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _part(target) as part:
            _copy(path, part)
            held = inspect_file(part)
            _sync(part)
            part.replace(target)
    return LedgerFile(
        path=target,
        bytes=held.bytes,
        revision=held.revision,
        runs=held.runs,
        last_run=held.last_run,
    )


def inspect_file(path: Path) -> LedgerFile:
    """Read a ledger completely.

    Raises:
        StoreError: The file is not a ledger, or it is damaged.
    """
    if not is_sqlite(path):
        raise _no_ledger(path, "it is not a SQLite file")
    # quote: SQLite reads % and ? of a URI.
    place = f"file:{quote(str(path.absolute()))}?mode=ro"
    with translated(repr(str(path))), closing(sqlite3.connect(place, uri=True)) as connection:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if said != ["ok"]:
            raise _no_ledger(path, f"it is damaged ({said[0]})")
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise _no_ledger(path, "it is damaged (rows point at rows that are not there)")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if not {VERSION_TABLE, "runs"} <= tables:
            raise _no_ledger(path, "it does not contain the tables of a ledger")
        revision = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 - a constant
        runs = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
        last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").fetchone()
    return LedgerFile(
        path=path,
        bytes=path.stat().st_size,
        revision=str(revision[0]) if revision else "",
        runs=runs,
        last_run=last[0] if last else 0,
    )


def is_sqlite(path: Path) -> bool:
    """Return whether a file begins like one of SQLite; an empty file does not."""
    try:
        with path.open("rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError:
        return False


def put_back(
    copy: Path, ledger: Path, *, kept: Path, migrate: Callable[[Path], None], last_run: int = 0
) -> Path | None:
    """Replace the content of a ledger by that of a copy, in one step.

    The content of an intact ledger is replaced in one transaction, so that other processes that
    have it open see the old or the new one. A damaged file is replaced as a file.

    Args:
        copy: An intact ledger; it is not changed.
        ledger: The file to replace; it may be damaged or absent.
        kept: Where to save the old content of the ledger.
        migrate: Brings the ledger at a path to the schema of this version.
        last_run: The greatest known id of a run; new runs get greater ones.

    Returns:
        ``kept``; None if there was nothing to save.

    Raises:
        StoreError: It failed; the content of the ledger has not changed.
    """
    ledger.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _written(ledger), _part(ledger) as part:
        _copy(copy, part)
        migrate(part)
        try:
            present = inspect_file(ledger)
        except StoreError as problem:
            if problem.retryable:
                raise
            _skip_run_numbers(part, last_run)
            there = _keep_damaged(ledger, kept)
            _sync(part)
            # SQLite would apply a journal of the old file to the new one.
            for suffix in _BESIDE:
                ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)
            part.replace(ledger)
            return kept if there else None
        back_up(ledger, kept)
        _skip_run_numbers(part, max(last_run, present.last_run))
        _copy(part, ledger)
    return kept


def _keep_damaged(ledger: Path, kept: Path) -> bool:
    if not ledger.exists():
        return False
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(kept, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    shutil.copyfile(ledger, kept)
    return True


def _skip_run_numbers(path: Path, last_run: int) -> None:
    """Number new runs after all that ever existed: an id names a folder on disk."""
    with closing(sqlite3.connect(path)) as connection, connection:
        raised = connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'runs'", [last_run]
        )
        if raised.rowcount == 0:
            connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', ?)", [last_run]
            )


def _copy(path: Path, target: Path) -> None:
    until = time.monotonic() + _WAIT_S

    def give_up(status: int, left: int, pages: int) -> None:
        if time.monotonic() > until:
            raise sqlite3.OperationalError("database is locked")

    with (
        translated(repr(str(path))),
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy, progress=give_up)


@contextlib.contextmanager
def _part(target: Path) -> Iterator[Path]:
    """Provide a new private file next to another; it is deleted at the end unless it was moved."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        yield part
    finally:
        for suffix in ("", *_BESIDE):
            part.with_name(part.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def _written(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StoreError(
            f"The file {str(target)!r} cannot be written: {problem.strerror}.",
            hint="Choose another place, with free space, that this user can write to.",
            retryable=False,
        ) from problem


def _sync(path: Path) -> None:
    """Sync a file to disk, then its folder."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _no_ledger(path: Path, why: str) -> StoreError:
    return StoreError(
        f"The file {str(path)!r} is not a usable ledger: {why}.",
        hint="Take a file that 'jupyter etl backup' has made.",
        retryable=False,
    )
