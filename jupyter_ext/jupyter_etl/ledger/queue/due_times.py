"""Due times that were computed with a wrong clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    Connection,
    and_,
    delete,
    false,
    func,
    or_,
    select,
    text,
    update,
)

from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.queue.planning import advance, chunks, compare
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import pipelines, runs
from jupyter_etl.model import Cause, Pipeline, RunState, ScheduleKind
from jupyter_etl.ports import Planned

_TIMED = (ScheduleKind.CRON, ScheduleKind.INTERVAL, ScheduleKind.ONCE)


class DueTimes(Part):
    """Implements `jupyter_etl.ports.DueTimeStore`."""

    def load_time(self) -> datetime | None:
        if self._ledger.is_sqlite:
            return None
        with self._ledger.reading() as connection:
            now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now

    def load_scheduled(self, now: datetime) -> list[Pipeline]:
        query = select(pipelines).where(
            pipelines.c.paused == false(),
            pipelines.c.removed == false(),
            pipelines.c.schedule_kind.in_(_TIMED),
            or_(pipelines.c.next_due > now, pipelines.c.next_due.is_(None)),
        )
        with self._ledger.reading() as connection:
            found = [value_of(Pipeline, row) for row in connection.execute(query)]
            return sorted(found, key=lambda pipeline: pipeline.name)

    def load_missed_early(self, until: datetime) -> set[str]:
        # `not_before` of a skipped run is when it was due or recorded, whichever is later.
        query = (
            select(runs.c.pipeline)
            .distinct()
            .where(
                runs.c.state == RunState.SKIPPED,
                runs.c.not_before > until,
                runs.c.cause == Cause.SCHEDULE,
                runs.c.attempts == 0,
            )
        )
        with self._ledger.reading() as connection:
            return set(connection.execute(query).scalars())

    def load_last_scheduled(
        self, names: Collection[str], *, until: datetime
    ) -> dict[str, datetime]:
        last = (
            select(runs.c.pipeline, func.max(runs.c.logical_at).label("at"))
            .where(runs.c.cause == Cause.SCHEDULE, runs.c.logical_at <= until)
            .where(runs.c.created_at <= until)
            .group_by(runs.c.pipeline)
        )
        with self._ledger.reading() as connection:
            return {
                row.pipeline: row.at
                for few in chunks(names)
                for row in connection.execute(last.where(runs.c.pipeline.in_(few)))
            }

    def correct_due(
        self, plans: Sequence[Planned], *, until: datetime, waits_until: datetime, now: datetime
    ) -> list[bool]:
        with self._ledger.writing(ring=True) as connection:
            written = compare(connection, plans)
            won = [plan for plan, wins in zip(plans, written, strict=True) if wins]
            advance(connection, won)
            _take_back(connection, [plan.pipeline.name for plan in won], until)
            _end_waits(connection, until, waits_until, now)
        return written


def _take_back(connection: Connection, names: Sequence[str], until: datetime) -> None:
    early = delete(runs).where(
        runs.c.cause == Cause.SCHEDULE,
        runs.c.state.in_((RunState.QUEUED, RunState.SKIPPED)),
        runs.c.attempts == 0,
        or_(runs.c.logical_at > until, runs.c.created_at > until),
    )
    for few in chunks(names):
        connection.execute(early.where(runs.c.pipeline.in_(few)))


def _end_waits(
    connection: Connection, until: datetime, waits_until: datetime, now: datetime
) -> None:
    """Allow runs to start whose wait was computed with a wrong clock."""
    untried = and_(
        runs.c.attempts == 0,
        runs.c.not_before > until,
        or_(runs.c.due_at <= until, runs.c.cause != Cause.SCHEDULE),
    )
    retried = and_(runs.c.attempts > 0, runs.c.not_before > waits_until)
    connection.execute(
        update(runs)
        .where(runs.c.state == RunState.QUEUED, runs.c.not_before > until, or_(untried, retried))
        .values(not_before=now)
    )
