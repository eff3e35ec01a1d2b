"""Values that the tests of this room start from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from jupyter_etl.model import (
    Attempt,
    Cause,
    Committed,
    NewRun,
    Partition,
    Pipeline,
    Policy,
    PublicationKind,
    PublicationVersion,
    Run,
    RunState,
    Schedule,
    ScheduleKind,
)
from jupyter_etl.ports import Claim

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HASH = "0" * 64


def cron(text: str, zone: str = "UTC") -> Schedule:
    return Schedule(kind=ScheduleKind.CRON, text=text, cron=text, timezone=zone)


def after(*names: str) -> Schedule:
    return Schedule(kind=ScheduleKind.AFTER, text="", after=names)


def pipeline(
    name: str = "sales",
    *,
    schedule: Schedule | None = None,
    policy: Policy | None = None,
    next_due: datetime | None = None,
    paused: bool = False,
    content_hash: str = HASH,
) -> Pipeline:
    return Pipeline(
        name=name,
        notebook=f"/home/sam/{name}.ipynb",
        content_hash=content_hash,
        owner="sam",
        schedule=schedule,
        policy=policy or Policy(),
        next_due=next_due,
        paused=paused,
        parameters={"region": "EU"},
    )


def run(
    id: int = 1,
    *,
    state: RunState = RunState.QUEUED,
    cause: Cause = Cause.SCHEDULE,
    attempts: int = 1,
    draft: bool = False,
    policy: Policy | None = None,
    upstream: Mapping[str, int] | None = None,
    cancel: bool = False,
) -> Run:
    new = NewRun(
        pipeline="sales",
        version=1,
        content_hash=HASH,
        notebook="/home/sam/sales.ipynb",
        logical_key=f"key-{id}",
        logical_at=NOW,
        interval=Partition(start=NOW - timedelta(days=1), end=NOW),
        due_at=NOW,
        owner="sam",
        cause=cause,
        draft=draft,
        policy=policy or Policy(),
        upstream=upstream or {},
    )
    return Run(
        id=id,
        new=new,
        state=state,
        outcome=None,
        attempts=attempts,
        not_before=NOW,
        cancel_requested=cancel,
        created_at=NOW,
    )


def claim(
    id: int = 1,
    *,
    heartbeat: int = 0,
    started: bool = True,
    number: int = 1,
    policy: Policy | None = None,
) -> Claim:
    attempt = Attempt(
        run_id=id,
        number=number,
        token="t" * 32,
        claimed_by="one",
        claimed_at=NOW,
        heartbeat=heartbeat,
        started_at=NOW if started else None,
    )
    return Claim(run=run(id, state=RunState.RUNNING, policy=policy), attempt=attempt)


def version(name: str, number: int, at: datetime = NOW) -> PublicationVersion:
    return PublicationVersion(
        name=name,
        number=number,
        draft=False,
        what=Committed(name=name, kind=PublicationKind.TABLE, location=f"/lake/{name}"),
        owner="kim",
        pipeline="ingest",
        run_id=1,
        notebook="",
        published_at=at,
    )
