"""Pipelines and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, false, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from jupyter_etl.errors import Conflict, PermissionDenied
from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.databases.error_mapping import not_found
from jupyter_etl.ledger.schema.rows import value_of, values_of
from jupyter_etl.ledger.schema.tables import pipeline_versions, pipelines, publications
from jupyter_etl.ledger.schema.types import has_tags
from jupyter_etl.model import NO_TAGS, Pipeline, PipelineVersion, Schedule, tag_texts


class Pipelines(Part):
    """Implements `jupyter_etl.ports.PipelineStore`."""

    def deploy(self, pipeline: Pipeline, *, now: datetime) -> Pipeline:
        with self._ledger.writing() as connection:
            new = inserting(connection, pipelines).values(_new_row(pipeline, now))
            created = connection.execute(
                new.on_conflict_do_nothing().returning(pipelines.c.name)
            ).first()
            if created is None:
                self._redeploy(connection, pipeline, now)
            else:
                _record_version(connection, pipeline, 1, now)
            return value_of(Pipeline, _row(connection, pipeline.name))

    def _redeploy(self, connection: Connection, pipeline: Pipeline, now: datetime) -> None:
        row = _row(connection, pipeline.name, lock=True)
        if not row.removed:
            _check_same(row, pipeline)
        changes = _changes(row, pipeline, now)
        if not changes:
            return
        connection.execute(
            update(pipelines)
            .where(pipelines.c.name == pipeline.name)
            .values(**changes, revision=row.revision + 1, updated_at=now)
        )
        if changes.get("version", row.version) != row.version:
            _record_version(connection, pipeline, row.version + 1, now)

    def load_pipeline(self, name: str) -> Pipeline:
        with self._ledger.reading() as connection:
            return value_of(Pipeline, _present(connection, name))

    def load_pipelines(
        self,
        *,
        search: str = "",
        owner: str | None = None,
        limit: int | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        offset: int = 0,
    ) -> list[Pipeline]:
        with self._ledger.reading() as connection:
            query = select(pipelines).where(*_matching(connection, search, owner, tags))
            # By code points in both databases, whatever the locale of PostgreSQL is.
            order = {"postgresql": "C"}.get(connection.dialect.name, "BINARY")
            query = query.order_by(pipelines.c.name.collate(order)).limit(limit).offset(offset)
            return list(values_of(Pipeline, connection.execute(query)))

    def count_pipelines(
        self, *, search: str = "", owner: str | None = None, tags: Mapping[str, str] = NO_TAGS
    ) -> int:
        with self._ledger.reading() as connection:
            query = select(func.count()).select_from(pipelines)
            query = query.where(*_matching(connection, search, owner, tags))
            count: int = connection.execute(query).scalar_one()
        return count

    def load_pipeline_versions(self, name: str) -> list[PipelineVersion]:
        query = (
            select(pipeline_versions)
            .where(pipeline_versions.c.pipeline == name)
            .order_by(pipeline_versions.c.number.desc())
        )
        with self._ledger.reading() as connection:
            return [value_of(PipelineVersion, row) for row in connection.execute(query)]

    def change_pipeline(
        self,
        name: str,
        *,
        now: datetime,
        paused: bool | None = None,
        next_due: datetime | None = None,
        owner: str | None = None,
        notebook: str | None = None,
    ) -> Pipeline:
        with self._ledger.writing() as connection:
            row = _present(connection, name, lock=True)
            is_paused = row.paused if paused is None else paused
            connection.execute(
                update(pipelines)
                .where(pipelines.c.name == name)
                .values(
                    paused=is_paused,
                    pause_note=row.pause_note if paused is None else "",
                    next_due=None if is_paused else next_due or row.next_due,
                    owner=row.owner if owner is None else owner,
                    notebook=row.notebook if notebook is None else notebook,
                    revision=row.revision + 1,
                    updated_at=now,
                )
            )
            if owner is not None and owner != row.owner:
                connection.execute(
                    update(publications)
                    .where(publications.c.pipeline == name, publications.c.owner == row.owner)
                    .values(owner=owner)
                )
            return value_of(Pipeline, _row(connection, name))

    def remove_pipeline(self, name: str) -> None:
        with self._ledger.writing() as connection:
            row = _present(connection, name, lock=True)
            connection.execute(
                update(pipelines)
                .where(pipelines.c.name == name)
                .values(
                    removed=True,
                    next_due=None,
                    schedule_kind=None,
                    revision=row.revision + 1,
                )
            )


def _matching(
    connection: Connection, search: str, owner: str | None, tags: Mapping[str, str]
) -> list[ColumnElement[bool]]:
    """Return the conditions of `Pipelines.load_pipelines`."""
    found = [pipelines.c.removed == false(), *has_tags(pipelines.c.policy, tags)]
    if owner is not None:
        found.append(pipelines.c.owner == owner)
    if search:
        # Python compares: SQLite knows upper and lower case of ASCII only, PostgreSQL that of its locale.
        columns = (pipelines.c.name, pipelines.c.owner, pipelines.c.notebook, pipelines.c.policy)
        wanted = search.casefold()
        names = [
            name
            for name, *texts, policy in connection.execute(select(*columns).where(*found))
            if wanted in "\n".join((name, *texts, *tag_texts(policy))).casefold()
        ]
        found.append(pipelines.c.name.in_(names))
    return found


def _row(connection: Connection, name: str, *, lock: bool = False) -> Row[Any]:
    query = select(pipelines).where(pipelines.c.name == name)
    return connection.execute(query.with_for_update() if lock else query).one()


def _present(connection: Connection, name: str, *, lock: bool = False) -> Row[Any]:
    there = pipelines.c.removed == false()
    query = select(pipelines).where(pipelines.c.name == name, there)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        known = connection.execute(select(pipelines.c.name).where(there)).scalars()
        raise not_found("pipeline", name, known)
    return row


def _new_row(pipeline: Pipeline, now: datetime) -> dict[str, object]:
    schedule = pipeline.schedule
    return {
        "name": pipeline.name,
        "notebook": pipeline.notebook,
        "content_hash": pipeline.content_hash,
        "owner": pipeline.owner,
        "version": 1,
        "schedule": schedule,
        "schedule_kind": None if schedule is None else schedule.kind,
        "parameters": pipeline.parameters,
        "policy": pipeline.policy,
        "sources": pipeline.sources,
        "paused": pipeline.paused,
        "pause_note": "",
        "next_due": None if pipeline.paused else pipeline.next_due,
        "revision": 1,
        "removed": False,
        "created_at": now,
        "updated_at": now,
    }


def _check_same(row: Row[Any], pipeline: Pipeline) -> None:
    if row.owner != pipeline.owner:
        raise PermissionDenied(
            f"The pipeline {row.name!r} belongs to {row.owner!r}, not to {pipeline.owner!r}.",
            hint="Choose another name, or ask its owner to hand it over.",
            data={"name": row.name, "owner": row.owner},
        )
    if row.notebook != pipeline.notebook:
        raise Conflict(
            f"The pipeline {row.name!r} runs the notebook {row.notebook}, not {pipeline.notebook}.",
            hint="Choose another name. If that notebook was renamed or moved: "
            f"jupyter etl relink {row.name} NOTEBOOK",
            data={"name": row.name, "notebook": row.notebook},
        )


def _changes(row: Row[Any], pipeline: Pipeline, now: datetime) -> dict[str, object]:
    returns: bool = row.removed
    declared = _new_row(pipeline, now)
    changes: dict[str, object] = {}
    if returns:
        # For users the name is new again; version and revision continue.
        changes = {**declared, "version": row.version}
        del changes["revision"], changes["updated_at"]
    what = ("content_hash", "notebook", "schedule", "parameters", "policy")
    if row.sources != pipeline.sources:
        changes["sources"] = pipeline.sources
    if any(getattr(row, field) != declared[field] for field in what):
        changes |= {field: declared[field] for field in (*what, "schedule_kind")}
        changes["version"] = row.version + 1
    if not returns and not row.paused:
        due = _next_due(row, pipeline)
        if due != row.next_due:
            changes["next_due"] = due
    return changes


def _next_due(row: Row[Any], pipeline: Pipeline) -> datetime | None:
    # A due time that is not planned yet must not get lost when a parameter changes.
    if row.next_due is not None and _meaning(row.schedule) == _meaning(pipeline.schedule):
        due: datetime = row.next_due
        return due
    return pipeline.next_due


def _meaning(schedule: Schedule | None) -> Schedule | None:
    return None if schedule is None else replace(schedule, text="")


def _record_version(connection: Connection, pipeline: Pipeline, number: int, now: datetime) -> None:
    connection.execute(
        insert(pipeline_versions).values(
            pipeline=pipeline.name,
            number=number,
            content_hash=pipeline.content_hash,
            notebook=pipeline.notebook,
            schedule=pipeline.schedule,
            parameters=pipeline.parameters,
            policy=pipeline.policy,
            deployed_by=pipeline.owner,
            deployed_at=now,
        )
    )
