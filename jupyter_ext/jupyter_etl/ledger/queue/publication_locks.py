"""Publication locks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from jupyter_etl.errors import Conflict
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.databases.error_mapping import stale
from jupyter_etl.ledger.schema.tables import attempts, commits


class Commits(Part):
    """Implements `jupyter_etl.ports.PublicationLockStore`."""

    def begin_commits(
        self,
        names: Sequence[str],
        *,
        draft: bool,
        token: str,
        run_id: int | None = None,
        number: int | None = None,
        until: datetime | None = None,
        now: datetime,
    ) -> tuple[str, ...]:
        wanted = sorted(set(names))
        # Read without a row lock first: waiting attempts must not block the one that they wait for.
        with self._ledger.reading() as connection:
            there = commits.c.name.in_(wanted) & (commits.c.draft == draft)
            found = connection.execute(select(commits).where(there).order_by(commits.c.name)).all()
            if taken := _held_by_others(connection, found, token, now):
                return taken
        with self._ledger.writing() as connection:
            if run_id is not None and not _lives(connection, run_id, number, token):
                raise stale(run_id, number or 0)
            rows = [_locked(connection, name, draft, now) for name in wanted]
            taken = _held_by_others(connection, rows, token, now)
            if not taken:
                connection.execute(
                    update(commits)
                    .where(there)
                    .values(token=token, run_id=run_id, number=number, until=until)
                )
        return taken

    def end_commits(self, token: str) -> None:
        with self._ledger.writing() as connection:
            release_locks(connection, token)


def release_locks(connection: Connection, token: str) -> None:
    """Release the locks of a token, in the caller's transaction."""
    connection.execute(delete(commits).where(commits.c.token == token))


def check_lock(connection: Connection, name: str, *, draft: bool, token: str) -> None:
    """Check that a publication lock was not lost since `begin_commits`.

    Raises:
        Conflict: It was lost; what was committed is not built on what is live now.
    """
    query = select(commits.c.token).where(commits.c.name == name, commits.c.draft == draft)
    if connection.execute(query.with_for_update()).scalar() != token:
        raise Conflict(
            f"Another process has published {name!r} in the meantime; none of these outputs "
            "became visible.",
            hint="Publish it again.",
            data={"name": name},
        )


def _locked(connection: Connection, name: str, draft: bool, now: datetime) -> Row[Any]:
    """Return the row of a publication's lock, inserted if it is absent, and locked.

    The callers go through names in the same order, so that they cannot deadlock.
    """
    new = inserting(connection, commits).values(name=name, draft=draft, token="", until=now)
    connection.execute(new.on_conflict_do_nothing())
    query = select(commits).where(commits.c.name == name, commits.c.draft == draft)
    return connection.execute(query.with_for_update()).one()


def _held_by_others(
    connection: Connection, rows: Sequence[Row[Any]], token: str, now: datetime
) -> tuple[str, ...]:
    return tuple(row.name for row in rows if row.token != token and _is_held(connection, row, now))


def _is_held(connection: Connection, row: Row[Any], now: datetime) -> bool:
    if row.run_id is not None:
        return _lives(connection, row.run_id, row.number, row.token)
    return row.until is not None and bool(row.until > now)


def _lives(connection: Connection, run_id: int, number: int | None, token: str) -> bool:
    query = select(attempts.c.number).where(
        attempts.c.run_id == run_id,
        attempts.c.number == number,
        attempts.c.token == token,
        attempts.c.outcome.is_(None),
    )
    return connection.execute(query).first() is not None
