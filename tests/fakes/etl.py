"""The facade for tests of the surfaces above it: same calls, values in memory.

`calls` remembers every call, so that a test can say that nothing was reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from fakes.clock import FakeClock
from jupyter_etl.errors import Conflict, DeclarationError, NotFound, PublishError
from jupyter_etl.model import (
    TERMINAL,
    Attempt,
    Cause,
    CheckResult,
    CheckRule,
    CheckStatus,
    Column,
    Committed,
    Freshness,
    NewRun,
    Outcome,
    Parameter,
    ParameterType,
    Partition,
    Pipeline,
    PipelineVersion,
    Publication,
    PublicationKind,
    PublicationVersion,
    Read,
    Run,
    RunState,
    Schedule,
    ScheduleKind,
    Source,
    TableInfo,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import SchedulerInfo

HASH = "a" * 64
TOKEN = "f" * 32


@dataclass(frozen=True, kw_only=True)
class FakeSettings:
    owner: str = "sam"
    autostart: bool = True


@dataclass(frozen=True, kw_only=True)
class FakePreview:
    data: pa.Table
    total_rows: int | None


@dataclass(frozen=True, kw_only=True)
class FakeFinding:
    severity: str
    cell: int | None
    message: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class FakeOutline:
    parameters: tuple[Parameter, ...]
    kernel: str | None


@dataclass(frozen=True, kw_only=True)
class FakeSchedulePreview:
    schedule: Schedule
    words: str
    next: tuple[datetime, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class FakeDeployment:
    pipeline: Pipeline
    change: str
    words: str
    next: tuple[datetime, ...]
    note: str
    findings: tuple[FakeFinding, ...]


@dataclass
class FakeEtl:
    """Holds a little of everything; tests add what they need to the dictionaries."""

    root: Path
    clock: FakeClock = field(default_factory=FakeClock)
    settings: FakeSettings = field(default_factory=FakeSettings)
    calls: list[str] = field(default_factory=list)
    closed: bool = False
    alive: list[SchedulerInfo] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sources = FakeSources(self)
        self.pipelines = FakePipelines(self)
        self.runs = FakeRuns(self)
        self.publications = FakePublications(self)

    def schedulers(self) -> list[SchedulerInfo]:
        self.calls.append("schedulers")
        return list(self.alive)

    def start_scheduler(self) -> bool:
        self.calls.append("start_scheduler")
        if self.alive:
            return False
        self.alive.append(
            SchedulerInfo(id="s1", host="here", pid=1, workers=2, seen_at=self.clock.now())
        )
        return True

    def close(self) -> None:
        self.closed = True


def a_schedule() -> Schedule:
    return Schedule(
        kind=ScheduleKind.CRON, text="daily at 07:00", timezone="Europe/Paris", cron="0 7 * * *"
    )


def a_pipeline(name: str, notebook: Path, **fields: Any) -> Pipeline:
    given = {"content_hash": HASH, "owner": "sam", "schedule": a_schedule(), "version": 3}
    return Pipeline(name=name, notebook=str(notebook), **{**given, **fields})


def a_run(run_id: int, pipeline: str, at: datetime, **fields: Any) -> Run:
    """Return a run that succeeded, unless told otherwise."""
    started = fields.get("state", RunState.SUCCEEDED) is not RunState.QUEUED
    given: dict[str, Any] = {
        "state": RunState.SUCCEEDED,
        "outcome": Outcome.SUCCEEDED,
        "attempts": 1,
        "not_before": at,
        "cancel_requested": False,
        "created_at": at,
        "started_at": at if started else None,
        "finished_at": at + timedelta(seconds=12) if started else None,
        "cell": 4,
        "cells": 4,
        "output": f"/runs/{run_id}/executed.ipynb",
    }
    new = NewRun(
        pipeline=pipeline,
        content_hash=HASH,
        notebook=f"/books/{pipeline}.ipynb",
        logical_key=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        logical_at=at,
        interval=Partition(start=at - timedelta(days=1), end=at),
        due_at=at,
        owner="sam",
        cause=Cause.SCHEDULE,
        version=3,
        parameters={"day": "2025-03-02"},
    )
    return Run(id=run_id, new=new, **{**given, **fields})


def a_version(name: str, kind: PublicationKind, at: datetime, location: Path) -> PublicationVersion:
    rows = 336 if kind is PublicationKind.TABLE else None
    columns = (Column(name="day", type="date32[day]"), Column(name="delay", type="double"))
    what = Committed(
        name=name,
        kind=kind,
        location=str(location),
        delta_version=6 if rows else None,
        rows=rows,
        changed_rows=rows,
        bytes=4_096,
        columns=columns if rows else (),
    )
    return PublicationVersion(
        name=name,
        number=7,
        draft=False,
        what=what,
        owner="sam",
        pipeline="delays",
        run_id=1,
        notebook="/books/delays.ipynb",
        published_at=at,
    )


class FakeSources:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        source = Source(
            name="trips",
            kind="csv",
            location=str(etl.root / "trips.csv"),
            declared="trips.csv",
            owner="sam",
            freshness=Freshness(warn_s=3600.0),
            declared_at=etl.clock.now(),
        )
        self.held = {"trips": source}
        self.data = pa.table({"id": [1, 2], "fare": [4.5, float("nan")]})

    def list(self) -> list[Source]:
        self._etl.calls.append("sources.list")
        return [self.held[name] for name in sorted(self.held)]

    def get(self, name: str) -> Source:
        self._etl.calls.append("sources.get")
        if name not in self.held:
            raise NotFound(f"There is no source {name!r}.", hint="%etl sources lists them.")
        return self.held[name]

    def describe(self, name: str) -> list[TableInfo]:
        self._etl.calls.append("sources.describe")
        columns = (Column(name="id", type="int64"), Column(name="fare", type="double"))
        return [TableInfo(name="", columns=columns, rows=2)] if self.get(name) else []

    def preview(self, name: str, table: str = "", *, limit: int = 20) -> FakePreview:
        self._etl.calls.append("sources.preview")
        self.get(name)
        return FakePreview(data=self.data.slice(0, limit), total_rows=self.data.num_rows)


class FakePipelines:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        now = etl.clock.now()
        due = now + timedelta(hours=23)
        first = a_pipeline(
            "delays", etl.root / "delays.ipynb", next_due=due, created_at=now, updated_at=now
        )
        other = a_pipeline("brief", Path("/elsewhere/brief.ipynb"), owner="kim", schedule=None)
        self.held = {"delays": first, "brief": other}

    def list(self) -> list[Pipeline]:
        self._etl.calls.append("pipelines.list")
        return [self.held[name] for name in sorted(self.held)]

    def get(self, name: str) -> Pipeline:
        self._etl.calls.append("pipelines.get")
        if name not in self.held:
            raise NotFound(f"There is no pipeline {name!r}.", hint="%etl status lists them.")
        return self.held[name]

    def versions(self, name: str) -> list[PipelineVersion]:
        found = self.get(name)
        return [
            PipelineVersion(
                pipeline=name,
                number=found.version,
                content_hash=HASH,
                notebook=found.notebook,
                schedule=found.schedule,
                parameters=found.parameters,
                policy=found.policy,
                deployed_by=found.owner,
                deployed_at=self._etl.clock.now(),
            )
        ]

    def schedule(
        self,
        notebook: Path,
        when: str = "",
        *,
        timezone: str | None = None,
        name: str | None = None,
        parameters: dict[str, object] | None = None,
        retries: int | None = None,
        timeout_s: float | None = None,
        catchup: str | None = None,
        overlap: str | None = None,
        owner: str | None = None,
        after: tuple[str, ...] = (),
    ) -> FakeDeployment:
        self._etl.calls.append("pipelines.schedule")
        plan = self.preview(when, timezone=timezone, after=after)
        made = a_pipeline(
            name or notebook.stem,
            notebook,
            schedule=plan.schedule,
            parameters=parameters or {},
            owner=owner or "sam",
            next_due=plan.next[0],
        )
        if self.held.get(made.name, made).owner != made.owner:
            raise Conflict(f"The name {made.name!r} is in use.")
        self.held[made.name] = made
        return FakeDeployment(
            pipeline=made,
            change="new",
            words=plan.words,
            next=plan.next,
            note=plan.note,
            findings=self.findings(),
        )

    def preview(
        self, when: str, *, timezone: str | None = None, after: tuple[str, ...] = (), count: int = 5
    ) -> FakeSchedulePreview:
        self._etl.calls.append("pipelines.preview")
        if when == "sometimes":
            raise DeclarationError("'sometimes' is no schedule.", hint="Try 'daily at 06:00'.")
        first = self._etl.clock.now().replace(hour=6) + timedelta(days=1)
        return FakeSchedulePreview(
            schedule=replace(a_schedule(), text=when, timezone=timezone or "Europe/Paris"),
            words="every day at 07:00, Europe/Paris",
            next=tuple(first + timedelta(days=day) for day in range(count)),
            note="",
        )

    def pause(self, name: str) -> Pipeline:
        return self._change("pause", name, True)

    def resume(self, name: str) -> Pipeline:
        return self._change("resume", name, False)

    def unschedule(self, name: str) -> None:
        self._etl.calls.append("pipelines.unschedule")
        self.get(name)
        del self.held[name]

    def outline(self, notebook: Path) -> FakeOutline:
        self._etl.calls.append("pipelines.outline")
        day = Parameter(name="day", type=ParameterType.DATE, default="yesterday", help="which day")
        return FakeOutline(parameters=(day,), kernel="python3")

    def preflight(self, notebook: Path) -> list[FakeFinding]:
        self._etl.calls.append("pipelines.preflight")
        return list(self.findings())

    def changed(self, pipeline: Pipeline) -> bool:
        return True

    def findings(self) -> tuple[FakeFinding, ...]:
        message = "Cell 7 uses 'df2', which only your session has."
        return (FakeFinding(severity="error", cell=7, message=message, hint="Define it."),)

    def _change(self, verb: str, name: str, paused: bool) -> Pipeline:
        self._etl.calls.append(f"pipelines.{verb}")
        self.held[name] = replace(self.get(name), paused=paused)
        return self.held[name]


class FakeRuns:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        now = etl.clock.now()
        rule = CheckRule(text="fare >= 0", kind="expression", argument="fare >= 0")
        check = CheckResult(
            rule=rule,
            status=CheckStatus.ERROR,
            dataset="trips",
            failed_rows=3,
            total_rows=100,
            message="3 of 100 rows break it.",
            sample=({"fare": "-1"},),
        )
        good = a_run(
            1,
            "delays",
            now - timedelta(days=1),
            published=(
                a_version("sales.daily", PublicationKind.TABLE, now, etl.root / "lake" / "daily"),
            ),
            reads=(Read(source="trips", version="abc", rows=100, bytes=2_000),),
        )
        held = a_run(
            2,
            "delays",
            now,
            state=RunState.HELD,
            outcome=Outcome.HELD,
            error="Check failed: fare >= 0",
            failed_cell=5,
            verdict=Verdict(kind=VerdictKind.DATA, evidence="3 rows break 'fare >= 0'."),
            checks=(check,),
        )
        self.held = {1: good, 2: held}

    def trigger(
        self, pipeline: str, *, parameters: dict[str, object] | None = None, wait: bool = False
    ) -> Run:
        self._etl.calls.append("runs.trigger")
        self._etl.pipelines.get(pipeline)
        made = a_run(
            max(self.held, default=0) + 1,
            pipeline,
            self._etl.clock.now(),
            state=RunState.QUEUED,
            outcome=None,
            attempts=0,
            output="",
        )
        made = replace(made, new=replace(made.new, parameters=parameters or {}))
        self.held[made.id] = made
        return made

    def list(
        self,
        *,
        pipeline: str | None = None,
        states: tuple[RunState, ...] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        self._etl.calls.append("runs.list")
        return self._found(pipeline, states)[offset : offset + limit]

    def count(self, *, pipeline: str | None = None, states: tuple[RunState, ...] = ()) -> int:
        return len(self._found(pipeline, states))

    def get(self, run_id: int) -> Run:
        self._etl.calls.append("runs.get")
        if run_id not in self.held:
            raise NotFound(f"There is no run {run_id}.")
        return self.held[run_id]

    def attempts(self, run_id: int) -> list[Attempt]:
        run = self.get(run_id)
        return [
            Attempt(
                run_id=run_id,
                number=number,
                token=TOKEN,
                claimed_by="s1",
                claimed_at=run.created_at,
                outcome=run.outcome,
                verdict=run.verdict,
            )
            for number in range(1, run.attempts + 1)
        ]

    def cancel(self, run_id: int) -> Run:
        self._etl.calls.append("runs.cancel")
        self.held[run_id] = replace(self.get(run_id), cancel_requested=True)
        return self.held[run_id]

    def retry(self, run_id: int) -> Run:
        self._etl.calls.append("runs.retry")
        run = self.get(run_id)
        if run.state not in TERMINAL:
            raise Conflict(f"Run {run_id} is {run.state}.")
        self.held[run_id] = replace(run, state=RunState.QUEUED, finished_at=None)
        return self.held[run_id]

    def log(self, run_id: int) -> str:
        return f"run {self.get(run_id).id}\n"

    def notebook(self, run_id: int) -> str:
        self.get(run_id)
        return '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

    def _found(self, pipeline: str | None, states: tuple[RunState, ...]) -> list[Run]:
        return [
            self.held[run_id]
            for run_id in sorted(self.held, reverse=True)
            if pipeline in (None, self.held[run_id].new.pipeline)
            and (not states or self.held[run_id].state in states)
        ]


class FakePublications:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        self.data = pa.table({"day": ["2025-03-02"], "delay": [12.5]})
        self.held: dict[str, Publication] = {}
        for name, kind, file in (
            ("sales.daily", PublicationKind.TABLE, "daily"),
            ("export", PublicationKind.FILE, "export.csv"),
            ("morning-brief", PublicationKind.REPORT, "brief.html"),
        ):
            at = etl.clock.now() - timedelta(hours=2)
            self.held[name] = Publication(
                name=name,
                kind=kind,
                owner="sam",
                pipeline="delays",
                live=a_version(name, kind, at, etl.root / "lake" / file),
                draft=None,
                freshness=Freshness(warn_s=3_600.0, error_s=86_400.0),
                created_at=at,
            )

    def list(self) -> list[Publication]:
        self._etl.calls.append("publications.list")
        return [self.held[name] for name in sorted(self.held)]

    def get(self, name: str) -> Publication:
        self._etl.calls.append("publications.get")
        if name not in self.held:
            raise NotFound(f"There is no publication {name!r}.", hint="%etl status lists them.")
        return self.held[name]

    def history(self, name: str, *, draft: bool = False) -> list[PublicationVersion]:
        live = self.get(name).live
        return [live] if live and not draft else []

    def preview(
        self, name: str, *, version: int | None = None, draft: bool = False, limit: int = 20
    ) -> FakePreview:
        self._etl.calls.append("publications.preview")
        self.get(name)
        return FakePreview(data=self.data.slice(0, limit), total_rows=336)

    def file(self, name: str, *, version: int | None = None, draft: bool = False) -> Path:
        self._etl.calls.append("publications.file")
        found = self.get(name)
        if found.live is None or version not in (None, found.live.number):
            raise NotFound(f"{name!r} has no version {version}.")
        if found.kind is PublicationKind.TABLE:
            raise PublishError(f"{name!r} is a table, and has no single file.")
        return Path(found.live.what.location)
