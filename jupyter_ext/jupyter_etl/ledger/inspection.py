"""The state of a ledger, read without changing it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, text

from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.databases.sqlite import network_filesystem, refuse_lost
from jupyter_etl.ledger.migration import journal_mode, read_revision, refuse_other_file
from jupyter_etl.ledger.schema.tables import REVISION, schedulers


@dataclass(frozen=True, kw_only=True)
class LedgerFacts:
    """Facts about a ledger.

    Args:
        place: The ledger for people, without a password.
        newest: The schema of this version.
        path: Path of the SQLite file; None for PostgreSQL.
        revision: Revision of its schema; None if there is no ledger yet.
        damages: The first few errors that the database's own check found.
        journal: Journal mode of a SQLite file; "" for PostgreSQL.
        safe_journal: The journal mode that is safe with this version of SQLite.
        network: Type of its network file system; "" for a local one.
        now: The time of the database's server, UTC; None for SQLite, which has no server.
        asked_at, answered_at: This machine's time before and after that query.
    """

    place: str
    newest: str
    path: Path | None = None
    revision: str | None = None
    damages: tuple[str, ...] = ()
    journal: str = ""
    safe_journal: str = ""
    network: str = ""
    now: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None


_FEW = 5


def look_at(url: str) -> LedgerFacts:
    """See `jupyter_etl.ledger.inspect_ledger`."""
    ledger = Ledger(url)
    try:
        return _of_sqlite(ledger) if ledger.is_sqlite else _of_postgres(ledger)
    finally:
        ledger.close()


def _of_sqlite(ledger: Ledger) -> LedgerFacts:
    path = ledger.path
    safe = journal_mode(sqlite3.sqlite_version_info)
    network = "" if path is None else network_filesystem(path)
    if path is not None:
        refuse_lost(path, ledger.place)
    if path is not None and not path.exists():
        return LedgerFacts(place=ledger.place, newest=REVISION, path=path, network=network)
    if path is not None:
        refuse_other_file(path, ledger.place)
    revision = read_revision(ledger)
    with ledger.reading() as connection:
        journal = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar()).upper()
        damages = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(5)")]
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()[:_FEW]
    said = [line for line in damages if line != "ok"]
    said += [f"a row of {row[0]} points at a row of {row[2]} that is not there" for row in orphans]
    return LedgerFacts(
        place=ledger.place,
        newest=REVISION,
        path=path,
        revision=revision,
        damages=tuple(said),
        journal=journal,
        safe_journal=safe,
        network=network,
    )


def _of_postgres(ledger: Ledger) -> LedgerFacts:
    revision = read_revision(ledger)
    asked_at = datetime.now(UTC)
    with ledger.writing() as connection:
        now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        answered_at = datetime.now(UTC)
        if revision == REVISION:
            _try_to_write(connection)
    return LedgerFacts(
        place=ledger.place,
        newest=REVISION,
        revision=revision,
        now=now.astimezone(UTC),
        asked_at=asked_at,
        answered_at=answered_at,
    )


def _try_to_write(connection: Connection) -> None:
    attempt = connection.begin_nested()
    row = {"id": "doctor", "host": "", "pid": 0, "workers": 0, "seen_at": datetime.now(UTC)}
    connection.execute(insert(schedulers).values(row))
    attempt.rollback()
