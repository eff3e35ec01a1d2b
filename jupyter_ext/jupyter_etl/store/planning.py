"""What is due, and the runs that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, false, func, select, true, update

from jupyter_etl.errors import Conflict
from jupyter_etl.model import NewRun, Pipeline, Run, RunState, ScheduleKind
from jupyter_etl.store.connection import inserting
from jupyter_etl.store.part import Part
from jupyter_etl.store.rows import new_run_row, pipeline_of, run_of
from jupyter_etl.store.runs import published_by
from jupyter_etl.store.schema import pipelines, runs


class Planning(Part):
    """What schedulers ask and write before a run exists."""

    def load_due(self, now: datetime, *, limit: int = 1000) -> list[Pipeline]:
        """Return the pipelines that are not paused and whose ``next_due`` is not after ``now``.

        Longest due first.
        """
        query = (
            select(pipelines)
            .where(pipelines.c.paused == false(), pipelines.c.next_due <= now)
            .order_by(pipelines.c.next_due, pipelines.c.name)
            .limit(limit)
        )
        with self._ledger.reading() as connection:
            return list(map(pipeline_of, connection.execute(query)))

    def next_due_at(self) -> datetime | None:
        """Return the earliest ``next_due`` or ``not_before`` of a queued run; None without any."""
        schedule = select(func.min(pipelines.c.next_due)).where(pipelines.c.paused == false())
        queue = select(func.min(runs.c.not_before)).where(runs.c.state == RunState.QUEUED)
        with self._ledger.reading() as connection:
            found = [connection.execute(query).scalar() for query in (schedule, queue)]
        return min((at for at in found if at is not None), default=None)

    def load_subscribers(self) -> list[Pipeline]:
        """Return the pipelines with an ``after`` schedule that are not paused."""
        query = select(pipelines).where(
            pipelines.c.schedule_kind == ScheduleKind.AFTER, pipelines.c.paused == false()
        )
        with self._ledger.reading() as connection:
            found = map(pipeline_of, connection.execute(query))
            return sorted(found, key=lambda pipeline: pipeline.name)

    def plan(
        self,
        pipeline: Pipeline,
        runs: Sequence[NewRun],
        *,
        next_due: datetime | None,
        now: datetime,
        cancel: Sequence[int] = (),
    ) -> list[Run]:
        """Insert runs and advance ``next_due``, if nobody changed the pipeline meanwhile.

        Raises:
            Conflict: The revision is another one. Nothing was written.
        """
        with self._ledger.writing() as connection:
            _advance(connection, pipeline, next_due)
            _supersede(connection, pipeline.name, cancel, runs, now)
            rows = [_insert(connection, run, now) for run in runs]
            return [run_of(row) for row in rows if row is not None]

    def add_run(self, run: NewRun, *, now: datetime) -> Run:
        """Insert one run; where its logical key exists, return that one."""
        with self._ledger.writing() as connection:
            row = _insert(connection, run, now)
            if row is not None:
                return run_of(row)
            there = connection.execute(_same_run(run)).one()
            return run_of(there, published_by(connection, [there.id]).get(there.id, ()))


def _advance(connection: Connection, pipeline: Pipeline, next_due: datetime | None) -> None:
    advanced = connection.execute(
        update(pipelines)
        .where(
            pipelines.c.name == pipeline.name,
            pipelines.c.revision == pipeline.revision,
            pipelines.c.removed == false(),
        )
        .values(next_due=next_due, revision=pipelines.c.revision + 1)
    )
    if advanced.rowcount != 1:
        raise Conflict(
            f"The pipeline {pipeline.name!r} was changed after revision {pipeline.revision} "
            "was loaded.",
            hint="Load it again and plan anew; another scheduler may have planned it already.",
            data={"name": pipeline.name, "revision": pipeline.revision},
        )


def _supersede(
    connection: Connection,
    pipeline: str,
    cancel: Sequence[int],
    by: Sequence[NewRun],
    now: datetime,
) -> None:
    if not cancel:
        return
    meant = (runs.c.pipeline == pipeline, runs.c.id.in_(cancel))
    # Locked in the order of their ids, so that two transactions never wait for each other.
    connection.execute(select(runs.c.id).where(*meant).order_by(runs.c.id).with_for_update()).all()
    note = f"superseded by {by[-1].logical_key}" if by else "superseded"
    connection.execute(
        update(runs)
        .where(*meant, runs.c.state == RunState.QUEUED)
        .values(state=RunState.SKIPPED, note=note, finished_at=now)
    )
    connection.execute(
        update(runs)
        .where(*meant, runs.c.state.in_((RunState.DISPATCHED, RunState.RUNNING)))
        .values(cancel_requested=true())
    )


def _insert(connection: Connection, run: NewRun, now: datetime) -> Row[Any] | None:
    new = inserting(connection, runs).values(new_run_row(run, now)).on_conflict_do_nothing()
    return connection.execute(new.returning(runs)).one_or_none()


def _same_run(run: NewRun) -> Select[Any]:
    return select(runs).where(
        runs.c.pipeline == run.pipeline, runs.c.logical_key == run.logical_key
    )
