"""Publications and their versions."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, false, insert, or_, select, true, update

from jupyter_etl.errors import Conflict, PermissionDenied
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.databases.error_mapping import not_found
from jupyter_etl.ledger.queue.publication_locks import check_lock, release_locks
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import (
    pipelines,
    publication_versions,
    publications,
    table_logs,
    traffic,
)
from jupyter_etl.ledger.version_numbers import next_number, note_given
from jupyter_etl.ledger.watermarks import put_watermark
from jupyter_etl.model import (
    Committed,
    Freshness,
    LogEntry,
    Policy,
    Publication,
    PublicationKind,
    PublicationVersion,
    TrafficMode,
    VersionWatermark,
)


@dataclass(frozen=True, kw_only=True)
class Publishing:
    """Who publishes, and how.

    Args:
        owner, pipeline, run_id, notebook, draft: As on `PublicationVersion`.
        now: UTC.
        note: As on `PublicationVersion`.
        content_of: Number of the version whose content it is; None for new content.
    """

    owner: str
    pipeline: str
    run_id: int | None
    notebook: str
    draft: bool
    now: datetime
    note: str = ""
    content_of: int | None = None


class Publications(Part):
    """Implements `jupyter_etl.ports.PublicationStore`."""

    def publish(
        self,
        committed: Committed,
        *,
        owner: str,
        pipeline: str,
        notebook: str,
        draft: bool,
        now: datetime,
        token: str | None = None,
        note: str = "",
        content_of: int | None = None,
        watermarks: Sequence[VersionWatermark] = (),
    ) -> PublicationVersion:
        interactive = Publishing(
            owner=owner,
            pipeline=pipeline,
            run_id=None,
            notebook=notebook,
            draft=draft,
            now=now,
            note=note,
            content_of=content_of,
        )
        with self._ledger.writing(ring=True) as connection:
            if token is not None:
                check_lock(connection, committed.name, draft=draft, token=token)
                release_locks(connection, token)
            (version,) = make_visible(connection, [committed], interactive)
            for one in sorted(watermarks, key=lambda one: (one.pipeline, one.cursor.label)):
                put_watermark(connection, one.pipeline, one.cursor, one.value, by=owner, now=now)
            return version

    def next_publication_number(self, name: str, *, draft: bool) -> int:
        with self._ledger.reading() as connection:
            return next_number(connection, name, draft=draft)

    def save_given_numbers(self, numbers: Mapping[tuple[str, bool], int]) -> None:
        with self._ledger.writing() as connection:
            note_given(connection, numbers)

    def check_publication(
        self, name: str, kind: PublicationKind, owner: str, *, pipeline: str | None = None
    ) -> None:
        query = select(publications).where(publications.c.name == name)
        with self._ledger.reading() as connection:
            row = connection.execute(query).one_or_none()
            if row is not None:
                check_owner(row, owner)
                _check_kind(row, kind)
            if row is not None and pipeline not in (None, row.pipeline):
                _check_pipeline(connection, name, row.pipeline)

    def load_publication(self, name: str) -> Publication:
        with self._ledger.reading() as connection:
            row = publication_row(connection, name)
            return _with_versions(connection, [row])[0]

    def load_publications(self) -> list[Publication]:
        with self._ledger.reading() as connection:
            found = _with_versions(connection, connection.execute(select(publications)).all())
        return sorted(found, key=lambda publication: publication.name)

    def load_publication_versions(
        self, name: str, *, draft: bool = False
    ) -> list[PublicationVersion]:
        query = (
            select(publication_versions)
            .where(publication_versions.c.name == name, publication_versions.c.draft == draft)
            .order_by(publication_versions.c.number.desc())
        )
        with self._ledger.reading() as connection:
            publication_row(connection, name)
            return [value_of(PublicationVersion, row) for row in connection.execute(query)]

    def load_table_log(self, name: str, number: int, *, draft: bool) -> tuple[LogEntry, ...]:
        query = select(table_logs.c.entries).where(
            table_logs.c.name == name,
            table_logs.c.number == number,
            table_logs.c.draft == draft,
        )
        with self._ledger.reading() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            return ()
        return msgspec.json.decode(zlib.decompress(found), type=tuple[LogEntry, ...])

    def set_freshness(self, name: str, freshness: Freshness | None, *, owner: str) -> Publication:
        with self._ledger.writing() as connection:
            check_owner(publication_row(connection, name, lock=True), owner)
            connection.execute(
                update(publications).where(publications.c.name == name).values(freshness=freshness)
            )
            return _with_versions(connection, [publication_row(connection, name)])[0]


def make_visible(
    connection: Connection, committed: Sequence[Committed], publishing: Publishing
) -> list[PublicationVersion]:
    """Add a version for every committed output, in the caller's transaction.

    Raises:
        PermissionDenied: A name belongs to another owner.
        Conflict: A name is of another kind.
    """
    # Locked in the order of their names, so that transactions cannot deadlock.
    for what in sorted(committed, key=lambda what: what.name):
        _lock_name(connection, what, publishing)
    return [_add_version(connection, what, publishing) for what in committed]


def _lock_name(connection: Connection, what: Committed, publishing: Publishing) -> None:
    new = inserting(connection, publications).values(
        name=what.name,
        kind=what.kind,
        owner=publishing.owner,
        pipeline=publishing.pipeline,
        live_number=0,
        draft_number=0,
        created_at=publishing.now,
    )
    connection.execute(new.on_conflict_do_nothing())
    row = publication_row(connection, what.name, lock=True)
    check_owner(row, publishing.owner)
    _check_kind(row, what.kind)


def _add_version(
    connection: Connection, what: Committed, publishing: Publishing
) -> PublicationVersion:
    # Its row is locked, so that no other transaction gets the number.
    number = next_number(connection, what.name, draft=publishing.draft)
    watermarks = _watermarks(connection, what.name, publishing)
    changes: dict[str, object] = {}
    if publishing.draft:
        changes["draft_number"] = number
    else:
        changes["pipeline"] = publishing.pipeline
        if _becomes_live(connection, what):
            changes["live_number"] = number
    connection.execute(update(publications).where(publications.c.name == what.name).values(changes))
    if what.log:
        entries = zlib.compress(msgspec.json.encode(what.log))
        connection.execute(
            insert(table_logs).values(
                name=what.name, number=number, draft=publishing.draft, entries=entries
            )
        )
    added = connection.execute(
        insert(publication_versions)
        .values(
            name=what.name,
            number=number,
            draft=publishing.draft,
            what=replace(what, log=()),
            owner=publishing.owner,
            pipeline=publishing.pipeline,
            run_id=publishing.run_id,
            notebook=publishing.notebook,
            published_at=publishing.now,
            note=publishing.note,
            watermarks=watermarks,
        )
        .returning(publication_versions)
    ).one()
    return value_of(PublicationVersion, added)


def _becomes_live(connection: Connection, what: Committed) -> bool:
    """Return whether a new version is live at once; that of an endpoint may have to be promoted."""
    if what.kind is not PublicationKind.API:
        return True
    first = select(publications.c.live_number == 0).where(publications.c.name == what.name)
    if connection.execute(first).scalar_one():
        return True
    shared = select(traffic.c.name).where(
        traffic.c.name == what.name,
        or_(traffic.c.mode != TrafficMode.LIVE, traffic.c.shadow.is_not(None)),
    )
    return what.promote and connection.execute(shared).first() is None


def _watermarks(
    connection: Connection, name: str, publishing: Publishing
) -> tuple[VersionWatermark, ...] | None:
    """Return the watermarks of the version whose content the new one has."""
    last = select(publications.c.live_number).where(publications.c.name == name)
    live = connection.execute(last).scalar_one()
    if publishing.draft or not live:
        return ()
    of = publishing.content_of or live
    query = select(publication_versions.c.watermarks).where(
        publication_versions.c.name == name,
        publication_versions.c.draft == false(),
        publication_versions.c.number == of,
    )
    found: tuple[VersionWatermark, ...] | None = connection.execute(query).scalar()
    return found


def publication_row(connection: Connection, name: str, *, lock: bool = False) -> Row[Any]:
    """Return the row of a publication; raises `NotFound`."""
    query = select(publications).where(publications.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        known = connection.execute(select(publications.c.name)).scalars()
        raise not_found("publication", name, known)
    return row


def _with_versions(connection: Connection, rows: Sequence[Row[Any]]) -> list[Publication]:
    if not rows:
        return []
    version, publication = publication_versions.c, publications.c
    newest = select(publication_versions).join(
        publications,
        and_(
            version.name == publication.name,
            or_(
                and_(version.draft == false(), version.number == publication.live_number),
                and_(version.draft == true(), version.number == publication.draft_number),
            ),
        ),
    )
    if len(rows) == 1:
        newest = newest.where(publication.name == rows[0].name)
    found = {
        (row.name, row.draft): value_of(PublicationVersion, row)
        for row in connection.execute(newest)
    }
    return [
        value_of(
            Publication,
            row,
            live=found.get((row.name, False)),
            draft=found.get((row.name, True)),
        )
        for row in rows
    ]


def check_owner(row: Row[Any], owner: str) -> None:
    """Raise `PermissionDenied` unless a publication belongs to an owner."""
    if row.owner != owner:
        raise PermissionDenied(
            f"The publication {row.name!r} belongs to {row.owner!r}, not to {owner!r}.",
            hint="Publish under another name, or ask its owner to hand over the pipeline.",
            data={"name": row.name, "owner": row.owner},
        )


def _check_pipeline(connection: Connection, name: str, other: str) -> None:
    query = select(pipelines.c.policy).where(
        pipelines.c.name == other, pipelines.c.removed == false()
    )
    policy: Policy | None = connection.execute(query).scalar()
    if policy is not None and not policy.shared:
        raise Conflict(
            f"The pipeline {other!r} publishes {name!r} already.",
            hint="Publish under another name; or deploy one of the two with --shared.",
            data={"name": name, "pipeline": other},
        )


def _check_kind(row: Row[Any], kind: PublicationKind) -> None:
    if row.kind != kind:
        raise Conflict(
            f"The publication {row.name!r} is a {row.kind}, not a {kind}.",
            hint="Publish under another name.",
            data={"name": row.name, "kind": str(row.kind)},
        )
