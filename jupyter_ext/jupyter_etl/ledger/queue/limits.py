"""Which runs may start, given those that are active."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from jupyter_etl.ledger.queue.heads import Head
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import breakers, runs, sources
from jupyter_etl.model import IN_PROGRESS, Breaker, Cause

PLANNED = (Cause.SCHEDULE, Cause.UPSTREAM)
"""The causes of which one run per pipeline is active at a time."""

PATIENCE = timedelta(minutes=10)
"""How long a run waits for several sources before their free places are reserved for it."""

# Built once: building a statement takes longer than executing it.
_OPEN = select(breakers).where(breakers.c.retry_at.is_not(None))
_IN_PROGRESS = select(runs.c.pipeline, runs.c.cause, runs.c.draft, runs.c.sources).where(
    runs.c.state.in_(IN_PROGRESS)
)


class Admission:
    """The active runs, and which others may start, within one transaction.

    A pipeline has one active planned run, and as many active backfill runs as its policy allows. A
    source has as many as its declaration allows, and one when its breaker half-opens. A run that has
    waited for `PATIENCE` reserves the free places at its sources; otherwise runs that read only one
    of them could overtake it forever.

    Args:
        connection: Connection of the claiming transaction, which excludes other claims.
    """

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._planned: set[str] = set()
        self._backfills: Counter[str] = Counter()
        self._readers: Counter[str] = Counter()
        self._limits: dict[str, int | None] = {}
        self._open = {row.source: value_of(Breaker, row) for row in connection.execute(_OPEN)}
        self._probed: dict[str, Breaker] = {}
        for row in connection.execute(_IN_PROGRESS):
            self._count(row.pipeline, row.cause, row.sources, draft=row.draft)

    def admits(self, head: Head) -> bool:
        """Return whether a run may start now."""
        if head.cause in PLANNED and not head.draft and head.pipeline in self._planned:
            return False
        if head.cause is Cause.BACKFILL and self._backfills[head.pipeline] >= max(
            1, head.policy.parallel
        ):
            return False
        if not all(
            self._open[name].admits(self._now) for name in head.sources if name in self._open
        ):
            return False
        if all(self._has_place(name) for name in head.sources):
            return True
        if self._now - head.since > PATIENCE:
            self._readers.update(head.sources)
        return False

    def take(self, head: Head) -> None:
        """Count a run that starts now."""
        self._count(head.pipeline, head.cause, head.sources, draft=head.draft)
        for name in head.sources:
            if name in self._open:
                self._open[name] = self._probed[name] = self._open[name].probed(self._now)

    def save(self) -> None:
        """Record which sources are being probed."""
        for name, breaker in sorted(self._probed.items()):
            # A breaker that was closed since stays closed.
            probed = update(breakers).where(
                breakers.c.source == name, breakers.c.retry_at.is_not(None)
            )
            self._connection.execute(probed.values(retry_at=breaker.retry_at))

    def _count(self, pipeline: str, cause: Cause, names: tuple[str, ...], *, draft: bool) -> None:
        if cause in PLANNED and not draft:
            self._planned.add(pipeline)
        if cause is Cause.BACKFILL:
            self._backfills[pipeline] += 1
        self._readers.update(names)

    def _has_place(self, name: str) -> bool:
        if name not in self._limits:
            query = select(sources.c.body).where(sources.c.name == name)
            source = self._connection.execute(query).scalar()
            self._limits[name] = None if source is None else source.runs_at_once
        limit = self._limits[name]
        return limit is None or self._readers[name] < limit
