"""Notebooks that run by themselves."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_etl.app.notebooks import read_notebook
from jupyter_etl.app.policies import make_policy
from jupyter_etl.app.preflight import NotebookPlace
from jupyter_etl.app.settings import Settings
from jupyter_etl.engine.preflight import Finding, errors_in, preflight, summarize
from jupyter_etl.engine.ticks import daylight_note, next_tick, next_ticks, ticks_between
from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.model import Pipeline, PipelineVersion, Policy, Schedule, ScheduleKind
from jupyter_etl.ports import Clock, Store
from jupyter_etl.spec.names import parse_name, pipeline_name
from jupyter_etl.spec.notebook import Outline, parse_notebook, snapshot_of
from jupyter_etl.spec.parameter import resolve_parameters
from jupyter_etl.spec.schedule import format_schedule, parse_schedule
from jupyter_etl.spec.span import YEARS

_INSTANT = timedelta(microseconds=1)
"""The step between instants."""


@dataclass(frozen=True, kw_only=True)
class SchedulePreview:
    """A schedule before it is deployed.

    Args:
        schedule: As understood.
        words: The same in words.
        next: The next instants, UTC; empty for ``after``.
        note: What daylight saving does to them; "" where nothing.
    """

    schedule: Schedule
    words: str
    next: tuple[datetime, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a deployment did.

    Args:
        pipeline: As it now stands in the ledger.
        change: ``new``, ``changed`` or ``unchanged``.
        words: Its schedule in words; "" without one.
        next: The next instants, UTC.
        note: What daylight saving does to them, what is assumed of the notebook; "" for nothing.
        findings: What preflight found.
    """

    pipeline: Pipeline
    change: str
    words: str
    next: tuple[datetime, ...]
    note: str
    findings: tuple[Finding, ...] = ()


class Pipelines:
    """Deploy, pause, resume, hand over and remove pipelines."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def schedule(
        self,
        notebook: Path,
        when: str = "",
        *,
        timezone: str | None = None,
        name: str | None = None,
        parameters: Mapping[str, object] | None = None,
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
        after: Sequence[str] = (),
        after_all: bool = False,
        anyway: bool = False,
    ) -> Deployment:
        """Snapshot a notebook as the next version of its pipeline, and put it on a schedule.

        Args:
            notebook: Path of the saved file.
            when: The schedule in words, cron or ISO; without it and ``after`` what the notebook's own
                ``%etl schedule`` says, and for one that says nothing, runs on demand only.
            timezone: IANA name; by default the setting's.
            name: Of the pipeline; by default the file's stem.
            parameters: Values for the notebook's parameters.
            retries, timeout_s, catchup, overlap, on_lost, priority, memory_bytes, checkpoint,
            cold: Policy; by default `Policy`'s.
            owner: Accountable; by default the setting's.
            after: Publications whose new versions start a run.
            after_all: Wait until each of them has a new version.
            anyway: Deploy it though preflight has found errors.

        Raises:
            DeclarationError: The notebook, schedule, a parameter or a policy is not understood, or
                preflight has found errors, which are in its ``data``.
            PermissionDenied: Another owner has the name.
            Conflict: Another notebook has the name.
        """
        path, text, outline = read_notebook(notebook)
        declared = None if when or after else _declared(outline)
        if declared is not None:
            return self.schedule(
                path,
                declared["when"],
                timezone=timezone or declared["tz"],
                name=name or declared["name"],
                parameters={**declared["param"], **(parameters or {})},
                retries=declared["retries"] if retries is None else retries,
                timeout_s=timeout_s or declared["timeout"],
                catchup=catchup or declared["catchup"],
                overlap=overlap or declared["overlap"],
                on_lost=on_lost or declared["on_lost"],
                priority=declared["priority"] if priority is None else priority,
                memory_bytes=memory_bytes or declared["memory"],
                checkpoint=checkpoint or declared["checkpoint"],
                cold=cold or declared["cold"],
                owner=owner or declared["owner"],
                after=declared["after"],
                after_all=after_all or declared["after_all"],
                anyway=anyway,
            )
        policy = make_policy(
            retries=retries,
            timeout_s=timeout_s,
            catchup=catchup,
            overlap=overlap,
            on_lost=on_lost,
            priority=priority,
            memory_bytes=memory_bytes,
            checkpoint=checkpoint,
            cold=cold,
        )
        plan = None
        if when or after or after_all:
            plan = self.preview(when, timezone=timezone, after=after, after_all=after_all)
        findings = self._findings(path, outline, after)
        if not anyway:
            _refuse_errors(path, findings)
        done = self._deploy(path, text, outline, plan, name, parameters or {}, policy, owner)
        return replace(done, findings=findings)

    def _deploy(
        self,
        path: Path,
        text: str,
        outline: Outline,
        plan: SchedulePreview | None,
        name: str | None,
        parameters: Mapping[str, object],
        policy: Policy,
        owner: str | None,
    ) -> Deployment:
        now = self._clock.now()
        resolve_parameters(outline.parameters, parameters, at=now)
        pipeline = Pipeline(
            name=parse_name(name or pipeline_name(path.stem), what="pipeline"),
            notebook=str(path),
            content_hash=self._store.save_snapshot(snapshot_of(text)),
            owner=owner or self._settings.owner,
            schedule=plan.schedule if plan else None,
            parameters=dict(parameters),
            policy=policy,
            next_due=plan.next[0] if plan and plan.next else None,
            sources=outline.sources_among(
                [source.name for source in self._store.load_sources()],
                [one.name for one in self._store.load_publications() if one.live is not None],
            ),
        )
        before = self._find(pipeline.name)
        deployed = self._store.deploy(pipeline, now=now)
        change = "new" if before is None else "changed"
        if before is not None and before.version == deployed.version:
            change = "unchanged"
        notes = [*outline.notes, plan.note if plan else ""]
        return Deployment(
            pipeline=deployed,
            change=change,
            words=plan.words if plan else "",
            next=plan.next if plan else (),
            note=" ".join(filter(None, notes)),
        )

    def preview(
        self,
        when: str,
        *,
        timezone: str | None = None,
        after: Sequence[str] = (),
        after_all: bool = False,
        count: int = 5,
    ) -> SchedulePreview:
        """Say what a schedule means; raises `DeclarationError`, also when it never fires."""
        zone = timezone or self._settings.timezone
        schedule = parse_schedule(when, timezone=zone, after=tuple(after), after_all=after_all)
        ticks = next_ticks(schedule, self._clock.now(), count)
        if not ticks and schedule.kind is not ScheduleKind.AFTER:
            raise DeclarationError(
                f"The schedule {when!r} never fires from now on.",
                hint="Give a time in the future, such as 'daily at 06:00'.",
            )
        return SchedulePreview(
            schedule=schedule,
            words=format_schedule(schedule),
            next=tuple(ticks),
            note=daylight_note(schedule, ticks),
        )

    def plan(
        self,
        when: str,
        *,
        timezone: str | None,
        start: datetime,
        end: datetime | None = None,
        count: int = 5,
    ) -> SchedulePreview:
        """Say when a schedule fires, also in the past.

        Args:
            when: The schedule.
            timezone: IANA name; by default the setting's.
            start, end: The instants ``start <= t < end``, UTC.
            count: How many, without ``end``.

        Raises:
            DeclarationError: The schedule is not understood, or an instant is not within `YEARS`.
        """
        low, high = YEARS
        for at in (start, end):
            if at is not None and not low <= at.year <= high:
                raise DeclarationError(
                    f"'{at.date()}' is not within the years {low} to {high}.",
                    hint="Give a --from and a --to within these years.",
                )
        schedule = parse_schedule(when, timezone=timezone or self._settings.timezone)
        # The engine's intervals hold their end and not their start.
        before = start - _INSTANT
        ticks = (
            next_ticks(schedule, before, count)
            if end is None
            else list(ticks_between(schedule, before, end - _INSTANT))
        )
        return SchedulePreview(
            schedule=schedule,
            words=format_schedule(schedule),
            next=tuple(ticks),
            note=daylight_note(schedule, ticks),
        )

    def list(self) -> builtins.list[Pipeline]:
        """Return all pipelines, by name."""
        return self._store.load_pipelines()

    def get(self, name: str) -> Pipeline:
        """Return one; raises `NotFound`."""
        return self._store.load_pipeline(name)

    def versions(self, name: str) -> builtins.list[PipelineVersion]:
        """Return its versions, newest first."""
        return self._store.load_pipeline_versions(name)

    def pause(self, name: str) -> Pipeline:
        """Plan nothing until `resume`; a run in hand goes on."""
        return self._store.change_pipeline(name, now=self._clock.now(), paused=True)

    def resume(self, name: str) -> Pipeline:
        """Go on from now; times that passed meanwhile are not caught up."""
        now = self._clock.now()
        pipeline = self.get(name)
        due = next_tick(pipeline.schedule, now) if pipeline.schedule else None
        return self._store.change_pipeline(name, now=now, paused=False, next_due=due)

    def unschedule(self, name: str) -> None:
        """Take it off the schedule; its runs and versions stay on record."""
        self.get(name)
        self._store.remove_pipeline(name)

    def hand_over(self, name: str, owner: str) -> Pipeline:
        """Make somebody else accountable."""
        return self._store.change_pipeline(name, now=self._clock.now(), owner=owner)

    def outline(self, notebook: Path) -> Outline:
        """Read what a notebook declares, without running it."""
        return read_notebook(notebook)[2]

    def preflight(self, notebook: Path) -> builtins.list[Finding]:
        """Look for what would fail or surprise in a headless run."""
        path, _, outline = read_notebook(notebook)
        return list(self._findings(path, outline))

    def changed(self, pipeline: Pipeline) -> bool:
        """Tell whether the notebook's file differs from what is deployed, or is gone."""
        try:
            _, text, _ = read_notebook(Path(pipeline.notebook))
        except (DeclarationError, NotFound):
            return True
        return snapshot_of(text) != self._store.load_snapshot(pipeline.content_hash)

    def declared(self, pipeline: Pipeline) -> Outline:
        """Return the outline of the deployed version."""
        return parse_notebook(self._store.load_snapshot(pipeline.content_hash))

    def _findings(
        self, path: Path, outline: Outline, after: Sequence[str] = ()
    ) -> tuple[Finding, ...]:
        declared = _declared(outline) or {"after": ()}
        place = NotebookPlace(
            self._store,
            path,
            outline.kernel,
            self._check_schedule,
            expected=[*after, *declared["after"]],
        )
        return preflight(outline, place)

    def _check_schedule(self, args: Mapping[str, Any], outline: Outline) -> None:
        self.preview(
            args["when"],
            timezone=args["tz"],
            after=args["after"],
            after_all=args["after_all"],
            count=1,
        )
        resolve_parameters(outline.parameters, args["param"], at=self._clock.now())

    def _find(self, name: str) -> Pipeline | None:
        try:
            return self._store.load_pipeline(name)
        except NotFound:
            return None


def _refuse_errors(path: Path, findings: Sequence[Finding]) -> None:
    """Refuse to deploy what would fail in a run; raises `DeclarationError`."""
    errors = errors_in(findings)
    if not errors:
        return
    lines = [f"  {one.message} {one.hint}".rstrip() for one in errors]
    raise DeclarationError(
        "\n".join(
            [
                f"{path.name} would fail in a run, so it is not deployed. {summarize(findings)}",
                *lines,
            ]
        ),
        hint="Correct it, or deploy it all the same: --anyway",
        data={"findings": [asdict(one) for one in findings]},
    )


def _declared(outline: Outline) -> dict[str, Any] | None:
    """Return the arguments of the notebook's last ``%etl schedule``, if it has one."""
    found = [c.args for _, c in outline.commands if c.name == "schedule"]
    return found[-1] if found and (found[-1]["when"] or found[-1]["after"]) else None
