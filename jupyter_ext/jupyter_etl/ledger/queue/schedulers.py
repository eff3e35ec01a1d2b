"""Schedulers and their heartbeats."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict

from sqlalchemy import delete, select

from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import schedulers
from jupyter_etl.ports import SchedulerInfo, Wakeups


class Schedulers(Part):
    """Implements `jupyter_etl.ports.SchedulerStore`."""

    def save_scheduler(self, info: SchedulerInfo) -> None:
        row = {**asdict(info), "owners": info.owners or None}
        with self._ledger.writing() as connection:
            new = inserting(connection, schedulers).values(row)
            connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=row))

    def remove_scheduler(self, scheduler_id: str) -> None:
        with self._ledger.writing() as connection:
            connection.execute(delete(schedulers).where(schedulers.c.id == scheduler_id))

    def wakeups(self) -> AbstractContextManager[Wakeups]:
        return self._ledger.wakeups()

    def load_schedulers(self) -> list[SchedulerInfo]:
        with self._ledger.reading() as connection:
            rows = connection.execute(select(schedulers).order_by(schedulers.c.id)).all()
        return [value_of(SchedulerInfo, row, owners=row.owners or ()) for row in rows]
