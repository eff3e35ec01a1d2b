"""Migrates a database to the schema of this version."""

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
from jupyter_etl.ledger.backup import back_up, is_sqlite, stamp, unused
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.databases.sqlite import network_filesystem, refuse_lost
from jupyter_etl.ledger.schema.tables import REVISION, VERSION_TABLE

_MIGRATIONS = Path(__file__).parent / "schema" / "migrations"
# Any constant that no other program uses for pg_advisory_xact_lock: "etl" and a number.
_ADVISORY_LOCK = 0x65746C01
# Below this version several processes in WAL mode can corrupt the file (sqlite.org/wal.html,
# "the WAL-reset bug").
_WAL_IS_SAFE_FROM = (3, 51, 3)
# alembic's context is global, so that a process can migrate only one ledger at a time.
_ALEMBIC = threading.Lock()


def upgrade_schema(ledger: Ledger, *, backup: bool = True) -> None:
    """Create the tables or migrate them; one query shows if they are up to date.

    A migration is one transaction: if it is interrupted, the ledger has not changed.

    Args:
        backup: Copy a SQLite ledger to a file next to it before the migration.

    Raises:
        StoreError: The ledger was written by a newer version, is not a ledger, or cannot be backed up.
    """
    if ledger.is_sqlite:
        _create_file(ledger)
    if read_revision(ledger) == REVISION:
        return
    with _ALEMBIC, ledger.writing(patiently=True) as connection:
        # SQLite's write transaction is the lock; another process may have migrated meanwhile.
        if not ledger.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        found = _revision_inside(connection)
        if found != REVISION:
            _migrate(ledger, connection, found, backup=backup)


def journal_mode(version: tuple[int, ...]) -> str:
    """Return the journal mode that is safe for several processes with this version of SQLite."""
    return "WAL" if version >= _WAL_IS_SAFE_FROM else "DELETE"


def set_journal_mode(path: Path, mode: str, *, wait_s: float = 60.0) -> None:
    """Set the journal mode of a SQLite file, for which SQLite itself does not wait for a lock.

    Args:
        mode: ``WAL`` or ``DELETE``.
        wait_s: Seconds to retry while others use the file.

    Raises:
        StoreError: Others used the file during that time.
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
    path = ledger.path
    if path is None:
        return
    refuse_lost(path, ledger.place)
    if path.exists():
        refuse_other_file(path, ledger.place)
        return
    network = network_filesystem(path)
    if network:
        raise StoreError(
            f"The ledger {ledger.place} is on a network file system ({network}), where locks of "
            "SQLite are unreliable.",
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


def refuse_other_file(path: Path, place: str) -> None:
    """Raise `StoreError` if a path is a folder, or a file that is neither empty nor SQLite's."""
    if path.is_dir():
        raise StoreError(
            f"The ledger {place} failed: unable to open database: it is a folder.",
            hint="Set another ledger: the path of a file.",
            retryable=False,
        )
    # SQLite treats a file of one byte as an empty database, and overwrites it.
    if path.is_file() and path.stat().st_size > 0 and not is_sqlite(path):
        raise StoreError(
            f"The ledger {place} failed: file is not a database.",
            hint="Set another ledger. If it was one and is damaged, restore its last backup: "
            "jupyter etl restore FILE",
            retryable=False,
        )


def _created(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def known_revisions() -> list[str]:
    """Return the revisions that this version can migrate, oldest first."""
    files = (_MIGRATIONS / "versions").glob("v*_*.py")
    return sorted(file.name[1:].partition("_")[0] for file in files)


def read_revision(ledger: Ledger) -> str | None:
    """Return the revision of a ledger's schema; None if it has no tables yet."""
    with ledger.reading() as connection:
        try:
            return _select_revision(connection)
        except DBAPIError as problem:
            if not _is_missing_table(problem):
                raise
    return None


def _revision_inside(connection: Connection) -> str | None:
    try:
        with connection.begin_nested():
            return _select_revision(connection)
    except DBAPIError as problem:
        if not _is_missing_table(problem):
            raise
    return None


def _select_revision(connection: Connection) -> str | None:
    found: str | None = connection.execute(
        text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    ).scalar()
    return found


def _is_missing_table(problem: DBAPIError) -> bool:
    # sqlite3 has no code for it; 42P01 is PostgreSQL's undefined_table.
    return "no such table" in str(problem.orig) or getattr(problem.orig, "sqlstate", "") == "42P01"


def _migrate(ledger: Ledger, connection: Connection, found: str | None, *, backup: bool) -> None:
    # alembic is slow to import, and rarely needed.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found is not None and found not in known_revisions():
        raise StoreError(
            f"The ledger {ledger.place} was written by a newer version of jupyter-etl: its "
            f"schema is {found}, this version supports {REVISION}.",
            hint="Upgrade: pip install --upgrade jupyter-etl",
            retryable=False,
        )
    path = ledger.path
    if found is not None and path is not None and backup:
        _back_up_first(path, found, ledger.place)
    command.upgrade(config, "head")


def _back_up_first(path: Path, found: str, place: str) -> None:
    target = unused(path.with_name(f"{path.name}.{found}-{stamp()}.backup"))
    try:
        back_up(path, target)
    except StoreError as problem:
        raise StoreError(
            f"The ledger {place} was not migrated from {found} to {REVISION}, as its backup cannot "
            f"be made: {problem.message}",
            hint="Free some space, or make its folder writable for this user. Nothing was changed.",
            retryable=problem.retryable,
        ) from problem
