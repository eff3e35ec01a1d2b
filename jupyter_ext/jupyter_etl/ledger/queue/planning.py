"""Due pipelines, and the runs that are planned for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    false,
    func,
    select,
    true,
    update,
)

from jupyter_etl.ledger.connection import Part, inserting, plan_once
from jupyter_etl.ledger.runs import published_by
from jupyter_etl.ledger.schema.rows import new_run_row, run_of, value_of
from jupyter_etl.ledger.schema.tables import pipelines, publication_versions, publications, runs
from jupyter_etl.model import (
    ACTIVE,
    IN_PROGRESS,
    Cause,
    NewRun,
    Pipeline,
    PublicationVersion,
    Run,
    RunState,
    ScheduleKind,
)
from jupyter_etl.ports import Planned

_T = TypeVar("_T")
_MANY = 1000
"""Values in one statement; SQLite allows 32,766."""

_OVERLAPPING = (Cause.SCHEDULE, Cause.UPSTREAM, Cause.MANUAL)


class Planning(Part):
    """Implements `jupyter_etl.ports.PlanStore`."""

    def load_due(self, now: datetime, *, limit: int = 1000) -> list[Pipeline]:
        query = (
            select(pipelines)
            .where(pipelines.c.paused == false(), pipelines.c.next_due <= now)
            .order_by(pipelines.c.next_due, pipelines.c.name)
            .limit(limit)
        )
        with self._ledger.reading() as connection:
            return [value_of(Pipeline, row) for row in connection.execute(query)]

    def load_subscribers(self) -> list[Pipeline]:
        query = select(pipelines).where(
            pipelines.c.schedule_kind == ScheduleKind.AFTER, pipelines.c.paused == false()
        )
        with self._ledger.reading() as connection:
            found = [value_of(Pipeline, row) for row in connection.execute(query)]
            return sorted(found, key=lambda pipeline: pipeline.name)

    def load_live_versions(self, names: Collection[str]) -> dict[str, PublicationVersion]:
        versions = publication_versions
        is_live = and_(
            versions.c.name == publications.c.name,
            versions.c.number == publications.c.live_number,
            versions.c.draft == false(),
        )
        query = select(versions).join(publications, is_live)
        with self._ledger.reading() as connection:
            found = _in_chunks(connection, query, publications.c.name, names)
            return {row.name: value_of(PublicationVersion, row) for row in found}

    def load_overlapping(self, names: Collection[str]) -> dict[str, list[Run]]:
        place = func.row_number().over(partition_by=runs.c.pipeline, order_by=runs.c.id.desc())
        every = (
            select(runs, place.label("place"))
            .where(runs.c.state.in_(ACTIVE), runs.c.cause.in_(_OVERLAPPING))
            .where(runs.c.draft == false())
        )
        overlapping: dict[str, list[Run]] = {name: [] for name in names}
        with self._ledger.reading() as connection:
            for names_ in chunks(names):
                chosen = every.where(runs.c.pipeline.in_(names_)).subquery()
                query = select(chosen).where(chosen.c.place <= _MANY).order_by(chosen.c.id.desc())
                for row in connection.execute(query):
                    overlapping[row.pipeline].append(run_of(row))
        return overlapping

    def plan(self, plans: Sequence[Planned], *, now: datetime) -> list[bool]:
        with self._ledger.writing(ring=True) as connection:
            written = compare(connection, plans)
            won = [plan for plan, wins in zip(plans, written, strict=True) if wins]
            plan_once(connection)
            advance(connection, won)
            _supersede(connection, won, now)
            _insert_all(connection, [run for plan in won for run in plan.runs], now)
        return written

    def add_run(self, run: NewRun, *, now: datetime) -> Run:
        with self._ledger.writing(ring=True) as connection:
            row = _insert(connection, run, now)
            if row is not None:
                return run_of(row)
            there = connection.execute(_same_run(run)).one()
            return run_of(there, published_by(connection, [there.id]).get(there.id, ()))


def compare(connection: Connection, plans: Sequence[Planned]) -> list[bool]:
    """Return for each plan whether its pipeline is unchanged, and lock these pipelines."""
    there = pipelines.c.removed == false()
    query = select(pipelines.c.name, pipelines.c.revision).where(there)
    # Locked in the order of their names, so that transactions cannot deadlock.
    query = query.order_by(pipelines.c.name).with_for_update()
    names = sorted({plan.pipeline.name for plan in plans})
    found = _in_chunks(connection, query, pipelines.c.name, names)
    revisions = {row.name: row.revision for row in found}
    # Each revision is planned once, even if one call has two plans for it.
    return [
        revisions.get(plan.pipeline.name) == plan.pipeline.revision
        and revisions.pop(plan.pipeline.name) is not None
        for plan in plans
    ]


def advance(connection: Connection, plans: Sequence[Planned]) -> None:
    """Write the due times of plans, and the upstream versions of their runs."""
    if not plans:
        return
    advanced = (
        update(pipelines)
        .where(pipelines.c.name == bindparam("this"))
        .values(
            next_due=bindparam("due"),
            seen=bindparam("has_seen"),
            revision=pipelines.c.revision + 1,
        )
    )
    rows = [
        {
            "this": plan.pipeline.name,
            "due": plan.next_due,
            "has_seen": _seen(plan),
        }
        for plan in plans
    ]
    connection.execute(advanced, rows)


def _seen(plan: Planned) -> dict[str, int]:
    """Return ``seen`` of the pipeline with the upstream versions of its new runs."""
    seen = dict(plan.pipeline.seen)
    for run in plan.runs:
        for name, number in run.upstream.items():
            seen[name] = max(number, seen.get(name, 0))
    return seen


def _supersede(connection: Connection, plans: Sequence[Planned], now: datetime) -> None:
    """Skip queued runs, and cancel running ones."""
    old = {run_id: plan for plan in plans for run_id in plan.cancel}
    if not old:
        return
    query = select(runs.c.id, runs.c.pipeline, runs.c.state)
    query = query.order_by(runs.c.id).with_for_update()
    found = _in_chunks(connection, query, runs.c.id, sorted(old))
    meant = [row for row in found if row.pipeline == old[row.id].pipeline.name]
    waiting = [row.id for row in meant if row.state is RunState.QUEUED]
    if waiting:
        skipped = update(runs).where(runs.c.id == bindparam("this"))
        connection.execute(
            skipped.values(state=RunState.SKIPPED, note=bindparam("why"), finished_at=now),
            [{"this": run_id, "why": _superseded_by(old[run_id])} for run_id in waiting],
        )
    running = [row.id for row in meant if row.state in IN_PROGRESS]
    for few in chunks(running):
        connection.execute(update(runs).where(runs.c.id.in_(few)).values(cancel_requested=true()))


def _superseded_by(plan: Planned) -> str:
    return f"superseded by {plan.runs[-1].logical_key}" if plan.runs else "superseded"


def _insert_all(connection: Connection, new: Sequence[NewRun], now: datetime) -> None:
    if new:
        rows = [new_run_row(run, now) for run in new]
        connection.execute(inserting(connection, runs).on_conflict_do_nothing(), rows)


def _in_chunks(
    connection: Connection, query: Select[Any], key: ColumnElement[Any], values: Collection[Any]
) -> list[Row[Any]]:
    """Return the rows whose key is one of many values."""
    few = (connection.execute(query.where(key.in_(chunk))) for chunk in chunks(values))
    return [row for found in few for row in found]


def chunks(values: Collection[_T]) -> Iterator[list[_T]]:
    """Yield lists that fit into one statement."""
    every = list(values)
    return (every[start : start + _MANY] for start in range(0, len(every), _MANY))


def _insert(connection: Connection, run: NewRun, now: datetime) -> Row[Any] | None:
    new = inserting(connection, runs).on_conflict_do_nothing().returning(runs)
    return connection.execute(new, new_run_row(run, now)).one_or_none()


def _same_run(run: NewRun) -> Select[Any]:
    return select(runs).where(
        runs.c.pipeline == run.pipeline, runs.c.logical_key == run.logical_key
    )
