"""Outputs of runs that are pending approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.lineage import save_lineage
from jupyter_etl.ledger.publications import Publishing, make_visible
from jupyter_etl.ledger.queue.publication_locks import check_lock, release_locks
from jupyter_etl.ledger.runs import locked_run
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import held_moves, holds, runs
from jupyter_etl.ledger.watermarks import advance_watermarks, record_watermarks
from jupyter_etl.model import (
    AttemptReport,
    Committed,
    Decision,
    Hold,
    Outcome,
    PublicationVersion,
    RunState,
    broken_checks,
)

_ENDS = {
    Decision.APPROVED: RunState.SUCCEEDED,
    Decision.REJECTED: RunState.CANCELLED,
    Decision.EXPIRED: RunState.CANCELLED,
}
_OUTCOMES = {
    Decision.APPROVED: Outcome.SUCCEEDED,
    Decision.REJECTED: Outcome.CANCELLED,
    Decision.EXPIRED: Outcome.CANCELLED,
}
_HOLDS = select(holds, runs.c.owner, runs.c.checks, held_moves.c.moves).select_from(holds)
_SAME = (held_moves.c.run_id == holds.c.run_id) & (held_moves.c.number == holds.c.number)


class Holds(Part):
    """Implements `jupyter_etl.ports.HoldStore`."""

    def load_hold(self, run_id: int) -> Hold:
        query = (
            _HOLDS.join(runs, runs.c.id == holds.c.run_id)
            .outerjoin(held_moves, _SAME)
            .where(holds.c.run_id == run_id)
            .order_by(holds.c.number.desc())
            .limit(1)
        )
        with self._ledger.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"Run {run_id} is not held.", hint="jupyter etl runs --state held")
        return _hold_of(row)

    def load_holds(self) -> list[Hold]:
        # From the few holds to their runs: SQLite would reverse an inner join.
        its_run = (runs.c.id == holds.c.run_id) & (runs.c.attempts == holds.c.number)
        query = (
            _HOLDS.outerjoin(runs, its_run)
            .outerjoin(held_moves, _SAME)
            .where(holds.c.decision.is_(None), func.coalesce(runs.c.state, "") == RunState.HELD)
            .order_by(holds.c.run_id)
        )
        with self._ledger.reading() as connection:
            return [_hold_of(row) for row in connection.execute(query)]

    def decide_hold(
        self,
        hold: Hold,
        decision: Decision,
        *,
        by: str,
        now: datetime,
        committed: Sequence[Committed] = (),
        token: str = "",
    ) -> list[PublicationVersion]:
        with self._ledger.writing(ring=True) as connection:
            row = locked_run(connection, hold.run_id)
            _decide(connection, row, hold, decision, by, now)
            visible = []
            if committed:
                for what in sorted(committed, key=lambda what: what.name):
                    check_lock(connection, what.name, draft=row.draft, token=token)
                release_locks(connection, token)
                publishing = Publishing(
                    owner=row.owner,
                    pipeline=row.pipeline,
                    run_id=row.id,
                    notebook=row.notebook,
                    draft=row.draft,
                    now=now,
                    note=f"approved by {by}",
                )
                visible = make_visible(connection, committed, publishing)
                advance_watermarks(connection, row, hold.moves, now)
                visible = record_watermarks(connection, row, visible, hold.moves)
                save_lineage(connection, row, row.reads, {s.name: s.origins for s in hold.staged})
            connection.execute(
                update(runs)
                .where(runs.c.id == hold.run_id)
                .values(
                    state=_ENDS[decision],
                    outcome=_OUTCOMES[decision],
                    error="" if decision is Decision.APPROVED else row.error,
                    note=_note(decision, by),
                    notified=True,
                )
            )
        return visible


def save_hold(
    connection: Connection, run_id: int, number: int, report: AttemptReport, now: datetime
) -> None:
    """Record the held outputs of an attempt, in the transaction that ends it."""
    if report.outcome is Outcome.HELD:
        connection.execute(
            insert(holds).values(
                run_id=run_id,
                number=number,
                staged=report.staged,
                differences=report.differences,
                held_at=now,
                decided_by="",
            )
        )


def _decide(
    connection: Connection, row: Row[Any], hold: Hold, decision: Decision, by: str, now: datetime
) -> None:
    """Write the decision; raises `Conflict` if the hold is no longer pending."""
    waits = row.state == RunState.HELD and row.attempts == hold.attempt
    decided = 0
    if waits:
        decided = connection.execute(
            update(holds)
            .where(
                holds.c.run_id == hold.run_id,
                holds.c.number == hold.attempt,
                holds.c.decision.is_(None),
            )
            .values(decision=decision, decided_by=by, decided_at=now)
        ).rowcount
    if decided != 1:
        raise Conflict(
            f"Run {hold.run_id} is now {row.state}; there is nothing to decide.",
            hint="jupyter etl runs --state held",
            data={"run_id": hold.run_id, "state": str(row.state)},
        )


def _note(decision: Decision, by: str) -> str:
    return f"{decision} by {by}" if by else f"{decision} without a decision"


def _hold_of(row: Row[Any]) -> Hold:
    moves, checks = row.moves or (), broken_checks(row.checks or ())
    return value_of(Hold, row, attempt=row.number, moves=moves, checks=checks)
