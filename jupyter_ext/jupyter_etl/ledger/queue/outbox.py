"""The outbox: ends of runs that people are to be notified of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, false, func, select, update

from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.runs import runs_of
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import attempts, runs
from jupyter_etl.model import BAD, STARTS_TO_ALERT, Attempt, RunState
from jupyter_etl.ports import Claim

_RESULTS = (RunState.SUCCEEDED, RunState.FAILED)


class Outbox(Part):
    """Implements `jupyter_etl.ports.OutboxStore`."""

    def load_unnotified(self, *, limit: int = 100) -> list[Claim]:
        unnotified = select(runs).where(runs.c.notified == false()).order_by(runs.c.id).limit(limit)
        with self._ledger.reading() as connection:
            rows = connection.execute(unnotified).all()
            if not rows:
                return []
            unnotified_runs = runs_of(connection, rows)
            last = select(attempts).join(
                runs, and_(runs.c.id == attempts.c.run_id, runs.c.attempts == attempts.c.number)
            )
            of_rows = last.where(attempts.c.run_id.in_([row.id for row in rows]))
            made = {row.run_id: value_of(Attempt, row) for row in connection.execute(of_rows)}
        return [Claim(run=run, attempt=made[run.id]) for run in unnotified_runs]

    def save_notified(self, run_ids: Sequence[int]) -> None:
        with self._ledger.writing() as connection:
            connection.execute(update(runs).where(runs.c.id.in_(run_ids)).values(notified=True))


def is_news(connection: Connection, run: Row[Any], state: RunState, unstarted: int) -> bool:
    """Return whether people are to be notified of a run whose attempt ends.

    Those are live runs of deployed pipelines that failed, are held, could not be started
    `STARTS_TO_ALERT` times, or are the first success after any of that.

    Args:
        connection: Connection of the transaction that ends the run.
        state: The final state, or ``queued`` for a retry.
        unstarted: How many of its attempts did not begin.
    """
    if run.version is None or run.draft:
        return False
    if state is RunState.QUEUED:
        return unstarted == STARTS_TO_ALERT
    if state is not RunState.SUCCEEDED or unstarted >= STARTS_TO_ALERT:
        return state in (*BAD, RunState.SUCCEEDED)
    before = (
        # Never null: with coalesce SQLite uses the index in which the newest come first.
        select(runs.c.state)
        .where(
            runs.c.pipeline == run.pipeline,
            runs.c.id < run.id,
            func.coalesce(runs.c.state, runs.c.state).in_(_RESULTS),
            runs.c.version.is_not(None),
            runs.c.draft == false(),
        )
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    return connection.execute(before).scalar() is RunState.FAILED
