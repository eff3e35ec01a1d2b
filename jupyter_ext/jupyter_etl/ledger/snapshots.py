"""Snapshots of notebooks and the files that they list, each content stored once under its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import select

from jupyter_etl.errors import NotFound, StoreError
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.schema.tables import snapshot_files, snapshots

# SQLite allows 32,766 values in a statement.
_CHUNK = 1000


class Snapshots(Part):
    """Implements `jupyter_etl.ports.SnapshotStore`."""

    def save_snapshot(self, body: str) -> str:
        return self.save_bundle(body, ())

    def load_snapshot(self, content_hash: str) -> str:
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

    def load_snapshots(self, content_hashes: Collection[str]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for content_hash, content in self._contents(content_hashes).items():
            with suppress(UnicodeDecodeError):
                texts[content_hash] = content.decode()
        return texts

    def save_bundle(self, body: str, files: Sequence[bytes]) -> str:
        snapshot = _encoded(body)
        content_hash = _hash_of(snapshot)
        listed = {_hash_of(content): content for content in files}
        now = datetime.now(UTC)
        with self._ledger.writing() as connection:
            # In a fixed order, so that transactions that save the same contents cannot deadlock.
            for key, content in sorted({**listed, content_hash: snapshot}.items()):
                new = inserting(connection, snapshots).values(
                    content_hash=key, body=content, saved_at=now
                )
                saved_again = new.on_conflict_do_update(
                    index_elements=[snapshots.c.content_hash],
                    set_={"saved_at": new.excluded.saved_at},
                )
                connection.execute(saved_again)
            if listed:
                links = [{"content_hash": content_hash, "file_hash": key} for key in sorted(listed)]
                new = inserting(connection, snapshot_files)
                connection.execute(new.on_conflict_do_nothing(), links)
        return content_hash

    def load_files(self, content_hashes: Collection[str]) -> dict[str, bytes]:
        wanted = sorted(set(content_hashes))
        found = self._contents(wanted)
        missing = [one for one in wanted if one not in found]
        if missing:
            raise NotFound(
                f"{len(missing)} of the {len(wanted)} files of the version are not in the ledger.",
                hint="Schedule the notebook again, which records them.",
                data={"content_hash": missing[0]},
            )
        return found

    def _contents(self, content_hashes: Collection[str]) -> dict[str, bytes]:
        wanted = sorted(set(content_hashes))
        found: dict[str, bytes] = {}
        with self._ledger.reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                query = select(snapshots.c.content_hash, snapshots.c.body).where(
                    snapshots.c.content_hash.in_(wanted[start : start + _CHUNK])
                )
                found.update((row.content_hash, row.body) for row in connection.execute(query))
        return found


def _encoded(body: str) -> bytes:
    try:
        return body.encode()
    except UnicodeEncodeError as problem:
        raise StoreError(
            f"The text cannot be kept: character {problem.start} is half of a UTF-16 pair.",
            hint="Remove the broken character from the notebook.",
            retryable=False,
        ) from problem


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
