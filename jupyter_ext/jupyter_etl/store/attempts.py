"""Attempts: who owns a run, and how that ends."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, insert, select, update

from jupyter_etl.errors import StoreError
from jupyter_etl.model import (
    TERMINAL,
    Attempt,
    AttemptReport,
    Beat,
    Cause,
    Outcome,
    PublicationVersion,
    Run,
    RunState,
)
from jupyter_etl.ports import Claim
from jupyter_etl.store.part import Part
from jupyter_etl.store.problems import stale
from jupyter_etl.store.publications import Publishing, make_visible
from jupyter_etl.store.rows import attempt_of, attempt_row, run_of
from jupyter_etl.store.runs import locked_run, published_by
from jupyter_etl.store.schema import attempts, runs

# Rows are always locked in the order attempt, run, publication, so that no two transactions
# can wait for each other.

_PLANNED = (Cause.SCHEDULE, Cause.UPSTREAM)
_CLAIMING = 0x6A65746C
"""Key of PostgreSQL's advisory lock around claims: ``jetl`` in ASCII."""


class Attempts(Part):
    """What schedulers and runners write about a run in hand; every write carries its token."""

    def claim(
        self, by: str, *, now: datetime, limit: int, run_id: int | None = None
    ) -> list[Claim]:
        """Take queued runs whose ``not_before`` has come: they become dispatched.

        Highest priority first, then longest due. With ``run_id`` only that one. Of the runs that a
        schedule or a new version made, one a pipeline is in hand at a time.
        """
        if limit < 1:
            return []
        # Never null: coalesce keeps the index over not_before out of it, with which SQLite would
        # sort the whole queue to take one run.
        ready = func.coalesce(runs.c.not_before, runs.c.due_at) <= now
        query = select(runs).where(runs.c.state == RunState.QUEUED, ready, ~_must_wait())
        if run_id is not None:
            query = query.where(runs.c.id == run_id)
        query = query.order_by(runs.c.rank, runs.c.due_at, runs.c.id).limit(limit)
        with self._ledger.writing() as connection:
            _one_claim_at_a_time(connection)
            rows = _one_a_pipeline(
                connection.execute(query.with_for_update(skip_locked=True, of=runs)).all()
            )
            if not rows:
                return []
            published = published_by(connection, [row.id for row in rows])
            claims = [_claim(run_of(row, published.get(row.id, ())), by, now) for row in rows]
            connection.execute(insert(attempts), [attempt_row(claim.attempt) for claim in claims])
            connection.execute(
                update(runs)
                .where(runs.c.id.in_([row.id for row in rows]))
                .values(
                    state=RunState.DISPATCHED, attempts=runs.c.attempts + 1, cell=None, cells=None
                )
            )
        return claims

    def start_attempt(
        self,
        run_id: int,
        number: int,
        token: str,
        *,
        host: str,
        pid: int,
        cells: int | None,
        now: datetime,
    ) -> None:
        """A runner begins. Raises `Conflict` when the token is stale or it has begun before."""
        with self._ledger.writing() as connection:
            begun = connection.execute(
                update(attempts)
                .where(*_owned(run_id, number, token), attempts.c.started_at.is_(None))
                .values(host=host, pid=pid, started_at=now)
            )
            if begun.rowcount != 1:
                raise stale(run_id, number)
            row = locked_run(connection, run_id)
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id)
                .values(
                    state=RunState.RUNNING,
                    cell=0,
                    cells=cells,
                    started_at=row.started_at or now,
                )
            )

    def beat(self, run_id: int, number: int, token: str, *, cell: int | None = None) -> Beat:
        """Advance the beat and the progress."""
        with self._ledger.writing() as connection:
            advanced = connection.execute(
                update(attempts)
                .where(*_owned(run_id, number, token))
                .values(beat=attempts.c.beat + 1)
            )
            if advanced.rowcount != 1:
                return Beat(valid=False, cancel=False)
            this = runs.c.id == run_id
            if cell is not None:
                connection.execute(update(runs).where(this).values(cell=cell))
            cancel = connection.execute(select(runs.c.cancel_requested).where(this)).scalar_one()
        return Beat(valid=True, cancel=cancel)

    def finish_attempt(
        self,
        run_id: int,
        number: int,
        token: str,
        report: AttemptReport,
        *,
        state: RunState,
        not_before: datetime | None,
        now: datetime,
    ) -> list[PublicationVersion]:
        """End an attempt; in the same transaction make what it committed visible.

        A run that somebody asked to cancel is cancelled instead of queued once more.

        Returns:
            The versions that became visible.

        Raises:
            Conflict: The token is stale, or the attempt has ended. Nothing was written.
            PermissionDenied: A publication belongs to another owner. Nothing was written.
        """
        _check_report(report, state)
        with self._ledger.writing() as connection:
            _end_attempt(connection, (run_id, number, token), report, now)
            row = locked_run(connection, run_id)
            publishing = _publishing(run_of(row), now)
            visible = make_visible(connection, report.committed, publishing)
            if state is RunState.QUEUED and row.cancel_requested:
                state = RunState.CANCELLED
            queued = state is RunState.QUEUED
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id)
                .values(
                    state=state,
                    outcome=report.outcome,
                    not_before=(not_before or now) if queued else row.not_before,
                    finished_at=None if queued else now,
                    checks=report.checks,
                    reads=report.reads,
                    **_account(report),
                )
            )
        return visible

    def load_live_attempts(self) -> list[Claim]:
        """Return the attempts without an outcome, with their runs."""
        live = select(attempts).where(attempts.c.outcome.is_(None)).order_by(attempts.c.run_id)
        of_live = select(attempts.c.run_id).where(attempts.c.outcome.is_(None))
        with self._ledger.reading() as connection:
            found = [attempt_of(row) for row in connection.execute(live)]
            rows = connection.execute(select(runs).where(runs.c.id.in_(of_live))).all()
            published = published_by(connection, [row.id for row in rows])
        by_id = {row.id: run_of(row, published.get(row.id, ())) for row in rows}
        return [Claim(run=by_id[attempt.run_id], attempt=attempt) for attempt in found]

    def load_attempts(self, run_id: int) -> list[Attempt]:
        """Oldest first."""
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
        with self._ledger.reading() as connection:
            return [attempt_of(row) for row in connection.execute(query)]


def _must_wait() -> ColumnElement[bool]:
    """Whether a planned run has another of its pipeline before it that is in hand."""
    other = runs.alias("other")
    in_hand = exists().where(
        other.c.pipeline == runs.c.pipeline,
        other.c.state.in_((RunState.DISPATCHED, RunState.RUNNING)),
        other.c.cause.in_(_PLANNED),
        other.c.draft.is_(False),
    )
    return and_(runs.c.cause.in_(_PLANNED), runs.c.draft.is_(False), in_hand)


def _one_a_pipeline(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Leave out the planned runs that would start beside an earlier one of their pipeline."""
    taken: set[str] = set()
    first = []
    for row in rows:
        planned = row.cause in _PLANNED and not row.draft
        if not (planned and row.pipeline in taken):
            first.append(row)
        if planned:
            taken.add(row.pipeline)
    return first


def _one_claim_at_a_time(connection: Connection) -> None:
    """Let no other claim see the same pipelines idle; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CLAIMING)))


def _claim(run: Run, by: str, now: datetime) -> Claim:
    number = run.attempts + 1
    taken = replace(run, state=RunState.DISPATCHED, attempts=number, cell=None, cells=None)
    token = secrets.token_hex(16)
    attempt = Attempt(run_id=run.id, number=number, token=token, claimed_by=by, claimed_at=now)
    return Claim(run=taken, attempt=attempt)


def _owned(run_id: int, number: int, token: str) -> tuple[Any, ...]:
    return (
        attempts.c.run_id == run_id,
        attempts.c.number == number,
        attempts.c.token == token,
        attempts.c.outcome.is_(None),
    )


def _check_report(report: AttemptReport, state: RunState) -> None:
    if state not in TERMINAL and state is not RunState.QUEUED:
        raise StoreError(
            f"A run cannot become {state} at the end of an attempt.",
            hint="It ends, or is queued for a retry.",
            retryable=False,
        )
    if report.committed and report.outcome is not Outcome.SUCCEEDED:
        raise StoreError(
            f"An attempt that ended as {report.outcome} cannot publish.",
            hint="Only an attempt that succeeded makes outputs visible.",
            retryable=False,
        )


def _end_attempt(
    connection: Connection, key: tuple[int, int, str], report: AttemptReport, now: datetime
) -> None:
    ended = connection.execute(
        update(attempts)
        .where(*_owned(*key))
        .values(
            outcome=report.outcome,
            finished_at=now,
            peak_rss_bytes=report.peak_rss_bytes,
            **_account(report),
        )
    )
    if ended.rowcount != 1:
        raise stale(key[0], key[1])


def _account(report: AttemptReport) -> dict[str, object]:
    return {
        "error": report.error,
        "failed_cell": report.failed_cell,
        "verdict": report.verdict,
        "output": report.output,
    }


def _publishing(run: Run, now: datetime) -> Publishing:
    return Publishing(
        owner=run.new.owner,
        pipeline=run.new.pipeline,
        run_id=run.id,
        notebook=run.new.notebook,
        draft=run.new.draft,
        now=now,
    )
