"""Values for tests of the ledger, and of code that uses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fakes.clock import START
from jupyter_etl.model import (
    AttemptReport,
    Cause,
    Column,
    Committed,
    NewRun,
    Outcome,
    Partition,
    Pipeline,
    Policy,
    PublicationKind,
    RunState,
    Schedule,
    ScheduleKind,
)
from jupyter_etl.ports import Claim, Planned, Store

NOW = START
HOUR = timedelta(hours=1)
DAILY = Schedule(kind=ScheduleKind.CRON, text="@daily", cron="0 0 * * *", timezone="Europe/Paris")


def a_pipeline(
    name: str = "orders",
    *,
    content_hash: str = "a" * 64,
    owner: str = "ada",
    notebook: str = "/home/ada/orders.ipynb",
    schedule: Schedule | None = DAILY,
    next_due: datetime | None = NOW + HOUR,
    paused: bool = False,
    parameters: dict[str, object] | None = None,
    policy: Policy | None = None,
    sources: tuple[str, ...] = (),
) -> Pipeline:
    """Return a pipeline to deploy."""
    return Pipeline(
        name=name,
        notebook=notebook,
        content_hash=content_hash,
        owner=owner,
        schedule=schedule,
        next_due=next_due,
        paused=paused,
        parameters=parameters or {},
        policy=policy or Policy(),
        sources=sources,
    )


def a_run(
    key: str = "2025-03-03T06:00:00Z",
    *,
    pipeline: str = "orders",
    owner: str = "ada",
    due_at: datetime = NOW,
    priority: int = 0,
    draft: bool = False,
    state: RunState = RunState.QUEUED,
    note: str = "",
    cause: Cause = Cause.MANUAL,
    sources: tuple[str, ...] = (),
    policy: Policy | None = None,
    upstream: dict[str, int] | None = None,
) -> NewRun:
    """Return a run to plan."""
    return NewRun(
        pipeline=pipeline,
        content_hash="a" * 64,
        notebook="/home/ada/orders.ipynb",
        logical_key=key,
        logical_at=due_at,
        interval=Partition(start=due_at - 24 * HOUR, end=due_at),
        due_at=due_at,
        owner=owner,
        cause=cause,
        version=1,
        parameters={"day": "2025-03-02", "deep": {"list": [1, 2.5, None, True]}},
        draft=draft,
        priority=priority,
        state=state,
        note=note,
        upstream={"sales.daily": 7} if upstream is None else upstream,
        sources=sources,
        policy=policy or Policy(),
    )


def a_plan(
    pipeline: Pipeline,
    *runs: NewRun,
    next_due: datetime | None = None,
    cancel: tuple[int, ...] = (),
) -> Planned:
    """Return the plan of a pipeline."""
    return Planned(pipeline=pipeline, runs=runs, next_due=next_due, cancel=cancel)


def an_output(
    name: str = "sales.daily",
    *,
    kind: PublicationKind = PublicationKind.TABLE,
    rows: int | None = 3,
    delta_version: int | None = 0,
) -> Committed:
    """Return an output that a publisher committed."""
    return Committed(
        name=name,
        kind=kind,
        location=f"/lake/{name}",
        delta_version=delta_version,
        rows=rows,
        changed_rows=rows,
        bytes=1024,
        columns=(Column(name="day", type="date32[day]", nullable=False),),
        key=("day",),
    )


def succeeded(*committed: Committed) -> AttemptReport:
    """Return the report of a successful attempt."""
    return AttemptReport(outcome=Outcome.SUCCEEDED, committed=committed, output="/runs/1/out.ipynb")


def claim_one(store: Store, *, now: datetime = NOW, run_id: int | None = None) -> Claim:
    """Claim exactly one run."""
    (claim,) = store.claim("scheduler-1", now=now, limit=1, run_id=run_id)
    return claim


def started(store: Store, new: NewRun | None = None, *, now: datetime = NOW) -> Claim:
    """Add a run, claim it and start its attempt."""
    run = store.add_run(new or a_run(), now=now)
    claim = claim_one(store, now=now, run_id=run.id)
    start(store, claim, now=now)
    return claim


def start(store: Store, claim: Claim, *, now: datetime = NOW, cells: int | None = 5) -> None:
    """Start a claimed attempt."""
    attempt = claim.attempt
    store.start_attempt(
        attempt.run_id,
        attempt.number,
        attempt.token,
        host="h",
        pid=11,
        cells=cells,
        now=now,
        timeout_s=60.0,
    )


def finish(
    store: Store,
    claim: Claim,
    report: AttemptReport | None = None,
    *,
    state: RunState = RunState.SUCCEEDED,
    not_before: datetime | None = None,
    now: datetime = NOW,
) -> None:
    """End an attempt."""
    attempt = claim.attempt
    store.finish_attempt(
        attempt.run_id,
        attempt.number,
        attempt.token,
        report or succeeded(),
        state=state,
        not_before=not_before,
        now=now,
    )


EARLY = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
