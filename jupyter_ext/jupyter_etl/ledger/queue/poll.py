"""What there is to do for a scheduler, in one query."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Exists, Table, bindparam, false, func, literal_column, select

from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.schema.tables import attempts, breakers, pipelines, runs
from jupyter_etl.ledger.schema.types import Instant
from jupyter_etl.model import RunState, ScheduleKind
from jupyter_etl.ports import Outlook

_NOW = bindparam("now", type_=Instant)
_PLANNED = pipelines.c.paused == false()
_QUEUED = runs.c.state == RunState.QUEUED


def _any(table: Table, *where: ColumnElement[bool]) -> Exists:
    """Select no column, so that the index is enough."""
    return select(literal_column("1")).select_from(table).where(*where).exists()


# Built once: building it takes longer than executing it, and it is the only query of an idle
# scheduler. Each part is one index lookup.
_POLL = select(
    _any(pipelines, _PLANNED, pipelines.c.next_due <= _NOW).label("due"),
    _any(pipelines, _PLANNED, pipelines.c.schedule_kind == ScheduleKind.AFTER).label("subscribers"),
    _any(attempts, attempts.c.outcome.is_(None)).label("live"),
    _any(runs, runs.c.notified == false()).label("unnotified"),
    _any(runs, _QUEUED, runs.c.not_before <= _NOW).label("ready"),
    select(func.min(pipelines.c.next_due))
    .where(_PLANNED, pipelines.c.next_due > _NOW)
    .scalar_subquery()
    .label("next_due"),
    select(func.min(runs.c.not_before))
    .where(_QUEUED, runs.c.not_before > _NOW)
    .scalar_subquery()
    .label("next_ready"),
    select(func.min(breakers.c.retry_at))
    .where(breakers.c.retry_at > _NOW)
    .scalar_subquery()
    .label("next_probe"),
)


class Poll(Part):
    """Implements `jupyter_etl.ports.QueueStore.load_outlook`."""

    def load_outlook(self, now: datetime) -> Outlook:
        with self._ledger.reading() as connection:
            row = connection.execute(_POLL, {"now": now}).one()
        instants = (at for at in (row.next_due, row.next_ready, row.next_probe) if at is not None)
        return Outlook(
            due=row.due,
            subscribers=row.subscribers,
            live=row.live,
            unnotified=row.unnotified,
            ready=row.ready,
            next_at=min(instants, default=None),
        )
