"""Repair of due times that do not match their schedule, for example after a wrong clock."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from jupyter_etl.errors import EtlError
from jupyter_etl.model import Pipeline
from jupyter_etl.ports import DueTimeStore, Planned
from jupyter_etl.scheduling.clock_skew import APART
from jupyter_etl.scheduling.occurrences import next_occurrence
from jupyter_etl.scheduling.retries import CAP_S

_LOG = logging.getLogger(__name__)
_SLACK = APART + timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=2 * CAP_S)


def unexplained_due_times(store: DueTimeStore, now: datetime) -> list[Pipeline]:
    """Return the pipelines whose ``next_due`` is later than the next time of their schedule.

    Pipelines with times that were recorded as missed before they came due are included.

    Args:
        now: UTC, from a clock that is right to within a minute.

    Raises:
        StoreError: The ledger cannot be reached.
    """
    early = store.load_missed_early(now + _SLACK)
    return [
        one for one in store.load_scheduled(now) if one.name in early or _is_unexplained(one, now)
    ]


def correct_due_times(
    store: DueTimeStore, now: datetime, *, deployed_later: bool = False
) -> list[str]:
    """Set unexplained due times, and the waits of queued runs, to what they should be.

    Runs that were planned too early and have not started are removed, and so are missed times that
    are still in the future. The times since the last run become due as after an outage and follow
    the pipeline's catch-up policy. A run that has already started keeps its time.

    Args:
        now: UTC, from a clock that is right to within a minute.
        deployed_later: Whether pipelines with a deployment time in the future start now. Only
            the user can decide this, because the clock of this machine may be the wrong one.

    Returns:
        The names of the corrected pipelines.

    Raises:
        StoreError: The ledger cannot be reached.
    """
    found = [
        one
        for one in unexplained_due_times(store, now)
        if deployed_later or one.updated_at is None or one.updated_at <= now + _SLACK
    ]
    last = store.load_last_scheduled([one.name for one in found], until=now + _SLACK)
    corrections = [
        Planned(pipeline=one, runs=(), next_due=_due_after(one, last.get(one.name), now))
        for one in found
    ]
    written = store.correct_due(
        corrections, until=now + _SLACK, waits_until=now + _LONGEST_WAIT, now=now
    )
    names = [one.pipeline.name for one, done in zip(corrections, written, strict=True) if done]
    for one in corrections:
        if one.pipeline.name in names:
            _LOG.warning(
                "Pipeline %r was due at %s, which its schedule does not explain; now it is at %s",
                one.pipeline.name,
                one.pipeline.next_due,
                one.next_due,
            )
    return names


def _is_unexplained(pipeline: Pipeline, now: datetime) -> bool:
    if pipeline.schedule is None or pipeline.paused:
        return False
    try:
        expected = next_occurrence(pipeline.schedule, now + _SLACK)
    except EtlError:
        # The planner reports it.
        return False
    due = pipeline.next_due
    return due is not None and expected is not None and due > expected


def _due_after(pipeline: Pipeline, last: datetime | None, now: datetime) -> datetime | None:
    assert pipeline.schedule is not None  # noqa: S101 - it is unexplained
    since = pipeline.updated_at
    # Pipelines that were paused or deployed under a wrong clock start now.
    known = [at for at in (since, last) if at is not None] if since and since <= now else [now]
    return next_occurrence(pipeline.schedule, max(known))
