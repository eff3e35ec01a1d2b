"""Backup and restore of the ledger."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import URL, update

from jupyter_etl.errors import Conflict, StoreError
from jupyter_etl.ledger import inspect_ledger, open_store
from jupyter_etl.ledger.backup import LedgerFile, back_up, inspect_file, put_back, stamp, unused
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.migration import known_revisions, upgrade_schema
from jupyter_etl.ledger.schema.tables import identity as identity_table
from jupyter_etl.ledger.tokens import Revoked, note_revoked, read_revoked
from jupyter_etl.ledger.version_numbers import Numbers, note_given, read_given
from jupyter_etl.publishing.lake.layout import read_marker
from jupyter_etl.publishing.tables.version_numbers import read_numbers
from jupyter_etl.services.health import alive_among
from jupyter_etl.services.settings import Settings, sqlite_url

_IN_PROGRESS = 5
_WITH_IDENTITY = "0010"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A restored ledger.

    Args:
        ledger: The restored file.
        runs: Number of recorded runs.
        revision: Revision of the copy's schema before its migration.
        kept: The previous content of the ledger; None if there was none.
    """

    ledger: Path
    runs: int
    revision: str
    kept: Path | None


def backup(settings: Settings, file: Path | None, *, now: datetime) -> LedgerFile:
    """Copy the ledger while it is in use.

    Args:
        file: The copy, which must not exist; None creates a new file in the home's ``backups/``.

    Raises:
        StoreError: It cannot be copied, or is PostgreSQL.
        Conflict: The file exists already.
    """
    ledger = _sqlite_ledger(settings, "pg_dump --format=custom --file=ledger.dump {url}")
    if file is not None and file.exists():
        raise Conflict(
            f"The file {str(file)!r} already exists, and a backup overwrites no file.",
            hint="Use another name, or omit it: jupyter etl backup",
        )
    if not ledger.exists():
        raise StoreError(
            f"The ledger {str(ledger)!r} does not exist yet, so there is nothing to back up.",
            hint="Check that JUPYTER_ETL_HOME is that of your schedulers.",
            retryable=False,
        )
    return back_up(ledger, file or unused(_default(settings, now)))


def check_copy(file: Path) -> LedgerFile:
    """Read a backup completely and check it.

    Raises:
        StoreError: It is not a ledger, is damaged, or was written by a newer version.
    """
    held = inspect_file(file)
    if held.revision not in known_revisions():
        raise StoreError(
            f"The file {str(file)!r} was written by a newer version of jupyter-etl: its schema "
            f"is {held.revision}, this version supports {', '.join(known_revisions())}.",
            hint="Upgrade: pip install --upgrade jupyter-etl",
            retryable=False,
        )
    return held


def restore(settings: Settings, file: Path, *, now: datetime) -> Restored:
    """Replace the content of the ledger by a copy; the previous content is kept in another file.

    Ids of runs and version numbers that were assigned after the copy was made are not reused.
    Tokens that were revoked after it was made stay revoked.

    Args:
        file: The result of `backup`; it is not changed.

    Raises:
        StoreError: The copy cannot be used, or the ledger is PostgreSQL. The ledger is unchanged.
        StorageError: The lake cannot be read.
        Conflict: A scheduler is alive, or an attempt is active.
    """
    ledger = _sqlite_ledger(
        settings, "pg_restore --clean --if-exists --single-transaction --dbname={url} FILE"
    )
    held = check_copy(file)
    _refuse_in_use(settings, ledger, now)
    numbers = _given_numbers(settings, ledger)
    kept = put_back(
        file,
        ledger,
        kept=unused(_default(settings, now)),
        migrate=partial(
            _migrate,
            numbers=numbers,
            revoked=read_revoked(ledger),
            identity=_lost_identity(settings, held),
        ),
        last_run=_last_folder(settings.home),
    )
    return Restored(ledger=ledger, runs=held.runs, revision=held.revision, kept=kept)


def _default(settings: Settings, now: datetime) -> Path:
    return settings.home / "backups" / f"ledger-{stamp(now)}.sqlite"


def _sqlite_ledger(settings: Settings, instead: str) -> Path:
    """Return the ledger's file; for PostgreSQL, raise an error with the alternative."""
    ledger = Ledger(settings.ledger)
    path = ledger.path
    if path is not None:
        return path
    if ledger.is_sqlite:
        raise StoreError(
            "A ledger with a file: URI can be read, but not copied or replaced.",
            hint="Set JUPYTER_ETL_LEDGER to sqlite:////absolute/path/ledger.sqlite.",
            retryable=False,
        )
    raise StoreError(
        "The ledger is in PostgreSQL; use its own programs to copy and restore it.",
        hint=f"Run: {instead.format(url=shlex.quote(_without_password(ledger.url)))}",
        retryable=False,
    )


def _without_password(url: URL) -> str:
    # `URL.set` treats None as "unchanged".
    bare = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query={name: value for name, value in url.query.items() if name != "password"},
    )
    return bare.render_as_string().replace(" ", "%20")


def _refuse_in_use(settings: Settings, ledger: Path, now: datetime) -> None:
    if not ledger.exists() or not ledger.stat().st_size:
        return
    try:
        facts = inspect_ledger(settings.ledger)
        if facts.revision != facts.newest:
            return
        store = open_store(settings.ledger)
    except StoreError as problem:
        if problem.retryable:
            raise
        # Restoring repairs a ledger that cannot be read.
        return
    try:
        alive = alive_among(store.load_schedulers(), now)
        runs = [str(claim.run.id) for claim in store.load_live_attempts()]
    finally:
        store.close()
    if alive:
        names = ", ".join(f"{info.host}:{info.pid}" for info in alive)
        raise Conflict(
            f"A scheduler is alive ({names}), so the ledger is not replaced.",
            hint="Stop it first, and also the Jupyter servers that would start another one.",
        )
    if runs:
        raise Conflict(
            f"Runs are active ({', '.join(runs[:_IN_PROGRESS])}), so the ledger is not replaced.",
            hint="Wait until they finish; if their machine is lost: jupyter etl doctor --repair",
        )


def _given_numbers(settings: Settings, ledger: Path) -> Numbers:
    """Return the highest version numbers that readers may have seen."""
    found = read_numbers(settings.lake)
    for key, number in read_given(ledger).items():
        found[key] = max(number, found.get(key, 0))
    return found


def _lost_identity(settings: Settings, held: LedgerFile) -> str | None:
    """Return the id that a lake has for a ledger whose copy predates ledger ids."""
    return read_marker(settings.lake) if held.revision < _WITH_IDENTITY else None


def _migrate(path: Path, *, numbers: Numbers, revoked: Revoked, identity: str | None) -> None:
    # The copy itself is the backup of this migration.
    ledger = Ledger(sqlite_url(path))
    try:
        upgrade_schema(ledger, backup=False)
        with ledger.writing() as connection:
            note_given(connection, numbers)
            note_revoked(connection, revoked)
            if identity:
                connection.execute(update(identity_table).values(id=identity))
    finally:
        ledger.close()


def _last_folder(home: Path) -> int:
    runs = home / "runs"
    names = [folder.name for folder in runs.iterdir()] if runs.is_dir() else []
    return max((int(name) for name in names if name.isdecimal()), default=0)
