"""Retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, union, update

from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.schema.tables import (
    attempts,
    pipeline_versions,
    pipelines,
    publication_versions,
    runs,
    snapshot_files,
    snapshots,
    table_logs,
)
from jupyter_etl.model import TERMINAL

# SQLite takes 32,766 values in a statement.
_CHUNK = 1000
_PART = 5000


class Pruning(Part):
    """Implements `jupyter_etl.ports.RetentionStore`."""

    def save_pruned(self, name: str, numbers: Sequence[int], *, draft: bool, now: datetime) -> None:
        with self._ledger.writing() as connection:
            for start in range(0, len(numbers), _CHUNK):
                connection.execute(
                    update(publication_versions)
                    .where(
                        publication_versions.c.name == name,
                        publication_versions.c.draft == draft,
                        publication_versions.c.number.in_(numbers[start : start + _CHUNK]),
                        publication_versions.c.pruned_at.is_(None),
                    )
                    .values(pruned_at=now)
                )
                connection.execute(
                    delete(table_logs).where(
                        table_logs.c.name == name,
                        table_logs.c.draft == draft,
                        table_logs.c.number.in_(numbers[start : start + _CHUNK]),
                    )
                )

    def load_old_runs(self, *, before: datetime, keep: int) -> list[int]:
        place = func.row_number().over(partition_by=runs.c.pipeline, order_by=runs.c.id.desc())
        ranked = select(
            runs.c.id, runs.c.state, runs.c.finished_at, place.label("place")
        ).subquery()
        query = select(ranked.c.id).where(
            ranked.c.place > keep,
            ranked.c.state.in_(TERMINAL),
            ranked.c.finished_at < before,
        )
        with self._ledger.reading() as connection:
            return list(connection.execute(query.order_by(ranked.c.id)).scalars())

    def load_ended_attempts(
        self, run_ids: Sequence[int], *, before: datetime
    ) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        with self._ledger.reading() as connection:
            for start in range(0, len(run_ids), _CHUNK):
                query = select(attempts.c.run_id, attempts.c.number).where(
                    attempts.c.run_id.in_(run_ids[start : start + _CHUNK]),
                    attempts.c.outcome.is_not(None),
                    attempts.c.finished_at < before,
                )
                found += [(row.run_id, row.number) for row in connection.execute(query)]
        return found

    def prune_snapshots(self, *, before: datetime, dry_run: bool) -> tuple[int, int]:
        total, freed = 0, 0
        with self._ledger.reading() as connection:
            found = _unnamed(connection, before)
        if dry_run:
            return len(found), sum(found.values())
        hashes = sorted(found)
        # One transaction for each part, so that others do not wait long.
        for start in range(0, len(hashes), _PART):
            with self._ledger.writing() as connection:
                # Checked again: one of them may have been named since.
                still = _unnamed(connection, before, hashes[start : start + _PART])
                for table in (snapshots, snapshot_files):
                    connection.execute(delete(table).where(table.c.content_hash.in_(list(still))))
            total, freed = total + len(still), freed + sum(still.values())
        return total, freed


def _unnamed(
    connection: Connection, before: datetime, among: Sequence[str] | None = None
) -> dict[str, int]:
    """Return the old snapshots that nothing names, with their bytes.

    Args:
        before: They were saved before this instant.
        among: Only these; None for all.
    """
    naming = (pipelines, pipeline_versions, runs)
    every = [select(table.c.content_hash) for table in naming]
    size = func.length(snapshots.c.body).label("size")
    query = select(snapshots.c.content_hash, size)
    # A file is named by what names the snapshots that list it.
    listed = [
        select(snapshot_files.c.file_hash.label("content_hash")).join(
            table, table.c.content_hash == snapshot_files.c.content_hash
        )
        for table in naming
    ]
    if among is not None:
        every = [one.where(one.selected_columns.content_hash.in_(among)) for one in every]
        listed = [one.where(snapshot_files.c.file_hash.in_(among)) for one in listed]
        query = query.where(snapshots.c.content_hash.in_(among))
    # A join, because a long NOT IN is quadratic in PostgreSQL.
    named = union(*every, *listed).subquery()
    joined = snapshots.outerjoin(named, named.c.content_hash == snapshots.c.content_hash)
    old = or_(snapshots.c.saved_at.is_(None), snapshots.c.saved_at < before)
    query = query.select_from(joined).where(old, named.c.content_hash.is_(None))
    return {row.content_hash: row.size for row in connection.execute(query)}
