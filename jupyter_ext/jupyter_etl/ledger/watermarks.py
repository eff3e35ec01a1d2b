"""Watermarks of incremental loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.language.cursors import is_further
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import held_moves, pipelines, publication_versions, watermarks
from jupyter_etl.model import (
    AttemptReport,
    Cursor,
    CursorMove,
    CursorValue,
    Outcome,
    PublicationVersion,
    VersionWatermark,
    Watermark,
)


class Watermarks(Part):
    """Implements `jupyter_etl.ports.WatermarkStore`."""

    def load_watermarks(self, pipeline: str | None = None) -> list[Watermark]:
        query = select(watermarks)
        if pipeline is not None:
            query = query.where(watermarks.c.pipeline == pipeline)
        with self._ledger.reading() as connection:
            found = [_watermark_of(row) for row in connection.execute(query)]
        return sorted(found, key=lambda one: (one.pipeline, one.cursor.label))

    def load_watermark(self, pipeline: str, cursor: Cursor) -> Watermark | None:
        with self._ledger.reading() as connection:
            row = connection.execute(
                select(watermarks).where(*_this(pipeline, cursor))
            ).one_or_none()
        return None if row is None else _watermark_of(row)

    def set_watermark(
        self, pipeline: str, cursor: Cursor, value: CursorValue | None, *, by: str, now: datetime
    ) -> Watermark:
        with self._ledger.writing() as connection:
            return put_watermark(connection, pipeline, cursor, value, by=by, now=now)


def put_watermark(
    connection: Connection,
    pipeline: str,
    cursor: Cursor,
    value: CursorValue | None,
    *,
    by: str,
    now: datetime,
) -> Watermark:
    """Set a watermark and begin its next era, in the caller's transaction.

    Raises:
        PermissionDenied: The pipeline belongs to another owner.
    """
    _refuse_stranger(connection, pipeline, by)
    _add(connection, pipeline, cursor, by=by, now=now)
    changed = (
        update(watermarks)
        .where(*_this(pipeline, cursor))
        .values(
            value=value,
            era=watermarks.c.era + 1,
            run_id=None,
            moved_by=by,
            moved_at=now,
        )
    )
    connection.execute(changed)
    row = connection.execute(select(watermarks).where(*_this(pipeline, cursor))).one()
    return _watermark_of(row)


def record_watermarks(
    connection: Connection,
    run: Row[Any],
    visible: Sequence[PublicationVersion],
    moves: Iterable[CursorMove],
) -> list[PublicationVersion]:
    """Record the watermarks of a run's loads with its new versions.

    Args:
        connection: Connection of the transaction that makes them visible, after the watermarks have advanced.

    Returns:
        The versions with their watermarks.
    """
    starts = {} if run.draft else {move.cursor: move.start.after for move in moves}
    found = {}
    for cursor, start in starts.items():
        query = select(watermarks.c.value).where(*_this(run.pipeline, cursor))
        row = connection.execute(query).one_or_none()
        if row is not None:
            found[cursor] = VersionWatermark(
                pipeline=run.pipeline, cursor=cursor, value=row.value, begun=start
            )
    if not found:
        return list(visible)
    recorded = []
    for version in visible:
        known = {(one.pipeline, one.cursor): one for one in version.watermarks or ()}
        for cursor, one in found.items():
            earlier = known.get((run.pipeline, cursor), one)
            known[run.pipeline, cursor] = replace(one, begun=earlier.begun)
        recorded.append(replace(version, watermarks=tuple(known.values())))
        connection.execute(
            update(publication_versions)
            .where(
                publication_versions.c.name == version.name,
                publication_versions.c.draft == version.draft,
                publication_versions.c.number == version.number,
            )
            .values(watermarks=recorded[-1].watermarks)
        )
    return recorded


def advance_watermarks(
    connection: Connection, run: Row[Any], moves: Iterable[CursorMove], now: datetime
) -> None:
    """Advance the watermarks of a run's pipeline, in the transaction that publishes its rows.

    A watermark never moves back, and a value that a person has set since the run began to read
    stays; see docs/adr/0011-watermarks.md. Rows are locked in the order of their cursors.
    """
    for move in sorted(moves, key=lambda move: move.cursor.label):
        if move.value is None or run.draft:
            continue
        _add(connection, run.pipeline, move.cursor, by=run.owner, now=now)
        this = _this(run.pipeline, move.cursor)
        row = connection.execute(select(watermarks).where(*this).with_for_update()).one()
        if row.era == move.start.era and (row.value is None or is_further(move.value, row.value)):
            connection.execute(
                update(watermarks)
                .where(*this)
                .values(value=move.value, run_id=run.id, moved_by=run.owner, moved_at=now)
            )


def save_held_moves(
    connection: Connection, run_id: int, number: int, report: AttemptReport
) -> None:
    """Store the moves of an attempt whose outputs are held, until they are approved."""
    if report.outcome is Outcome.HELD and report.moves:
        kept = insert(held_moves).values(run_id=run_id, number=number, moves=report.moves)
        connection.execute(kept)


def _add(connection: Connection, pipeline: str, cursor: Cursor, *, by: str, now: datetime) -> None:
    new = inserting(connection, watermarks).values(
        pipeline=pipeline,
        source=cursor.source,
        relation=cursor.table,
        cursor=cursor.column,
        value=None,
        era=0,
        moved_by=by,
        moved_at=now,
    )
    connection.execute(new.on_conflict_do_nothing())


def _refuse_stranger(connection: Connection, pipeline: str, by: str) -> None:
    query = select(pipelines.c.owner).where(pipelines.c.name == pipeline)
    owner = connection.execute(query).scalar()
    if owner is not None and owner != by:
        raise PermissionDenied(
            f"The pipeline {pipeline!r} belongs to {owner!r}, not to {by!r}.",
            hint="Ask its owner to set the watermark.",
            data={"name": pipeline, "owner": owner},
        )


def _this(pipeline: str, cursor: Cursor) -> tuple[Any, ...]:
    return (
        watermarks.c.pipeline == pipeline,
        watermarks.c.source == cursor.source,
        watermarks.c.relation == cursor.table,
        watermarks.c.cursor == cursor.column,
    )


def _watermark_of(row: Row[Any]) -> Watermark:
    cursor = Cursor(source=row.source, table=row.relation, column=row.cursor)
    return value_of(Watermark, row, cursor=cursor)
