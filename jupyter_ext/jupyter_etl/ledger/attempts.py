"""Attempts: who owns a run, and how its attempts end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from jupyter_etl.errors import StoreError
from jupyter_etl.ledger.connection import Part
from jupyter_etl.ledger.databases.error_mapping import stale
from jupyter_etl.ledger.holds import save_hold
from jupyter_etl.ledger.lineage import save_lineage
from jupyter_etl.ledger.publications import Publishing, make_visible
from jupyter_etl.ledger.queue.automatic_pause import lock_pipeline_of, pause_if_failing
from jupyter_etl.ledger.queue.breakers import learn_from
from jupyter_etl.ledger.queue.outbox import is_news
from jupyter_etl.ledger.runs import locked_run, published_by
from jupyter_etl.ledger.schema.rows import run_of, value_of
from jupyter_etl.ledger.schema.tables import attempts, runs
from jupyter_etl.ledger.schema.types import Instant
from jupyter_etl.ledger.watermarks import advance_watermarks, record_watermarks, save_held_moves
from jupyter_etl.model import (
    TERMINAL,
    Attempt,
    AttemptReport,
    Heartbeat,
    Outcome,
    PublicationVersion,
    Run,
    RunState,
)
from jupyter_etl.ports import Claim

# Rows are always locked in the order attempt, pipeline, run, publication, watermark, breaker, so
# that no two transactions can wait for each other.

# Built once: building a statement takes longer than executing it.
_OWNED = update(attempts).where(
    attempts.c.run_id == bindparam("of_run"),
    attempts.c.number == bindparam("of_number"),
    attempts.c.token == bindparam("of_token"),
    attempts.c.outcome.is_(None),
)
_BEGUN = _OWNED.where(attempts.c.started_at.is_(None))
_HEARTBEAT = _OWNED.values(heartbeat=attempts.c.heartbeat + 1)
_THIS = runs.c.id == bindparam("this")
_RUNNING = (
    update(runs)
    .where(_THIS)
    .values(
        state=RunState.RUNNING,
        cell=0,
        started_at=func.coalesce(runs.c.started_at, bindparam("at", type_=Instant)),
    )
)
_THIS_ADVANCED = update(runs).where(_THIS)
_IS_TO_END = select(runs.c.cancel_requested).where(_THIS)


class Attempts(Part):
    """Writes of schedulers and runners about active runs; every write carries the attempt's token."""

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
        timeout_s: float | None = None,
    ) -> None:
        with self._ledger.writing() as connection:
            begun = connection.execute(
                _BEGUN,
                {
                    **_key(run_id, number, token),
                    "host": host,
                    "pid": pid,
                    "started_at": now,
                    "timeout_s": timeout_s,
                },
            )
            if begun.rowcount != 1:
                raise stale(run_id, number)
            connection.execute(_RUNNING, {"this": run_id, "cells": cells, "at": now})

    def heartbeat(
        self, run_id: int, number: int, token: str, *, cell: int | None = None
    ) -> Heartbeat:
        with self._ledger.writing() as connection:
            advanced = connection.execute(_HEARTBEAT, _key(run_id, number, token))
            if advanced.rowcount != 1:
                return Heartbeat(valid=False, cancel=False)
            this = {"this": run_id}
            if cell is not None:
                connection.execute(_THIS_ADVANCED, {**this, "cell": cell})
            cancel = connection.execute(_IS_TO_END, this).scalar_one()
        return Heartbeat(valid=True, cancel=cancel)

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
        _check_report(report, state)
        with self._ledger.writing(ring=True) as connection:
            _end_attempt(connection, (run_id, number, token), report, now)
            if state is RunState.FAILED:
                lock_pipeline_of(connection, run_id)
            row = locked_run(connection, run_id)
            publishing = _publishing(run_of(row), now)
            visible = make_visible(connection, report.committed, publishing)
            save_hold(connection, run_id, number, report, now)
            save_held_moves(connection, run_id, number, report)
            if report.committed:
                advance_watermarks(connection, row, report.moves, now)
                visible = record_watermarks(connection, row, visible, report.moves)
            if state is RunState.SUCCEEDED:
                save_lineage(connection, row, report.reads, report.origins)
            if state is RunState.QUEUED and row.cancel_requested:
                state = RunState.CANCELLED
            queued = state is RunState.QUEUED
            unstarted = row.unstarted + int(not report.began)
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id)
                .values(
                    state=state,
                    outcome=report.outcome,
                    unstarted=unstarted,
                    not_before=(not_before or now) if queued else row.not_before,
                    finished_at=None if queued else now,
                    checks=report.checks,
                    reads=report.reads,
                    notified=not is_news(connection, row, state, unstarted),
                    **_account(report),
                )
            )
            if state is RunState.FAILED:
                pause_if_failing(connection, row, report.error, now)
            learn_from(connection, report, now)
        return visible

    def load_live_attempts(self) -> list[Claim]:
        live = select(attempts).where(attempts.c.outcome.is_(None)).order_by(attempts.c.run_id)
        of_live = select(attempts.c.run_id).where(attempts.c.outcome.is_(None))
        with self._ledger.reading() as connection:
            found = [value_of(Attempt, row) for row in connection.execute(live)]
            rows = connection.execute(select(runs).where(runs.c.id.in_(of_live))).all()
            published = published_by(connection, [row.id for row in rows])
        by_id = {row.id: run_of(row, published.get(row.id, ())) for row in rows}
        return [Claim(run=by_id[attempt.run_id], attempt=attempt) for attempt in found]

    def load_attempts(self, run_id: int) -> list[Attempt]:
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
        with self._ledger.reading() as connection:
            return [value_of(Attempt, row) for row in connection.execute(query)]


def _key(run_id: int, number: int, token: str) -> dict[str, object]:
    return {"of_run": run_id, "of_number": number, "of_token": token}


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
            hint="Only a successful attempt makes outputs visible.",
            retryable=False,
        )


def _end_attempt(
    connection: Connection, key: tuple[int, int, str], report: AttemptReport, now: datetime
) -> None:
    values = {
        "outcome": report.outcome,
        "finished_at": now,
        "peak_rss_bytes": report.peak_rss_bytes,
        **_account(report),
    }
    # An attempt that has started since it was loaded was not lost before its start.
    unstarted = report.outcome is Outcome.LOST and not report.began
    ended = connection.execute(_BEGUN if unstarted else _OWNED, {**_key(*key), **values})
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
