"""Traffic of endpoints, and counts of their calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, false, select, update

from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.publications import check_owner, publication_row
from jupyter_etl.ledger.schema.rows import value_of, values_of
from jupyter_etl.ledger.schema.tables import (
    call_counts,
    publication_versions,
    publications,
    traffic,
)
from jupyter_etl.model import (
    CallCounts,
    PublicationKind,
    PublicationVersion,
    ServedMark,
    Traffic,
)

_IDENTITY = ("name", "version", "role", "minute", "gateway")


class Endpoints(Part):
    """Implements `jupyter_etl.ports.EndpointStore`."""

    def load_traffic(self, name: str) -> Traffic:
        with self._ledger.reading() as connection:
            return _load(connection, name)

    def load_all_traffic(self) -> list[Traffic]:
        with self._ledger.reading() as connection:
            return [_traffic_of(row) for row in connection.execute(_query())]

    def load_served_marks(self) -> dict[str, ServedMark]:
        query = select(
            publications.c.name,
            publications.c.live_number,
            publications.c.draft_number,
            traffic.c.changed_at,
        ).outerjoin(traffic, traffic.c.name == publications.c.name)
        with self._ledger.reading() as connection:
            return {
                row.name: ServedMark(
                    live=row.live_number, draft=row.draft_number, changed_at=row.changed_at
                )
                for row in connection.execute(query)
            }

    def load_endpoint_versions(self) -> list[PublicationVersion]:
        version = publication_versions.c
        query = (
            select(publication_versions)
            .join(publications, publications.c.name == version.name)
            .where(publications.c.kind == PublicationKind.API, version.pruned_at.is_(None))
            .order_by(version.name, version.draft, version.number)
        )
        with self._ledger.reading() as connection:
            return list(values_of(PublicationVersion, connection.execute(query)))

    def save_traffic(self, new: Traffic, *, replaces: Traffic, owner: str) -> Traffic:
        with self._ledger.writing() as connection:
            check_owner(publication_row(connection, new.name, lock=True), owner)
            now = _load(connection, new.name)
            if now != replaces:
                by = f" by {now.changed_by}" if now.changed_by else ""
                raise Conflict(
                    f"The traffic of {new.name!r} was changed{by} at the same time: {now.note}.",
                    hint="Look at it again: jupyter etl endpoints",
                )
            _check_versions(connection, new)
            connection.execute(
                update(publications)
                .where(publications.c.name == new.name)
                .values(live_number=new.live)
            )
            row = {column.name: getattr(new, column.name) for column in traffic.c}
            added = inserting(connection, traffic).values(row)
            connection.execute(added.on_conflict_do_update(index_elements=["name"], set_=row))
            return new

    def add_call_counts(self, counts: Sequence[CallCounts]) -> None:
        if not counts:
            return
        new = call_counts.c
        with self._ledger.writing() as connection:
            # A gateway writes its own rows only, and each of them again with the whole count.
            added = inserting(connection, call_counts)
            replaced = {
                column.name: added.excluded[column.name]
                for column in new
                if column.name not in _IDENTITY
            }
            connection.execute(
                added.on_conflict_do_update(index_elements=list(_IDENTITY), set_=replaced),
                [asdict(one) for one in counts],
            )

    def load_call_counts(self, *, since: datetime, name: str | None = None) -> list[CallCounts]:
        query = select(call_counts).where(call_counts.c.minute >= since)
        if name is not None:
            query = query.where(call_counts.c.name == name)
        with self._ledger.reading() as connection:
            rows = connection.execute(query.order_by(*(call_counts.c[one] for one in _IDENTITY)))
            return [value_of(CallCounts, row) for row in rows]

    def prune_call_counts(self, *, before: datetime, dry_run: bool) -> int:
        old = call_counts.c.minute < before
        with self._ledger.writing() as connection:
            if dry_run:
                return len(connection.execute(select(call_counts.c.name).where(old)).all())
            return connection.execute(delete(call_counts).where(old)).rowcount


def _query() -> Any:
    """Select the traffic of endpoints with a live version, by name."""
    version, publication = publication_versions.c, publications.c
    live = and_(
        version.name == publication.name,
        version.draft == false(),
        version.number == publication.live_number,
    )
    return (
        select(
            publication.name,
            publication.live_number,
            version.published_at,
            *(column for column in traffic.c if column.name != "name"),
        )
        .select_from(publications)
        .join(publication_versions, live)
        .outerjoin(traffic, traffic.c.name == publication.name)
        .where(publication.kind == PublicationKind.API)
        .order_by(publication.name)
    )


def _load(connection: Connection, name: str) -> Traffic:
    row = connection.execute(_query().where(publications.c.name == name)).one_or_none()
    if row is not None:
        return _traffic_of(row)
    found = publication_row(connection, name)
    if found.kind is not PublicationKind.API:
        raise Conflict(
            f"{name!r} is a {found.kind}, and only endpoints have traffic.",
            hint="jupyter etl endpoints lists them.",
        )
    raise NotFound(
        f"{name!r} has no live version yet, only drafts.", hint="Publish it in a run: %etl run"
    )


def _traffic_of(row: Row[Any]) -> Traffic:
    if row.mode is None:
        return Traffic(
            name=row.name, live=row.live_number, changed_at=row.published_at, changed_by=""
        )
    return value_of(Traffic, row, live=row.live_number)


def _check_versions(connection: Connection, new: Traffic) -> None:
    version = publication_versions.c
    for number in sorted({new.live, *new.served}):
        row = connection.execute(
            select(version.pruned_at).where(
                version.name == new.name, version.draft == false(), version.number == number
            )
        ).one_or_none()
        if row is None or row.pruned_at is not None:
            state = "does not exist" if row is None else "was pruned"
            raise NotFound(
                f"Version {number} of {new.name!r} {state}.", hint=f"jupyter etl history {new.name}"
            )
