"""The order of the queue: the first run of every pipeline queue.

A *pipeline queue* has the queued runs of one pipeline and one cause, ordered by rank, ``due_at`` and
id. Its *head* is the first of them whose ``not_before`` has come. Heads are served in the order of::

    time = max(not_before, last claim of the pipeline) - priority * HEAD_START

So a priority is a head start, and does not starve others: a pipeline that was served goes to the end
of its own priority, however long its backlog is. A head of priority p that was ready, and whose pipeline
was last served, at T sees pipelines of priority q served before it until T + (q - p) * HEAD_START,
and each of them at most once after that. Priorities count within +-`MOST_PRIORITY`; so no head
waits longer than `LONGEST_HEAD_START` and one run of every other pipeline, provided that a worker
becomes free and no limit or breaker applies to it.

Source: aging, in A. Silberschatz, P. B. Galvin, G. Gagne, "Operating System Concepts", 10th
edition, 2018, section 5.3.4; here the age counts from when the pipeline was last served.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Select,
    bindparam,
    case,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy.sql.elements import ColumnElement

from jupyter_etl.ledger.schema.tables import lines, runs
from jupyter_etl.ledger.schema.types import Instant
from jupyter_etl.model import Cause, Policy, RunState

HEAD_START = timedelta(minutes=1)
"""The head start of a run for each point of its priority."""

MOST_PRIORITY = 100
"""Higher priorities count as this one, and lower ones as its negative."""

LONGEST_HEAD_START = 2 * MOST_PRIORITY * HEAD_START
"""The head start of the highest over the lowest priority."""

_SHORT = 12_000
"""Number of queued runs below which one scan is faster than a step for every pipeline queue."""

_PAGE = 100
_PLACE = (runs.c.id, runs.c.pipeline, runs.c.rank, runs.c.not_before)
_HEAD = tuple(
    runs.c[name]
    for name in ("id", "pipeline", "cause", "owner", "draft", "policy", "sources", "rank")
)
_NOW = bindparam("now", type_=Instant)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
INSTANT = timedelta(microseconds=1)
"""The step between instants."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first run of a pipeline queue.

    Args:
        id, pipeline, cause, owner, draft, policy, sources: Of the run.
        rank: Minus its priority.
        since: When it was ready or its pipeline was last served, whichever is later, UTC.
    """

    id: int
    pipeline: str
    cause: Cause
    owner: str
    draft: bool
    policy: Policy
    sources: tuple[str, ...]
    rank: int
    since: datetime

    @property
    def order(self) -> tuple[datetime, int, int]:
        """The key of the order; ties are resolved by priority, then by id."""
        rank = max(-MOST_PRIORITY, min(MOST_PRIORITY, self.rank))
        return self.since + rank * HEAD_START, self.rank, self.id

    def served(self, at: datetime) -> Head:
        """Return it after its pipeline was served; a head that is ready at that instant precedes it."""
        return replace(self, since=max(self.since, at + INSTANT))


def heads_in_order(connection: Connection, now: datetime) -> Generator[Head, None, None]:
    """Yield the heads of all pipeline queues in order; they are read lazily.

    Args:
        connection: Connection of the claiming transaction.
    """
    many = connection.execute(_ARE_MANY, {"short": _SHORT - 1}).first() is not None
    with connection.execute(_LINE_BY_LINE if many else _IN_ONE_PASS, {"now": now}) as found:
        for ids in found.scalars().partitions():
            by_id = {head.id: head for head in _heads(connection, _OF_IDS, ids=ids)}
            yield from (by_id[run_id] for run_id in ids)


def head_of(connection: Connection, run_id: int, now: datetime) -> Head | None:
    """Return a queued run as if it were the head of its queue; None if it cannot start now."""
    return next(_heads(connection, _ONE_THAT_IS_READY, ids=[run_id], now=now), None)


def next_head(
    connection: Connection, head: Head, taken: Collection[int], now: datetime
) -> Head | None:
    """Return the next run of the pipeline queue of a head that was taken; None at its end.

    Args:
        connection: Connection of the claiming transaction.
        taken: Ids of the runs that this claim takes.
    """
    queue = {"pipeline": head.pipeline, "cause": head.cause}
    behind = next(_heads(connection, _BEHIND, **queue, ids=list(taken), now=now), None)
    return None if behind is None else behind.served(max(now, head.since))


def _ready(table: Any) -> tuple[ColumnElement[bool], ...]:
    return _is_queued(table), table.c.not_before <= _NOW


def _is_queued(table: Any) -> ColumnElement[bool]:
    queued: ColumnElement[bool] = table.c.state == RunState.QUEUED
    return queued


def _next_in_line() -> Select[Any]:
    queue = [runs.c[name] == bindparam(name) for name in ("pipeline", "cause")]
    query = select(runs.c.id).where(*_ready(runs), *queue, runs.c.id.not_in(_IDS))
    return query.order_by(runs.c.rank, runs.c.due_at, runs.c.id).limit(1)


def _in_one_pass() -> Select[Any]:
    place = func.row_number().over(
        partition_by=(runs.c.pipeline, runs.c.cause),
        order_by=(runs.c.rank, runs.c.due_at, runs.c.id),
    )
    every = select(*_PLACE, place.label("place")).where(*_ready(runs)).subquery()
    return select(every).where(every.c.place == 1)


def _line_by_line() -> Select[Any]:
    """Step from the head of one pipeline queue to the next, in the index ``ix_runs_queue``.

    Source: PostgreSQL wiki, "Loose indexscan".
    """
    at, following = runs.alias("at"), runs.alias("following")
    order = [following.c[name] for name in ("pipeline", "cause", "rank", "due_at", "id")]

    def first(*where: ColumnElement[bool]) -> Any:
        query = select(following.c.id).where(*_ready(following), *where)
        return query.order_by(*order).limit(1).correlate(at).scalar_subquery()

    heads = select(first().label("id")).cte("heads", recursive=True)
    same = first(following.c.pipeline == at.c.pipeline, following.c.cause > at.c.cause)
    other = first(following.c.pipeline > at.c.pipeline)
    step = select(func.coalesce(same, other)).select_from(heads.join(at, at.c.id == heads.c.id))
    heads = heads.union_all(step)
    return select(*_PLACE).join(heads, heads.c.id == runs.c.id)


def _in_order(first: Select[Any]) -> Select[Any]:
    """Order the ids of heads as `Head` does; the index ``ix_runs_queue`` has everything for it."""
    head = first.subquery("head")
    since = _since(head.c.not_before)
    least, most = -MOST_PRIORITY, MOST_PRIORITY
    rank = case((head.c.rank < least, least), (head.c.rank > most, most), else_=head.c.rank)
    order = type_coerce(since, BigInteger) + cast(rank, BigInteger) * (HEAD_START // INSTANT)
    joined = head.outerjoin(lines, lines.c.pipeline == head.c.pipeline)
    return select(head.c.id).select_from(joined).order_by(order, head.c.rank, head.c.id)


def _since(ready: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return when a run was ready or its pipeline was last served, whichever is later."""
    return case((lines.c.claimed_at > ready, lines.c.claimed_at), else_=ready)


def _heads_where(*where: ColumnElement[bool]) -> Select[Any]:
    since = _since(runs.c.not_before).label("since")
    joined = select(*_HEAD, since).outerjoin(lines, lines.c.pipeline == runs.c.pipeline)
    return joined.where(*where)


def _heads(connection: Connection, query: Select[Any], **given: object) -> Iterator[Head]:
    for row in connection.execute(query, given).all():
        yield Head(
            id=row.id,
            pipeline=row.pipeline,
            cause=row.cause,
            owner=row.owner,
            draft=row.draft,
            policy=row.policy,
            sources=row.sources,
            rank=row.rank,
            since=row.since,
        )


# Built once: building a statement takes longer than executing it.
_ARE_MANY = select(runs.c.id).where(_is_queued(runs)).offset(bindparam("short")).limit(1)
_LINE_BY_LINE = _in_order(_line_by_line()).execution_options(yield_per=_PAGE)
_IN_ONE_PASS = _in_order(_in_one_pass()).execution_options(yield_per=_PAGE)
_OF_IDS = _heads_where(runs.c.id.in_(_IDS))
_ONE_THAT_IS_READY = _heads_where(*_ready(runs), runs.c.id.in_(_IDS))
_BEHIND = _heads_where(runs.c.id == _next_in_line().scalar_subquery())
