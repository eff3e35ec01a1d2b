"""Bring a database to the schema of this version."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from jupyter_etl.errors import StoreError
from jupyter_etl.store.connection import Ledger
from jupyter_etl.store.filesystems import network_filesystem
from jupyter_etl.store.schema import REVISION, VERSION_TABLE

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any constant that no other program uses for pg_advisory_xact_lock: "etl" and a number.
_ADVISORY_LOCK = 0x65746C01
# Below this version several processes in WAL mode can corrupt the file (sqlite.org/wal.html,
# "the WAL-reset bug").
_WAL_IS_SAFE_FROM = (3, 51, 3)
# alembic keeps its current context in a module, so one process migrates one ledger at a time.
_ALEMBIC = threading.Lock()


def bring_up_to_date(ledger: Ledger) -> None:
    """Create the tables, or migrate them; where they are up to date, one query finds that out.

    Raises:
        StoreError: The ledger was written by a newer version, or is no ledger.
    """
    if ledger.is_sqlite:
        _create_file(ledger)
    if _revision(ledger) == REVISION:
        return
    with _ALEMBIC, ledger.writing() as connection:
        # SQLite's writing transaction is the lock; whoever waited for it finds the work done.
        if not ledger.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        found = _revision_inside(connection)
        if found != REVISION:
            _migrate(ledger, connection, found)


def journal_mode(version: tuple[int, ...]) -> str:
    """Return the journal mode that is safe for several processes with this version of SQLite."""
    return "WAL" if version >= _WAL_IS_SAFE_FROM else "DELETE"


def back_up(path: Path, target: Path) -> None:
    """Copy a SQLite ledger while others use it."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def set_journal_mode(path: Path, mode: str, *, wait_s: float = 60.0) -> None:
    """Switch the journal of a SQLite file; SQLite does not wait for others here by itself.

    Args:
        path: The file.
        mode: ``WAL`` or ``DELETE``.
        wait_s: Seconds to go on trying while others use the file.

    Raises:
        StoreError: Others used the file all the time.
    """
    until = time.monotonic() + wait_s
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        while True:
            try:
                connection.execute(f"PRAGMA journal_mode = {mode}")
            except sqlite3.OperationalError as problem:
                if time.monotonic() > until:
                    raise StoreError(
                        f"The journal of the ledger {str(path)!r} cannot be set: {problem}.",
                        hint="Close the programs that use the file and try again.",
                    ) from problem
                time.sleep(0.01)
            else:
                return


def _create_file(ledger: Ledger) -> None:
    path = _path(ledger)
    if path is None or path.exists():
        return
    network = network_filesystem(path)
    if network:
        raise StoreError(
            f"The ledger {ledger.place} lies on a network file system ({network}), where SQLite "
            "cannot rely on locks.",
            hint="Set JUPYTER_ETL_LEDGER to sqlite:////a/local/path or to postgresql://host/database.",
            retryable=False,
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _created(path) and journal_mode(sqlite3.sqlite_version_info) == "WAL":
            set_journal_mode(path, "WAL")
    except OSError as problem:
        raise StoreError(
            f"The ledger {ledger.place} cannot be created: {problem.strerror}.",
            hint="Make its folder writable for this user, or set another ledger.",
            retryable=False,
        ) from problem


def _created(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _path(ledger: Ledger) -> Path | None:
    database = ledger.url.database or ""
    return None if database.startswith("file:") else Path(database)


def _revision(ledger: Ledger) -> str | None:
    with ledger.reading() as connection:
        try:
            return _read_revision(connection)
        except DBAPIError as problem:
            if not _is_missing_table(problem):
                raise
    return None


def _revision_inside(connection: Connection) -> str | None:
    try:
        with connection.begin_nested():
            return _read_revision(connection)
    except DBAPIError as problem:
        if not _is_missing_table(problem):
            raise
    return None


def _read_revision(connection: Connection) -> str | None:
    found: str | None = connection.execute(
        text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    ).scalar()
    return found


def _is_missing_table(problem: DBAPIError) -> bool:
    # sqlite3 has no code for it; 42P01 is PostgreSQL's undefined_table.
    return "no such table" in str(problem.orig) or getattr(problem.orig, "sqlstate", "") == "42P01"


def _migrate(ledger: Ledger, connection: Connection, found: str | None) -> None:
    # alembic is slow to import, and wanted once in a ledger's life.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"The ledger {ledger.place} was written by a newer version of jupyter-etl: "
            f"its schema is {found}, this version knows {REVISION}.",
            hint="Upgrade: pip install --upgrade jupyter-etl",
            retryable=False,
        )
    path = _path(ledger) if ledger.is_sqlite else None
    if found is not None and path is not None:
        back_up(path, path.with_name(f"{path.name}.{found}.backup"))
    command.upgrade(config, "head")
