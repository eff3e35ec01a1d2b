"""The facade for tests of the surfaces above it: same calls, values in memory.

`calls` remembers every call, so that a test can say that nothing was reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pyarrow as pa

from fakes.clock import FakeClock
from fakes.etl_lineage import FakeLineage
from fakes.etl_runs import FakeLedger, FakeRuns
from fakes.etl_values import (
    HASH,
    FakeDeployment,
    FakeFinding,
    FakeOutline,
    FakePreview,
    FakeSchedulePreview,
    FakeSettings,
    a_pipeline,
    a_schedule,
    a_version,
)
from fakes.etl_watermarks import FakeWatermarks
from jupyter_etl.errors import Conflict, DeclarationError, NotFound, PublishError
from jupyter_etl.model import (
    Breaker,
    Bundle,
    BundleFile,
    Column,
    Difference,
    FileChange,
    FileRole,
    Freshness,
    Hold,
    Parameter,
    ParameterType,
    Pipeline,
    PipelineVersion,
    Publication,
    PublicationKind,
    PublicationVersion,
    Retyped,
    Source,
    TableInfo,
    TimeLimit,
)
from jupyter_etl.ports import SchedulerInfo, Store
from jupyter_etl.publishing.tables.changes import RowChange, RowChanges
from jupyter_etl.scheduling.time_limits import time_limit
from jupyter_etl.services.health import Health
from jupyter_etl.services.publications.differences import VersionDifference
from jupyter_etl.services.secrets import Vault


@dataclass
class FakeEtl:
    """Holds a little of everything; tests add what they need to the dictionaries."""

    root: Path
    clock: FakeClock = field(default_factory=FakeClock)
    redacted_answer = staticmethod(str)
    settings: FakeSettings = field(default_factory=FakeSettings)
    calls: list[str] = field(default_factory=list)
    closed: bool = False
    alive: list[SchedulerInfo] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sources = FakeSources(self)
        self.secrets = Vault({})
        self.pipelines = FakePipelines(self)
        self.runs = FakeRuns(self)
        self.publications = FakePublications(self)
        self.holds = FakeHolds(self)
        self.lineage = FakeLineage(self.clock, self.publications.get)
        self.watermarks = FakeWatermarks(self)
        self.health = Health(
            cast("Store", FakeLedger(self)),
            self.clock,
            alive=lambda: list(self.alive),
            disk=lambda: "",
        )

    @contextmanager
    def woken(self, wake: Callable[[], object], *, patience_s: float = 0.0) -> Iterator[None]:
        self.wake = wake
        yield

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
        self.quiet: dict[str, Breaker] = {}
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

    def silent(self) -> dict[str, Breaker]:
        return self.quiet


class FakeFiles:
    files = (BundleFile(path="helper.py", content_hash=HASH, bytes=12, role=FileRole.MODULE),)

    def now(self, notebook: Path, pipeline: Pipeline | None = None) -> Bundle:
        return Bundle(files=self.files, include=("config/*.yaml",))


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
        self.files = FakeFiles()

    def list(self) -> list[Pipeline]:
        self._etl.calls.append("pipelines.list")
        return [self.held[name] for name in sorted(self.held)]

    def get(self, name: str) -> Pipeline:
        self._etl.calls.append("pipelines.get")
        if name not in self.held:
            raise NotFound(f"There is no pipeline {name!r}.", hint="%etl status lists them.")
        return self.held[name]

    def time_limits(self, pipelines: Sequence[Pipeline]) -> dict[str, TimeLimit]:
        return {one.name: time_limit(one.policy, None) for one in pipelines}

    def cold_start(self, pipeline: Pipeline) -> str:
        return "" if pipeline.policy.warm else "It was deployed with --cold."

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
                files=self.files.files,
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
        on_lost: str | None = None,
        priority: int | None = None,
        memory_bytes: int | None = None,
        checkpoint: bool = False,
        cold: bool = False,
        owner: str | None = None,
        after: tuple[str, ...] = (),
        after_all: bool = False,
        on_demand: bool = False,
        reset: tuple[str, ...] = (),
        expect: bool = False,
        shared: bool = False,
        own_line: bool = True,
        include: tuple[str, ...] = (),
        anyway: bool = False,
    ) -> FakeDeployment:
        self._etl.calls.append("pipelines.schedule")
        plan = self.preview(when, timezone=timezone, after=after, after_all=after_all)
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
            changes=(),
            words=plan.words,
            next=plan.next,
            note=plan.note,
            findings=self.findings(),
            files=self.files.files,
            file_changes=(FileChange(path="helper.py", change="added"),),
        )

    def preview(
        self,
        when: str,
        *,
        timezone: str | None = None,
        after: tuple[str, ...] = (),
        after_all: bool = False,
        count: int = 5,
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

    def missing(self, pipeline: Pipeline) -> bool:
        return False

    def relink(self, name: str, notebook: Path | None = None) -> Pipeline:
        self._etl.calls.append("pipelines.relink")
        self.held[name] = replace(self.get(name), notebook=str(notebook))
        return self.held[name]

    def unschedule(self, name: str) -> None:
        self._etl.calls.append("pipelines.unschedule")
        self.get(name)
        del self.held[name]

    def outline(self, notebook: Path) -> FakeOutline:
        self._etl.calls.append("pipelines.outline")
        day = Parameter(name="day", type=ParameterType.DATE, default="yesterday", help="which day")
        return FakeOutline(parameters=(day,), kernel="python3")

    def declared(self, pipeline: Pipeline) -> FakeOutline:
        return self.outline(Path(pipeline.notebook))

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

    def diff(
        self,
        name: str,
        before: int | None = None,
        after: int | None = None,
        *,
        key: tuple[str, ...] = (),
        draft: bool = False,
    ) -> VersionDifference:
        self._etl.calls.append("publications.diff")
        live = self.get(name).live
        assert live is not None
        row = RowChange(kind="changed", key={"day": "2025-03-02"}, values={"delay": ("1.0", None)})
        return VersionDifference(
            before=live,
            after=live,
            difference=A_DIFFERENCE,
            changes=RowChanges(key=("day",), added=0, removed=0, changed=1, sample=(row,)),
        )

    def rollback(
        self, name: str, to: int | None = None, *, keep_watermarks: bool = False
    ) -> PublicationVersion:
        self._etl.calls.append("publications.rollback")
        live = self.get(name).live
        assert live is not None
        return live


A_DIFFERENCE = Difference(
    name="sales.daily",
    number=6,
    added=(Column(name="delay", type="double"),),
    retyped=(Retyped(name="day", before="date32[day]", after="string"),),
    rows_before=10,
    rows_after=3,
    replaced_rows=10,
    new_rows=3,
    reasons=("it has 3 rows, and version 6 has 10",),
)


class FakeHolds:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        self.waiting = True
        self.held = Hold(
            run_id=2,
            attempt=1,
            owner="sam",
            staged=(),
            differences=(A_DIFFERENCE,),
            held_at=etl.clock.now(),
        )

    def list(self) -> list[Hold]:
        self._etl.calls.append("holds.list")
        return [self.held] if self.waiting else []

    def approve(self, target: int) -> None:
        self._etl.calls.append("holds.approve")

    def reject(self, target: int) -> None:
        self._etl.calls.append("holds.reject")
