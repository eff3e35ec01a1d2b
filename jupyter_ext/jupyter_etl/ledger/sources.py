"""Sources."""

from __future__ import annotations

from sqlalchemy import select, update

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.databases.error_mapping import not_found
from jupyter_etl.ledger.schema.tables import sources
from jupyter_etl.model import Source


class Catalogue(Part):
    """Implements `jupyter_etl.ports.SourceStore`."""

    def save_source(self, source: Source) -> Source:
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
        with self._ledger.reading() as connection:
            query = select(sources.c.body).where(sources.c.name == name)
            found: Source | None = connection.execute(query).scalar()
            if found is None:
                raise not_found(
                    "source", name, connection.execute(select(sources.c.name)).scalars()
                )
        return found

    def load_sources(self) -> list[Source]:
        with self._ledger.reading() as connection:
            found = list(connection.execute(select(sources.c.body)).scalars())
        return sorted(found, key=lambda source: source.name)
