"""The DuckDB instance of a worker: serving copies, read-only, under the names of publications."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.language.sql.lexer import quoted, quoted_text
from jupyter_etl.serving.queries.copies import Copies, attach_sql
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.queries.rejection import Rejected, rejected
from jupyter_etl.serving.queries.statements import in_schema

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_MOST_OPEN = 64
"""Copies that are open at the same time; the least recently used one is closed."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one instance.

    Args:
        memory_bytes: Memory for data; nothing is spilled to disk.
        threads: Number of threads.
        seconds: Longest duration of a query.
    """

    memory_bytes: int = 512 << 20
    threads: int = 1
    seconds: float = 30.0


@dataclass(frozen=True, kw_only=True)
class OpenCopy:
    """A copy that is open.

    Args:
        alias: Name of its catalog.
        schema: Names and types of the publication; its columns are ``c0``, ``c1`` ...
        inode: Identity of the file, which is replaced when a copy gets an index.
    """

    alias: str
    schema: pa.Schema
    inode: int


class Database:
    """An instance that can read the copies in a folder and nothing else; thread-safe.

    Args:
        timezone: IANA name of the time zone for days in queries, and for naive times.
    """

    def __init__(self, folder: Path, limits: Limits, *, timezone: str = "UTC") -> None:
        self._copies = Copies(folder)
        self._sandbox = partial(open_sandbox, limits, folder=folder, timezone=timezone)
        self._connection = self._sandbox()
        self._open: OrderedDict[str, OpenCopy] = OrderedDict()
        self._views: dict[tuple[object, ...], str] = {}
        self._count = 0
        self._lock = threading.RLock()

    def reset(self) -> None:
        """Replace the instance after an error that has made it unusable."""
        with self._lock:
            self._connection.close()
            self._connection = self._sandbox()
            self._open.clear()
            self._views.clear()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own for one call."""
        return self._connection.cursor()

    def open_copy(self, name: str, copy: CopyRef) -> OpenCopy:
        """Open a copy, or return the open one.

        Raises:
            Rejected: There is no such copy, or it is damaged and now deleted (503).
        """
        path = self._copies.folder / Path(copy.file).name
        with self._lock:
            found = self._open.get(path.name)
            if found is not None and _inode(path) in (found.inode, None):
                self._open.move_to_end(path.name)
                return found
            self._close(path.name)
            self._close_others()
            opened = self._attached(path)
            if opened is None:
                raise absent(name, copy)
            self._open[path.name] = opened
            return opened

    def _attached(self, path: Path) -> OpenCopy | None:
        """Open a copy; None if there is none, or it is damaged and now deleted."""
        import duckdb
        import pyarrow as pa

        alias, inode = self._fresh("copy"), _inode(path)
        if inode is None:
            return None
        try:
            self._connection.execute(attach_sql(path, alias))
            row = self._connection.execute(f"SELECT schema FROM {alias}.etl_copy").fetchone()  # noqa: S608 - ours
            schema = pa.ipc.read_schema(pa.py_buffer(row[0] if row else b""))
        except (duckdb.Error, pa.ArrowInvalid):
            self._copies.discard(path.name)
            return None
        return OpenCopy(alias=alias, schema=schema, inode=inode)

    def discard(self, copies: Mapping[str, CopyRef]) -> Rejected:
        """Delete copies that turned out to be damaged, and return the error for the call."""
        for copy in copies.values():
            file = Path(copy.file).name
            with self._lock:
                self._close(file)
            self._copies.discard(file)
        return absent(*next(iter(copies.items())))

    def views(
        self,
        tables: Mapping[str, OpenCopy],
        names: Mapping[str, str],
        columns: Mapping[str, str],
    ) -> str:
        """Return a catalog in which the tables are visible under their names.

        Args:
            tables: Open copies, by name of the publication.
            names: Replacements of tables or of parts of their names, see `ExactNames`.
            columns: Replacements of columns.
        """
        identity = (
            tuple((name, table.alias) for name, table in tables.items()),
            tuple(names.items()),
            tuple(columns.items()),
        )
        with self._lock:
            found = self._views.get(identity)
            if found is None:
                found = self._fresh("views")
                self._connection.execute(f"ATTACH ':memory:' AS {found}")
                for name, table in tables.items():
                    self._create(found, name, table, names, columns)
                self._views[identity] = found
            return found

    def _create(
        self,
        catalog: str,
        name: str,
        table: OpenCopy,
        names: Mapping[str, str],
        columns: Mapping[str, str],
    ) -> None:
        shown = [columns.get(column, column) for column in table.schema.names]
        cells = ", ".join(f"c{place} AS {quoted(text)}" for place, text in enumerate(shown))
        views = [f"{catalog}.main.{quoted(names.get(name, name))}"]
        if in_schema(name):
            schema, last = (quoted(names.get(part, part)) for part in name.split("."))
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{schema}")
            views.append(f"{catalog}.{schema}.{last}")
        for view in views:
            self._connection.execute(
                f"CREATE VIEW {view} AS SELECT {cells} FROM {table.alias}.main.data"  # noqa: S608 - quoted or ours
            )

    def _close_others(self) -> None:
        """Close deleted copies, which still take up disk space, and the least recently used ones."""
        for file in list(self._open):
            if len(self._open) >= _MOST_OPEN or _inode(self._copies.folder / file) is None:
                self._close(file)

    def _close(self, file: str) -> None:
        found = self._open.pop(file, None)
        if found is None:
            return
        for identity, catalog in list(self._views.items()):
            aliases: Sequence[tuple[str, str]] = identity[0]  # type: ignore[assignment]  # of `views`
            if any(alias == found.alias for _, alias in aliases):
                self._connection.execute(f"DETACH {catalog}")
                del self._views[identity]
        self._connection.execute(f"DETACH {found.alias}")

    def _fresh(self, stem: str) -> str:
        self._count += 1
        return f"etl_{stem}_{self._count}"


def _inode(path: Path) -> int | None:
    """Return the identity of a file; None if it does not exist."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def open_sandbox(
    limits: Limits, *, folder: Path | None = None, timezone: str = "UTC"
) -> duckdb.DuckDBPyConnection:
    """Open an instance in memory that reads the files of a folder, and no others; no network."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": f"{limits.memory_bytes}B",
            "threads": limits.threads,
            "temp_directory": "",
            "max_execution_time": max(1, round(limits.seconds * 1000)),
        },
    )
    connection.execute(f"SET TimeZone = {quoted_text(timezone)}")
    # In this order: the folders cannot be allowed later, and nothing can be changed after the lock.
    if folder is not None:
        connection.execute(f"SET allowed_directories = [{quoted_text(str(folder.absolute()))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def absent(name: str, copy: CopyRef) -> Rejected:
    """Return the error for a copy that has to be built before the call is repeated: 503."""
    return rejected(
        503,
        "CopyMissing",
        f"Version {copy.number} of {name!r} is being prepared.",
        "Repeat the request.",
        retry_after=1,
    )
