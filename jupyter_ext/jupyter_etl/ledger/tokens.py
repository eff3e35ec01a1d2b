"""Tokens of consumers."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, or_, select, update

from jupyter_etl.errors import Conflict
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.databases.error_mapping import not_found
from jupyter_etl.ledger.schema.rows import value_of, values_of
from jupyter_etl.ledger.schema.tables import tokens
from jupyter_etl.model import AccessToken

Revoked = Sequence[tuple[str, int, str]]
"""Digest, time (microseconds since 1970) and user of revocations."""

_COLUMNS = tuple(tokens.c.keys())


class Tokens(Part):
    """Implements `jupyter_etl.ports.TokenStore`."""

    def save_token(self, token: AccessToken) -> None:
        row = {name: getattr(token, name) for name in _COLUMNS}
        with self._ledger.writing() as connection:
            new = inserting(connection, tokens).values(row)
            new = new.on_conflict_do_nothing(index_elements=["name"])
            if connection.execute(new.returning(tokens.c.name)).first() is None:
                raise Conflict(
                    f"There is already a token {token.name!r}, and names of expired and revoked "
                    "tokens are not reused.",
                    hint="Choose another name.",
                    data={"name": token.name},
                )

    def load_token(self, name: str) -> AccessToken:
        with self._ledger.reading() as connection:
            return _load(connection, name)

    def load_tokens(self) -> list[AccessToken]:
        with self._ledger.reading() as connection:
            found = list(values_of(AccessToken, connection.execute(select(tokens))))
        return sorted(found, key=lambda token: token.name)

    def revoke_token(self, name: str, *, by: str, now: datetime) -> AccessToken:
        with self._ledger.writing() as connection:
            connection.execute(
                update(tokens)
                .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
                .values(revoked_at=now, revoked_by=by)
            )
            return _load(connection, name)

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        last = tokens.c.last_used_at
        with self._ledger.writing() as connection:
            # In the order of their names: two gateways do not wait for each other's rows in a cycle.
            for name, at in sorted(uses.items()):
                connection.execute(
                    update(tokens)
                    .where(tokens.c.name == name, or_(last.is_(None), last < at))
                    .values(last_used_at=at)
                )


def _load(connection: Connection, name: str) -> AccessToken:
    row = connection.execute(select(tokens).where(tokens.c.name == name)).first()
    if row is None:
        raise not_found("token", name, connection.execute(select(tokens.c.name)).scalars())
    return value_of(AccessToken, row)


def read_revoked(ledger: Path) -> Revoked:
    """Return the revocations in a SQLite ledger of any version; empty if it is damaged."""
    place = f"file:{quote(str(ledger.absolute()))}?mode=ro"
    query = "SELECT digest, revoked_at, revoked_by FROM tokens WHERE revoked_at IS NOT NULL"
    with (
        contextlib.suppress(sqlite3.Error),
        closing(sqlite3.connect(place, uri=True)) as connection,
    ):
        return connection.execute(query).fetchall()
    return ()


def note_revoked(connection: Connection, revoked: Revoked) -> None:
    """Revoke tokens of a copy that was made before they were revoked."""
    query = (
        "UPDATE tokens SET revoked_at = ?, revoked_by = ? WHERE digest = ? AND revoked_at IS NULL"
    )
    for digest, at, by in revoked:
        connection.exec_driver_sql(query, (at, by, digest))
