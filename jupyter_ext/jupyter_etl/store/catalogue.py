"""Sources and snapshots."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sqlalchemy import select, update

from jupyter_etl.errors import NotFound, PermissionDenied, StoreError
from jupyter_etl.model import Source
from jupyter_etl.store.connection import inserting
from jupyter_etl.store.part import Part
from jupyter_etl.store.problems import not_found
from jupyter_etl.store.schema import snapshots, sources


class Catalogue(Part):
    """What is declared, and the texts that are kept by their hash."""

    def save_source(self, source: Source) -> Source:
        """Declare a source; idempotent. Raises `PermissionDenied` if another owner has the name."""
        row = {"name": source.name, "owner": source.owner, "body": source}
        with self._ledger.writing() as connection:
            new = inserting(connection, sources).values(row).on_conflict_do_nothing()
            if connection.execute(new.returning(sources.c.name)).first() is not None:
                return source
            same = sources.c.name == source.name
            owner = connection.execute(
                select(sources.c.owner).where(same).with_for_update()
            ).scalar_one()
            if owner != source.owner:
                raise PermissionDenied(
                    f"The source {source.name!r} belongs to {owner!r}, not to {source.owner!r}.",
                    hint="Choose another name, or ask its owner to change it.",
                    data={"name": source.name, "owner": owner},
                )
            connection.execute(update(sources).where(same).values(body=source))
        return source

    def load_source(self, name: str) -> Source:
        """Raises `NotFound`."""
        with self._ledger.reading() as connection:
            query = select(sources.c.body).where(sources.c.name == name)
            found: Source | None = connection.execute(query).scalar()
            if found is None:
                raise not_found(
                    "source", name, connection.execute(select(sources.c.name)).scalars()
                )
        return found

    def load_sources(self) -> list[Source]:
        """Return all, by name."""
        with self._ledger.reading() as connection:
            found = list(connection.execute(select(sources.c.body)).scalars())
        return sorted(found, key=lambda source: source.name)

    def save_snapshot(self, body: str) -> str:
        """Keep a text under the SHA-256 (hex) of its UTF-8 bytes, and return that."""
        try:
            content = body.encode()
        except UnicodeEncodeError as problem:
            raise StoreError(
                f"The text cannot be kept: character {problem.start} is half of a UTF-16 pair.",
                hint="Remove the broken character from the notebook.",
                retryable=False,
            ) from problem
        content_hash = hashlib.sha256(content).hexdigest()
        with self._ledger.writing() as connection:
            new = inserting(connection, snapshots).values(
                content_hash=content_hash, body=content, saved_at=datetime.now(UTC)
            )
            saved_again = new.on_conflict_do_update(
                index_elements=[snapshots.c.content_hash], set_={"saved_at": new.excluded.saved_at}
            )
            connection.execute(saved_again)
        return content_hash

    def load_snapshot(self, content_hash: str) -> str:
        """Raises `NotFound`."""
        query = select(snapshots.c.body).where(snapshots.c.content_hash == content_hash)
        with self._ledger.reading() as connection:
            content: bytes | None = connection.execute(query).scalar()
        if content is None:
            raise NotFound(
                f"There is no snapshot {content_hash!r} in the ledger.",
                hint="Schedule the notebook again, which records one.",
                data={"content_hash": content_hash},
            )
        return content.decode()
