"""Serving copies: a DuckDB file for each version of a table that endpoints read.

A copy is a cache. It has the rows of the version in their order, an index on each key column of
the endpoints that read it, and may be deleted at any time: it is built again for the next call.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_etl.errors import DeclarationError, first_line
from jupyter_etl.language.names import listed
from jupyter_etl.language.sql.lexer import quoted_text
from jupyter_etl.serving.queries.stored_types import stored_rows

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

UNUSED_S = 900.0
"""Seconds after its last use for which the copy of a version that is not live is kept."""

_TOUCH_S = 15.0
_HEAD_BYTES = 3 * 4096
"""The headers of a DuckDB file."""


@dataclass(frozen=True, kw_only=True)
class CopyOf:
    """Identity of a version.

    Args:
        name: Name of the publication.
        number: Number of the version.
        content: What distinguishes versions with the same number, after a restore of the ledger.
    """

    name: str
    number: int
    content: str = ""

    @property
    def stem(self) -> str:
        """Name of its files, without the extension."""
        identity = msgspec.json.encode([self.name, self.number, self.content])
        return f"{self.number}-{hashlib.sha256(identity).hexdigest()[:32]}"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the file next to a copy says: without it, or if it is not true, there is no copy."""

    name: str
    number: int
    bytes: int
    head: str
    keys: tuple[str, ...]


class Copies:
    """The copies in a folder, shared by any number of processes of one machine.

    Args:
        folder: Only for copies; it is created.
    """

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, wanted: CopyOf) -> Path:
        """Return the file of a copy, which may not exist."""
        return self.folder / f"{wanted.stem}.duckdb"

    def ensure(
        self,
        wanted: CopyOf,
        keys: Collection[str],
        build: Callable[[Path, tuple[str, ...]], None],
    ) -> Path:
        """Return the file of a copy with indexes on the keys, and extend its life.

        Blocks while the copy is built, by this process or another one.

        Args:
            keys: Names of columns.
            build: Calls `write_copy` in a child process, with this file and these keys.

        Raises:
            EtlError: Raised by ``build``.
        """
        path = self.path(wanted)
        record = self._record(path)
        if record is not None and set(keys) <= set(record.keys):
            self._touch(path)
            return path
        with self._lock(path):
            record = self._record(path)
            every = tuple(dict.fromkeys([*(record.keys if record else ()), *keys]))
            if record is None or every != record.keys:
                self._build(wanted, path, every, build)
        self._touch(path)
        return path

    def _build(
        self,
        wanted: CopyOf,
        path: Path,
        keys: tuple[str, ...],
        build: Callable[[Path, tuple[str, ...]], None],
    ) -> None:
        part = path.with_suffix(".part")
        # Of a process that was killed.
        _remove(part)
        try:
            build(part, keys)
            record = _Record(
                name=wanted.name,
                number=wanted.number,
                bytes=part.stat().st_size,
                head=_head(part),
                keys=keys,
            )
            # The record comes last: a crash in between leaves one that is not true.
            part.replace(path)
            note = path.with_suffix(".note")
            note.write_bytes(msgspec.json.encode(record))
            note.replace(path.with_suffix(".json"))
        finally:
            _remove(part)
            shutil.rmtree(_spill(part), ignore_errors=True)

    def discard(self, file: str) -> None:
        """Delete a copy that turned out to be damaged; the next call builds it again."""
        path = self.folder / file
        with self._lock(path):
            _remove(path.with_suffix(".json"))
            _remove(path)

    def drop_unused(self, live: Collection[CopyOf], *, unused_s: float = UNUSED_S) -> list[str]:
        """Delete the copies that no call has used for a while, except of live versions.

        Processes that have opened a deleted copy continue to read it.

        Args:
            live: Versions that are live or get calls otherwise.
            unused_s: Seconds since the last use.

        Returns:
            Names of the deleted files.
        """
        kept = {one.stem for one in live}
        dropped = []
        for path in sorted(self.folder.glob("*.lock")):
            if path.stem in kept or self._age(path) < unused_s:
                continue
            with self._lock(path, wait=False) as locked:
                if not locked or self._age(path) < unused_s:
                    continue
                for suffix in (".json", ".duckdb", ".part", ".note", ".lock"):
                    _remove(path.with_suffix(suffix))
                dropped.append(path.with_suffix(".duckdb").name)
        return dropped

    def _age(self, path: Path) -> float:
        try:
            return self._now() - path.with_suffix(".lock").stat().st_mtime
        except OSError:
            return 0.0

    def _touch(self, path: Path) -> None:
        if self._age(path) > _TOUCH_S:
            now = self._now()
            with suppress(OSError):
                os.utime(path.with_suffix(".lock"), (now, now))

    def _record(self, path: Path) -> _Record | None:
        """Return the record of a copy; None if there is none, or the copy is damaged."""
        try:
            content = path.with_suffix(".json").read_bytes()
            record = msgspec.json.decode(content, type=_Record)
            whole = path.stat().st_size == record.bytes and _head(path) == record.head
        except (OSError, msgspec.MsgspecError):
            return None
        return record if whole else None

    @contextmanager
    def _lock(self, path: Path, *, wait: bool = True) -> Iterator[bool]:
        lock = path.with_suffix(".lock")
        while True:
            with lock.open("ab") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                except BlockingIOError:
                    yield False
                    return
                if _is_at(file.fileno(), lock):
                    yield True
                    return
            # It was deleted with its copy in the meantime.


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()


def _spill(target: Path) -> Path:
    """Return the folder for rows that do not fit into memory while a copy is built."""
    return target.with_name(f"{target.name}.spill")


def _remove(path: Path) -> None:
    for one in (path, path.with_name(f"{path.name}.wal")):
        with suppress(OSError):
            one.unlink()


def write_copy(
    target: Path,
    rows: pa.RecordBatchReader,
    keys: Sequence[str],
    *,
    what: str,
    memory_bytes: int = 1 << 30,
    threads: int = 2,
) -> None:
    """Write a copy; called in a child process with limits of memory and time.

    Args:
        target: A file that does not exist.
        rows: Rows of one version.
        keys: Columns to index.
        what: The version in messages: ``'sales.daily' version 3``.
        memory_bytes: Memory for DuckDB.

    Raises:
        DeclarationError: A key is not a column, or not of a type that can be indexed.
        PublishError: A value has no exact counterpart.
    """
    import duckdb

    schema = rows.schema
    places = [_place(schema, key, what) for key in keys]
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_bytes}B",
        "threads": threads,
        "temp_directory": str(_spill(target)),
        # Half the time to build, and less than half the time to look up a row.
        "force_compression": "uncompressed",
        "python_enable_replacements": False,
    }
    with duckdb.connect(target, config=config) as connection:
        connection.execute("CREATE TABLE etl_copy (schema BLOB)")
        connection.execute("INSERT INTO etl_copy VALUES ($1)", [schema.serialize().to_pybytes()])
        try:
            _insert(connection, stored_rows(rows, what))
            for place in places:
                connection.execute(f"CREATE INDEX key_{place} ON data (c{place})")
        except duckdb.Error as problem:
            raise DeclarationError(
                f"{what} cannot be served: {first_line(problem)}",
                hint="Convert the column before it is published.",
            ) from problem
        connection.execute("CHECKPOINT")


def _insert(connection: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader) -> None:
    """Write rows batch by batch, so that an error of the reader is raised as it is."""
    import pyarrow as pa

    connection.register("etl_rows", rows.schema.empty_table())
    connection.execute("CREATE TABLE data AS SELECT * FROM etl_rows")
    connection.execute("BEGIN")
    for batch in rows:
        connection.register("etl_rows", pa.Table.from_batches([batch]))
        connection.execute("INSERT INTO data SELECT * FROM etl_rows")
    connection.execute("COMMIT")
    connection.unregister("etl_rows")


def _place(schema: pa.Schema, key: str, what: str) -> int:
    import pyarrow as pa

    if key not in schema.names:
        raise DeclarationError(
            f"{what} has no column '{key}', which is a key of an endpoint.",
            hint=f"It has {listed(schema.names)}.",
        )
    place = int(schema.names.index(key))
    if pa.types.is_nested(schema.field(place).type):
        raise DeclarationError(
            f"Column '{key}' of {what} is of type {schema.field(place).type}, which cannot be a key.",
            hint="Choose columns of numbers, texts or times.",
        )
    return place


def attach_sql(path: Path, alias: str) -> str:
    """Return the statement that makes a copy readable under an alias."""
    return f"ATTACH {quoted_text(str(path))} AS {alias} (READ_ONLY)"
