"""Reads, cancels and requeues runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Double,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from jupyter_etl.errors import Conflict
from jupyter_etl.ledger.connection import Part, among
from jupyter_etl.ledger.databases.error_mapping import no_run
from jupyter_etl.ledger.schema.rows import run_of, value_of, values_of
from jupyter_etl.ledger.schema.tables import attempts, holds, pipelines, publication_versions, runs
from jupyter_etl.ledger.schema.types import has_tags
from jupyter_etl.model import (
    ACTIVE,
    BAD,
    NO_TAGS,
    TERMINAL,
    Cause,
    Difference,
    HeldBy,
    PublicationVersion,
    Run,
    RunState,
    RunSummary,
    held_by_of,
)

# SQLite allows 32,766 values in a statement; a page of runs has fewer.
_CHUNK = 1000
# Usually, few runs of a pipeline are in one of these.
_FEW = {*ACTIVE, *BAD, RunState.CANCELLED, RunState.SKIPPED}
_took = type_coerce(attempts.c.finished_at, BigInteger) - type_coerce(
    attempts.c.started_at, BigInteger
)
_worked = func.sum(case((_took > 0, _took), else_=0))
_of_run = attempts.c.run_id == runs.c.id
_WORK = [
    select(cast(_worked, Double) / 1e6)
    .where(_of_run, attempts.c.started_at.is_not(None), attempts.c.finished_at.is_not(None))
    .scalar_subquery()
    .label("worked_s"),
    select(func.max(attempts.c.started_at))
    .where(_of_run, attempts.c.finished_at.is_(None))
    .scalar_subquery()
    .label("attempt_started_at"),
]
"""`Run.worked_s` and `Run.attempt_started_at`, in a query of ``runs``."""

_SUMMARY = (
    *(runs.c[field.name] for field in fields(RunSummary) if field.name in runs.c),
    *_WORK,
)
_DURATION = (runs.c.pipeline, runs.c.attempts, _WORK[0])


class Runs(Part):
    """Implements `jupyter_etl.ports.RunStore`."""

    def load_run(self, run_id: int) -> Run:
        with self._ledger.reading() as connection:
            return runs_of(connection, [locked_run(connection, run_id, lock=False)])[0]

    def load_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        tags: Mapping[str, str] = NO_TAGS,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        query = _filtered(select(runs), pipeline, states, tags)
        query = query.order_by(runs.c.id.desc()).limit(limit).offset(offset)
        with self._ledger.reading() as connection:
            return runs_of(connection, connection.execute(query).all())

    def load_last_runs(
        self,
        names: Collection[str],
        *,
        count: int,
        states: Sequence[RunState] = (),
        causes: Sequence[Cause] = (),
        live: bool = False,
    ) -> dict[str, list[RunSummary]]:
        query = _last_runs(
            _SUMMARY, tuple(states), tuple(causes), live, count == 1, self._ledger.is_sqlite
        )
        last: dict[str, list[RunSummary]] = {name: [] for name in names}
        with self._ledger.reading() as connection:
            rows = connection.execute(query, {"names": list(last), "newer": count - 1})
            for run in values_of(RunSummary, rows):
                last[run.pipeline].append(run)
        return last

    def load_durations(
        self, names: Collection[str], *, count: int, causes: Sequence[Cause]
    ) -> dict[str, list[float]]:
        succeeded = (RunState.SUCCEEDED,)
        query = _last_runs(
            _DURATION, succeeded, tuple(causes), True, count == 1, self._ledger.is_sqlite
        )
        took: dict[str, list[float]] = {name: [] for name in names}
        with self._ledger.reading() as connection:
            for row in connection.execute(query, {"names": list(took), "newer": count - 1}):
                if row.attempts == 1 and row.worked_s is not None:
                    took[row.pipeline].append(row.worked_s)
        return took

    def load_runs_between(self, pipeline: str, start: datetime, end: datetime) -> list[Run]:
        query = select(runs).where(
            runs.c.pipeline == pipeline, runs.c.interval_start < end, runs.c.interval_end > start
        )
        with self._ledger.reading() as connection:
            return runs_of(connection, connection.execute(query.order_by(runs.c.id)).all())

    def count_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        tags: Mapping[str, str] = NO_TAGS,
    ) -> int:
        query = _filtered(select(func.count()).select_from(runs), pipeline, states, tags)
        with self._ledger.reading() as connection:
            count: int = connection.execute(query).scalar_one()
        return count

    def request_cancel(self, run_id: int, *, now: datetime) -> Run:
        with self._ledger.writing() as connection:
            row = locked_run(connection, run_id)
            if row.state == RunState.QUEUED:
                _change(
                    connection,
                    run_id,
                    state=RunState.CANCELLED,
                    cancel_requested=True,
                    finished_at=now,
                )
            elif row.state not in TERMINAL:
                _change(connection, run_id, cancel_requested=True)
            return runs_of(connection, [locked_run(connection, run_id)])[0]

    def requeue(
        self,
        run_id: int,
        *,
        now: datetime,
        resume_from: int | None = None,
        content_hash: str | None = None,
        version: int | None = None,
    ) -> Run:
        with self._ledger.writing(ring=True) as connection:
            row = locked_run(connection, run_id)
            if row.state not in TERMINAL:
                raise Conflict(
                    f"Run {run_id} is {row.state}, not finished.",
                    hint="Wait for its end, or cancel it first.",
                    data={"run_id": run_id, "state": str(row.state)},
                )
            executed = {}
            if content_hash is not None:
                executed = {"content_hash": content_hash, "version": version}
            _change(
                connection,
                run_id,
                state=RunState.QUEUED,
                not_before=now,
                cancel_requested=False,
                finished_at=None,
                resume_from=resume_from,
                **executed,
            )
            return runs_of(connection, [locked_run(connection, run_id)])[0]


def locked_run(connection: Connection, run_id: int, *, lock: bool = True) -> Row[Any]:
    """Return the row of a run, locked until this transaction ends.

    Raises:
        NotFound: There is no such run.
    """
    query = select(runs).where(runs.c.id == run_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise no_run(run_id)
    return row


def published_by(
    connection: Connection, run_ids: Sequence[int]
) -> dict[int, tuple[PublicationVersion, ...]]:
    """Return the versions that runs made visible, by run; a run without any is left out."""
    found: dict[int, list[PublicationVersion]] = defaultdict(list)
    order = (
        publication_versions.c.published_at,
        publication_versions.c.name,
        publication_versions.c.number,
    )
    for start in range(0, len(run_ids), _CHUNK):
        few = run_ids[start : start + _CHUNK]
        query = select(publication_versions).where(publication_versions.c.run_id.in_(few))
        for row in connection.execute(query.order_by(*order)):
            found[row.run_id].append(value_of(PublicationVersion, row))
    return {run_id: tuple(versions) for run_id, versions in found.items()}


def runs_of(connection: Connection, rows: Sequence[Row[Any]]) -> list[Run]:
    """Return the runs in rows of ``runs``, with the versions they made visible and why they are held."""
    published = published_by(connection, [row.id for row in rows])
    held_by = _held_by(connection, [row for row in rows if row.state is RunState.HELD])
    work = _work_of(connection, rows)
    return [
        replace(
            run_of(row, published.get(row.id, ()), held_by.get(row.id, ())),
            **work.get(row.id, {}),
        )
        for row in rows
    ]


def _work_of(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, dict[str, Any]]:
    """Return `Run.worked_s` and `Run.attempt_started_at` of runs that were attempted, by id."""
    attempted = [row.id for row in rows if row.attempts]
    work: dict[int, dict[str, Any]] = {}
    for start in range(0, len(attempted), _CHUNK):
        few = runs.c.id.in_(attempted[start : start + _CHUNK])
        for row in connection.execute(select(runs.c.id, *_WORK).where(few)):
            work[row.id] = {
                "worked_s": row.worked_s,
                "attempt_started_at": row.attempt_started_at,
            }
    return work


@cache
def _last_runs(
    columns: tuple[ColumnElement[Any], ...],
    states: tuple[RunState, ...],
    causes: tuple[Cause, ...],
    live: bool,
    one: bool,
    sqlite: bool,
) -> Select[Any]:
    """Return the query of `Runs.load_last_runs`, whose parameters are ``names`` and ``newer``."""
    own = runs.alias("own")
    few = bool(states) and _FEW.issuperset(states)

    def place(table: Any) -> ColumnElement[int]:
        # An expression, so that a database uses the index of states rather than go through all
        # runs of a pipeline by id for the few that are in such a state.
        found: ColumnElement[int] = table.c.id
        return found + 0 if few else found

    oldest = select(own.c.id).where(own.c.pipeline == pipelines.c.name)
    oldest = oldest.where(*_chosen(own, states, causes, live=live))
    oldest = oldest.order_by(place(own).desc()).limit(1).offset(bindparam("newer", type_=Integer))
    found = oldest.correlate(pipelines).scalar_subquery()
    query = select(*columns).where(among(pipelines.c.name, "names", sqlite=sqlite))
    if one:
        return query.join_from(pipelines, runs, runs.c.id == found)
    # An expression, so that SQLite starts with the few pipelines, not with all runs.
    of_each = runs.c.pipeline == pipelines.c.name.concat("")
    from_there = place(runs) >= func.coalesce(found, 0)
    query = query.join_from(pipelines, runs, and_(of_each, from_there))
    query = query.where(*_chosen(runs, states, causes, live=live))
    return query.order_by(runs.c.id.desc())


def _chosen(
    table: Any, states: Sequence[RunState], causes: Sequence[Cause], *, live: bool
) -> list[ColumnElement[bool]]:
    """Return the conditions of `Runs.load_last_runs` on ``runs`` or an alias of it."""
    found: list[ColumnElement[bool]] = []
    if states:
        found.append(table.c.state.in_(states))
    if causes:
        found.append(table.c.cause.in_(causes))
    if live:
        found += [table.c.version.is_not(None), table.c.draft == false()]
    return found


def _held_by(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, tuple[HeldBy, ...]]:
    """Return why runs are held; older ledgers have no hold if a check stopped the notebook."""
    differences: dict[int, tuple[Difference, ...]] = {}
    attempts = {row.id: row.attempts for row in rows}
    for start in range(0, len(rows), _CHUNK):
        few = [row.id for row in rows[start : start + _CHUNK]]
        query = select(holds.c.run_id, holds.c.number, holds.c.differences)
        for hold in connection.execute(query.where(holds.c.run_id.in_(few))):
            if hold.number == attempts[hold.run_id]:
                differences[hold.run_id] = hold.differences
    return {row.id: held_by_of(row.checks, differences.get(row.id, ())) for row in rows}


def _filtered(
    query: Select[Any], pipeline: str | None, states: Sequence[RunState], tags: Mapping[str, str]
) -> Select[Any]:
    if pipeline is not None:
        query = query.where(runs.c.pipeline == pipeline)
    if states:
        query = query.where(runs.c.state.in_(states))
    return query.where(*has_tags(runs.c.policy, tags))


def _change(connection: Connection, run_id: int, **values: object) -> None:
    connection.execute(update(runs).where(runs.c.id == run_id).values(values))
