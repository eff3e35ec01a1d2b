"""What runs read and wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.schema.tables import column_origins, publication_versions, run_reads, runs
from jupyter_etl.model import TERMINAL, ColumnOrigin, Read, RunLineage, Written

MOST_READS = 500
"""Most reads of one run that are recorded, and columns of one output."""

_CHUNK = 1000


class Lineage(Part):
    """Implements `jupyter_etl.ports.LineageStore`."""

    def load_lineage(self, run_ids: Collection[int]) -> list[RunLineage]:
        found: list[RunLineage] = []
        wanted = sorted(set(run_ids))
        with self._ledger.reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                found += _load(connection, wanted[start : start + _CHUNK])
        return found

    def load_readers(self, source: str, *, table: str | None = None) -> list[int]:
        query = select(func.max(run_reads.c.run_id)).where(run_reads.c.source == source)
        if table is not None:
            query = query.where(run_reads.c.relation == table)
        with self._ledger.reading() as connection:
            return sorted(connection.execute(query.group_by(run_reads.c.pipeline)).scalars())

    def prune_lineage(self, *, before: datetime, keep: int, dry_run: bool) -> int:
        place = func.row_number().over(partition_by=runs.c.pipeline, order_by=runs.c.id.desc())
        ranked = select(
            runs.c.id, runs.c.state, runs.c.finished_at, place.label("place")
        ).subquery()
        kept = (
            select(publication_versions.c.run_id)
            .where(
                publication_versions.c.run_id == run_reads.c.run_id,
                publication_versions.c.draft.is_(False),
                publication_versions.c.pruned_at.is_(None),
            )
            .exists()
        )
        query = (
            select(run_reads.c.run_id)
            .distinct()
            .join(ranked, ranked.c.id == run_reads.c.run_id)
            .where(
                ranked.c.place > keep,
                ranked.c.state.in_(TERMINAL),
                ranked.c.finished_at < before,
                ~kept,
            )
        )
        with self._ledger.reading() as connection:
            old = sorted(connection.execute(query).scalars())
        for start in range(0, 0 if dry_run else len(old), _CHUNK):
            with self._ledger.writing() as connection:
                _forget(connection, old[start : start + _CHUNK])
        return len(old)


def save_lineage(
    connection: Connection,
    run: Row[Any],
    reads: Iterable[Read],
    origins: Mapping[str, Sequence[ColumnOrigin]],
) -> None:
    """Record the lineage of a run, in the transaction that publishes its rows.

    A repeated run replaces its earlier record. Nothing is recorded for a draft.

    Args:
        origins: Origins of the published columns, by publication.
    """
    if run.draft:
        return
    _forget(connection, [run.id])
    rows = [
        {
            "run_id": run.id,
            "place": place,
            "pipeline": run.pipeline,
            "source": read.source,
            "relation": read.table,
            "version": read.version,
            "rows": read.rows,
            "bytes": read.bytes,
        }
        for place, read in enumerate(merged(reads)[:MOST_READS])
    ]
    if rows:
        connection.execute(insert(run_reads), rows)
    known = [
        {"run_id": run.id, "name": name, "origins": tuple(columns[:MOST_READS])}
        for name, columns in sorted(origins.items())
        if columns
    ]
    if known:
        connection.execute(insert(column_origins), known)


def merged(reads: Iterable[Read]) -> list[Read]:
    """Return one read for each source, table and version, in the order of the first read.

    Args:
        reads: Reads of a run; rows and bytes are added up, and unknown if one of them is unknown.
    """
    found: dict[tuple[str, str, str], Read] = {}
    for read in reads:
        key = read.source, read.table, read.version
        before = found.get(key)
        found[key] = Read(
            source=read.source,
            table=read.table,
            version=read.version,
            rows=read.rows if before is None else _sum(before.rows, read.rows),
            bytes=read.bytes if before is None else _sum(before.bytes, read.bytes),
        )
    return list(found.values())


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _forget(connection: Connection, run_ids: Sequence[int]) -> None:
    for table in (run_reads, column_origins):
        connection.execute(delete(table).where(table.c.run_id.in_(run_ids)))


def _load(connection: Connection, run_ids: Sequence[int]) -> list[RunLineage]:
    reads: dict[int, list[Read]] = defaultdict(list)
    of_runs = select(run_reads).where(run_reads.c.run_id.in_(run_ids))
    for row in connection.execute(of_runs.order_by(run_reads.c.run_id, run_reads.c.place)):
        read = Read(
            source=row.source,
            table=row.relation,
            version=row.version,
            rows=row.rows,
            bytes=row.bytes,
        )
        reads[row.run_id].append(read)
    written = _written(connection, run_ids)
    origins: dict[int, dict[str, tuple[ColumnOrigin, ...]]] = defaultdict(dict)
    known = select(column_origins).where(column_origins.c.run_id.in_(run_ids))
    for row in connection.execute(known):
        origins[row.run_id][row.name] = row.origins
    columns = (runs.c.id, runs.c.pipeline, runs.c.version, runs.c.owner, runs.c.finished_at)
    query = select(*columns).where(runs.c.id.in_(run_ids)).order_by(runs.c.id)
    return [
        RunLineage(
            run_id=row.id,
            pipeline=row.pipeline,
            version=row.version,
            owner=row.owner,
            finished_at=row.finished_at,
            reads=tuple(reads[row.id]),
            written=tuple(written[row.id]),
            origins=origins[row.id],
        )
        for row in connection.execute(query)
    ]


def _written(connection: Connection, run_ids: Sequence[int]) -> dict[int, list[Written]]:
    """Return the newest version of each publication that a run made."""
    table = publication_versions
    query = (
        select(table.c.run_id, table.c.name, table.c.number, table.c.what)
        .where(table.c.run_id.in_(run_ids), table.c.draft.is_(False))
        .order_by(table.c.name, table.c.number)
    )
    newest: dict[tuple[int, str], Written] = {}
    for row in connection.execute(query):
        newest[row.run_id, row.name] = Written(name=row.name, number=row.number, rows=row.what.rows)
    found: dict[int, list[Written]] = defaultdict(list)
    for (run_id, _), one in newest.items():
        found[run_id].append(one)
    return found
