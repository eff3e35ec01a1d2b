"""Claims of queued runs."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.queue.heads import INSTANT, Head, head_of, heads_in_order, next_head
from jupyter_etl.ledger.queue.limits import Admission
from jupyter_etl.ledger.runs import published_by
from jupyter_etl.ledger.schema.rows import attempt_row, run_of
from jupyter_etl.ledger.schema.tables import attempts, lines, runs
from jupyter_etl.model import Attempt, Run, RunState
from jupyter_etl.ports import Claim

_CLAIMING = 0x6A65746C
"""Key of PostgreSQL's advisory lock around claims: ``jetl`` in ASCII."""

# Built once: building a statement takes longer than executing it.
_THEM = runs.c.id.in_(bindparam("ids", expanding=True))
_QUEUED = (
    select(runs).where(_THEM, runs.c.state == RunState.QUEUED).with_for_update(skip_locked=True)
)
_DISPATCHED = (
    update(runs)
    .where(_THEM)
    .values(state=RunState.DISPATCHED, attempts=runs.c.attempts + 1, cell=None, cells=None)
)


class Claiming(Part):
    """Implements `jupyter_etl.ports.QueueStore.claim`."""

    def claim(
        self,
        by: str,
        *,
        now: datetime,
        limit: int,
        run_id: int | None = None,
        owners: Collection[str] = (),
    ) -> list[Claim]:
        if limit < 1:
            return []
        with self._ledger.writing() as connection:
            _one_claim_at_a_time(connection)
            # `heads` is the order, `admission` decides which of them have to wait.
            admission = Admission(connection, now)
            if run_id is None:
                ids = _choose(connection, admission, now, limit, frozenset(owners))
            else:
                head = head_of(connection, run_id, now)
                ids = [head.id] if head is not None and admission.admits(head) else []
                if head is not None and ids:
                    admission.take(head)
            claims = _claimed(connection, ids, by, now)
            if claims:
                admission.save()
                _note_served(connection, [claim.run.new.pipeline for claim in claims], now)
        return claims


def _one_claim_at_a_time(connection: Connection) -> None:
    """Exclude other claims; SQLite has only one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CLAIMING)))


def _choose(
    connection: Connection, admission: Admission, now: datetime, limit: int, owners: frozenset[str]
) -> list[int]:
    """Return the ids of the runs that start now, in the order of the queue."""
    ids: list[int] = []
    served: set[str] = set()
    behind: list[tuple[tuple[datetime, int, int], Head]] = []
    following: Head | None
    with closing(heads_in_order(connection, now)) as heads:
        first = next(heads, None)
        while len(ids) < limit and (first is not None or behind):
            if first is None or (behind and behind[0][0] < first.order):
                head = heapq.heappop(behind)[1]
            else:
                head, first = first, next(heads, None)
            if owners and head.owner not in owners:
                following = None
            elif head.pipeline in served and head.since <= now:
                following = head.served(now)
            elif admission.admits(head):
                admission.take(head)
                ids.append(head.id)
                served.add(head.pipeline)
                is_last = len(ids) == limit
                following = None if is_last else next_head(connection, head, ids, now)
            else:
                following = None
            if following is not None:
                heapq.heappush(behind, (following.order, following))
    return ids


def _claimed(connection: Connection, ids: list[int], by: str, now: datetime) -> list[Claim]:
    """Insert an attempt for each of the runs, except those that are locked or were cancelled."""
    found = connection.execute(_QUEUED, {"ids": ids}).all() if ids else ()
    if not found:
        return []
    rows = sorted(found, key=lambda row: ids.index(row.id))
    # A run without an attempt has published nothing.
    published = published_by(connection, [row.id for row in rows if row.attempts])
    claims = [_claim(run_of(row, published.get(row.id, ())), by, now) for row in rows]
    connection.execute(insert(attempts), [attempt_row(claim.attempt) for claim in claims])
    connection.execute(_DISPATCHED, {"ids": [row.id for row in rows]})
    return claims


def _claim(run: Run, by: str, now: datetime) -> Claim:
    number = run.attempts + 1
    taken = replace(run, state=RunState.DISPATCHED, attempts=number, cell=None, cells=None)
    token = secrets.token_hex(16)
    attempt = Attempt(run_id=run.id, number=number, token=token, claimed_by=by, claimed_at=now)
    return Claim(run=taken, attempt=attempt)


def _note_served(connection: Connection, names: list[str], now: datetime) -> None:
    """Record when pipelines were served, at different instants, so that their order is defined."""
    served_at = {name: now + place * INSTANT for place, name in enumerate(names, 1)}
    new = inserting(connection, lines)
    noted = new.on_conflict_do_update(
        index_elements=[lines.c.pipeline], set_={"claimed_at": new.excluded.claimed_at}
    )
    rows = [{"pipeline": name, "claimed_at": served_at[name]} for name in sorted(served_at)]
    connection.execute(noted, rows)
