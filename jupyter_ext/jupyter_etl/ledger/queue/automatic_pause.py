"""Pauses a pipeline that fails repeatedly."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, false, func, select, update

from jupyter_etl.ledger.queue.limits import PLANNED
from jupyter_etl.ledger.schema.tables import pipelines, runs
from jupyter_etl.model import FAILURES_TO_PAUSE, RunState

_ENDS = (RunState.SUCCEEDED, RunState.FAILED, RunState.HELD, RunState.CANCELLED)


def lock_pipeline_of(connection: Connection, run_id: int) -> None:
    """Lock the pipeline of a run until this transaction ends.

    It is called before the run is locked: planning locks the pipeline first, too.
    """
    name = select(runs.c.pipeline).where(runs.c.id == run_id).scalar_subquery()
    query = select(pipelines.c.name).where(pipelines.c.name == name)
    connection.execute(query.with_for_update()).all()


def pause_if_failing(connection: Connection, run: Row[Any], error: str, now: datetime) -> None:
    """Pause the pipeline of a run that has failed, if so many of its runs failed in a row.

    Planned runs count, drafts and skipped times do not. Only runs that were
    added after the last change of the pipeline count: resuming or deploying it resets the count.

    Args:
        connection: Connection of the transaction that ended the run, after `lock_pipeline_of`.
    """
    if run.cause not in PLANNED or run.draft:
        return
    this = (pipelines.c.name == run.pipeline, pipelines.c.removed == false())
    deployed = connection.execute(select(pipelines).where(*this)).one_or_none()
    if deployed is None or deployed.paused:
        return
    query = (
        # Never null: with coalesce SQLite does not use the index over the states, for which it would
        # sort all runs of the pipeline to look at the newest few.
        select(runs.c.state)
        .where(
            runs.c.pipeline == run.pipeline,
            func.coalesce(runs.c.state, runs.c.state).in_(_ENDS),
            runs.c.cause.in_(PLANNED),
            runs.c.draft == false(),
            runs.c.created_at >= deployed.updated_at,
        )
        .order_by(runs.c.id.desc())
        .limit(FAILURES_TO_PAUSE)
    )
    last = connection.execute(query).scalars().all()
    if len(last) < FAILURES_TO_PAUSE or set(last) != {RunState.FAILED}:
        return
    note = (
        f"Paused by the platform after {FAILURES_TO_PAUSE} failures in a row; "
        f"the last: run {run.id}, {error}"
    )
    connection.execute(
        update(pipelines)
        .where(*this)
        .values(
            paused=True,
            pause_note=note,
            next_due=None,
            revision=deployed.revision + 1,
            updated_at=now,
        )
    )
