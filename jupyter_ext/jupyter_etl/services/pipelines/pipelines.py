"""Deployment and management of pipelines."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_etl.errors import Conflict, NotFound, PermissionDenied
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.names import listed, parse_name, pipeline_name
from jupyter_etl.language.notebooks.notebook import Outline, parse_notebook, snapshot_of
from jupyter_etl.language.parameters.parameter import resolve_parameters
from jupyter_etl.language.schedules.schedule import parse_schedule
from jupyter_etl.model import (
    NO_TAGS,
    BundleFile,
    FileChange,
    Overlap,
    Pipeline,
    PipelineVersion,
    Schedule,
    TimeLimit,
)
from jupyter_etl.ports import Clock, Store
from jupyter_etl.scheduling.occurrences import next_occurrence
from jupyter_etl.scheduling.preflight import Finding, preflight, refuse_errors
from jupyter_etl.scheduling.time_limits import load_durations, tight_schedule, time_limit
from jupyter_etl.services.bundles import LocalFiles
from jupyter_etl.services.bundles.local_files import PinnedVersion
from jupyter_etl.services.notebooks import read_notebook, sources_of
from jupyter_etl.services.pipelines.cold_starts import ColdStarts
from jupyter_etl.services.pipelines.moved_notebooks import (
    find_notebook,
    has_moved,
    is_missing,
    moved_pipeline,
)
from jupyter_etl.services.pipelines.publication_names import check_names
from jupyter_etl.services.pipelines.redeployment import changes_between, kept_from
from jupyter_etl.services.pipelines.schedule_previews import (
    SchedulePreview,
    changed_schedule,
    preview_between,
    preview_of,
)
from jupyter_etl.services.policies import make_policy
from jupyter_etl.services.preflight import NotebookPlace
from jupyter_etl.services.secrets import refuse_secret_parameters
from jupyter_etl.services.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The result of a deployment.

    Args:
        pipeline: The pipeline as it is now recorded.
        change: ``new``, ``changed`` or ``unchanged``.
        changes: Differences from the previous version, one phrase each; empty for a new pipeline.
        words: Its schedule as text; "" without one.
        next: The next occurrences, UTC.
        note: Effects of clock changes, assumptions about the notebook, and why its runs start
            cold; "" if there are none.
        findings: The findings of preflight.
        files: The local files that the version pins.
        file_changes: Differences from the files of the previous deployment.
    """

    pipeline: Pipeline
    change: str
    changes: tuple[str, ...]
    words: str
    next: tuple[datetime, ...]
    note: str
    findings: tuple[Finding, ...]
    files: tuple[BundleFile, ...] = ()
    file_changes: tuple[FileChange, ...] = ()


class Pipelines:
    """Deploy, pause, resume, hand over and remove pipelines."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._cold_starts = ColdStarts(store, settings)
        self.files = LocalFiles(store, settings)
        """The local files that versions pin."""

    def schedule(self, notebook: Path, when: str = "", **options: Any) -> Deployment:
        """Deploy a notebook; ``options`` are the other fields of `ScheduleRequest`."""
        return self.deploy(notebook, ScheduleRequest(when=when, **options))

    def deploy(
        self, notebook: Path, request: ScheduleRequest, *, own_line: bool = True
    ) -> Deployment:
        """Save a notebook as the next version of its pipeline, and schedule it.

        Fields that the request does not set keep their deployed values. Without ``when``, ``after``
        and ``on_demand``, the notebook's own ``%etl schedule`` line applies; fields of the request
        override it. A new pipeline without a schedule runs on demand.

        Args:
            notebook: Path of the saved file.
            request: Its field ``notebook`` is not used.
            own_line: Whether the notebook's own ``%etl schedule`` line applies.

        Raises:
            DeclarationError: The notebook, the schedule, a pattern, a parameter or the policy
                is not valid, or preflight found errors, which are in its ``data``.
            PermissionDenied: The name belongs to another owner.
            NotFound: Nothing publishes a name in ``after``.
            Conflict: Another notebook has the name, or another pipeline has the same publication.
        """
        path, text, outline = read_notebook(notebook)
        given = request.when or request.after or request.on_demand
        if own_line and not given and outline.deployment is not None:
            request = request.over(outline.deployment)
        snapshot = snapshot_of(text)
        called = self._named(path, request.name, snapshot)
        before = self._find(called)
        kept = kept_from(before, outline, request.reset)
        policy = make_policy(kept.policy, request)
        now = self._clock.now()
        schedule = changed_schedule(kept.schedule, request, self._settings.timezone)
        plan = None
        if schedule is not None:
            # A schedule that has fired for the last time does not prevent a new version.
            plan = preview_of(schedule, now, spent=schedule == kept.schedule)
        values = {**kept.parameters, **request.parameters}
        resolve_parameters(outline.parameters, values, at=now)
        refuse_secret_parameters(self._settings.home, values)
        findings = self._findings(path, outline, request.after)
        if plan is not None:
            findings += self._tight(called, plan.schedule, policy.overlap)
        if not request.anyway:
            refuse_errors(path.name, findings)
        pinned = self.files.pin(path, text, outline, include=request.include, before=before)
        pipeline = Pipeline(
            name=called,
            notebook=str(path),
            content_hash=pinned.content_hash,
            owner=request.owner or self._settings.owner,
            schedule=plan.schedule if plan else None,
            parameters=values,
            policy=policy,
            next_due=plan.next[0] if plan and plan.next else None,
            sources=sources_of(outline, self._store),
        )
        was = None if before is None else self.declared(before)
        check_names(self._store, before, was, pipeline, outline, expect=request.expect)
        if before is not None and has_moved(self._store, before, path, snapshot):
            self.relink(before.name, path)
        deployed = self._store.deploy(pipeline, now=now)
        return self._deployment(before, deployed, outline, plan, pinned, findings)

    def _deployment(
        self,
        before: Pipeline | None,
        deployed: Pipeline,
        outline: Outline,
        plan: SchedulePreview | None,
        pinned: PinnedVersion,
        findings: tuple[Finding, ...],
    ) -> Deployment:
        changes: tuple[str, ...] = ()
        if before is not None:
            changes = changes_between(before, deployed, self.declared(before), outline)
        change = "new" if before is None else "changed"
        if before is not None and before.version == deployed.version and not changes:
            change = "unchanged"
        notes = [
            *outline.notes,
            *pinned.notes,
            plan.note if plan else "",
            self.cold_starts([deployed])[deployed.name],
        ]
        return Deployment(
            pipeline=deployed,
            change=change,
            changes=changes,
            words=plan.words if plan else "",
            next=plan.next if plan else (),
            note=" ".join(filter(None, notes)),
            findings=findings,
            files=pinned.files,
            file_changes=pinned.changes,
        )

    def _named(self, path: Path, name: str | None, snapshot: str) -> str:
        """Return the name of the pipeline that a deployment of this file belongs to."""
        if name is not None:
            return parse_name(name, what="pipeline")
        by_stem = parse_name(pipeline_name(path.stem), what="pipeline")
        names = [one.name for one in self._store.load_pipelines() if one.notebook == str(path)]
        if not names:
            moved = moved_pipeline(self._store, path, snapshot, self._settings.owner)
            return by_stem if moved is None else moved.name
        if by_stem in names:
            return by_stem
        if len(names) > 1:
            raise Conflict(
                f"{path.name} is deployed as {listed(names)}.",
                hint=f"Select one: --name {names[0]}",
                data={"names": names},
            )
        return names[0]

    def preview(
        self,
        when: str,
        *,
        timezone: str | None = None,
        after: Sequence[str] = (),
        after_all: bool = False,
        count: int = 5,
    ) -> SchedulePreview:
        """Describe a schedule; raises `DeclarationError`, also if it never fires."""
        zone = timezone or self._settings.timezone
        schedule = parse_schedule(when, timezone=zone, after=tuple(after), after_all=after_all)
        return preview_of(schedule, self._clock.now(), count=count)

    def plan(
        self,
        when: str,
        *,
        timezone: str | None,
        start: datetime,
        end: datetime | None = None,
        count: int = 5,
    ) -> SchedulePreview:
        """Return when a schedule fires, also in the past; see `preview_between`."""
        schedule = parse_schedule(when, timezone=timezone or self._settings.timezone)
        return preview_between(schedule, start, end, count=count)

    def list(
        self,
        *,
        search: str = "",
        owner: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> builtins.list[Pipeline]:
        """Return all pipelines, or a page of those that match; see `Store.load_pipelines`."""
        return self._store.load_pipelines(
            search=search, owner=owner, tags=tags, limit=limit, offset=offset
        )

    def count(self, *, search: str = "", owner: str | None = None) -> int:
        """Count what `list` would return without a limit, for all tags."""
        return self._store.count_pipelines(search=search, owner=owner)

    def get(self, name: str) -> Pipeline:
        """Return a pipeline; raises `NotFound`."""
        return self._store.load_pipeline(name)

    def versions(self, name: str) -> builtins.list[PipelineVersion]:
        """Return the versions of a pipeline with their files, newest first; raises `NotFound`."""
        found = self.files.versions(name)
        if not found:
            self.get(name)
        return found

    def pause(self, name: str) -> Pipeline:
        """Stop planning runs until `resume`; active runs continue."""
        return self._store.change_pipeline(name, now=self._clock.now(), paused=True)

    def resume(self, name: str) -> Pipeline:
        """Continue from now; occurrences that passed in the meantime are not caught up."""
        now = self._clock.now()
        pipeline = self.get(name)
        due = next_occurrence(pipeline.schedule, now) if pipeline.schedule else None
        return self._store.change_pipeline(name, now=now, paused=False, next_due=due)

    def unschedule(self, name: str) -> None:
        """Remove a pipeline; its runs and versions stay recorded."""
        self.get(name)
        self._store.remove_pipeline(name)

    def hand_over(self, name: str, owner: str) -> Pipeline:
        """Change the owner of a pipeline."""
        return self._store.change_pipeline(name, now=self._clock.now(), owner=owner)

    def relink(self, name: str, notebook: Path | None = None) -> Pipeline:
        """Point a pipeline to a moved notebook; its history, schedule and deployed version stay.

        Args:
            notebook: Path of the file; None searches near its old path.

        Raises:
            NotFound: There is no such pipeline, or no such notebook.
            Conflict: Without ``notebook``: the old file still exists, or several files match.
            DeclarationError: The file is not a notebook.
            PermissionDenied: The pipeline belongs to another owner.
        """
        pipeline = self.get(name)
        path = None if notebook is None else read_notebook(notebook)[0]
        if path is None:
            path = find_notebook(self._store, pipeline)
        if pipeline.owner != self._settings.owner:
            raise PermissionDenied(
                f"The pipeline {name!r} belongs to {pipeline.owner!r}, not to "
                f"{self._settings.owner!r}.",
                hint="Ask its owner to relink it, or to change the owner.",
            )
        return self._store.change_pipeline(name, now=self._clock.now(), notebook=str(path))

    def missing(self, pipeline: Pipeline) -> bool:
        """Return whether the notebook's file is missing; the deployed version still runs."""
        return is_missing(pipeline)

    def moved_to(self, notebook: Path) -> Pipeline | None:
        """Return the pipeline of a renamed or moved notebook; None if there is none."""
        path, text, _ = read_notebook(notebook)
        return moved_pipeline(self._store, path, snapshot_of(text), self._settings.owner)

    def outline(self, notebook: Path) -> Outline:
        """Parse what a notebook declares, without running it."""
        return read_notebook(notebook)[2]

    def preflight(self, notebook: Path) -> builtins.list[Finding]:
        """Find what would fail or behave differently in a headless run."""
        path, _, outline = read_notebook(notebook)
        findings = self._findings(path, outline)
        for one in self._store.load_pipelines():
            if one.notebook == str(path) and one.schedule is not None:
                findings += self._tight(one.name, one.schedule, one.policy.overlap)
        return [*findings]

    def time_limits(self, pipelines: Sequence[Pipeline]) -> dict[str, TimeLimit]:
        """Return the time limit of each pipeline's next run and its reason, by name."""
        asked = [one.name for one in pipelines if one.policy.timeout_s is None]
        durations = load_durations(self._store, asked) if asked else {}
        return {one.name: time_limit(one.policy, durations.get(one.name)) for one in pipelines}

    def changed(self, pipeline: Pipeline) -> bool:
        """Return whether the notebook or a file of its version differs from the deployed one."""
        return self.files.changed(pipeline)

    def declared(self, pipeline: Pipeline) -> Outline:
        """Return the outline of the deployed version."""
        return parse_notebook(self._store.load_snapshot(pipeline.content_hash))

    def cold_starts(self, pipelines: Sequence[Pipeline]) -> dict[str, str]:
        """Return why runs start cold, and how to make them warm, by name; "" if they are warm."""
        cold = self._cold_starts.of_all(pipelines)
        return {name: reason.message() if reason else "" for name, reason in cold.items()}

    def _findings(
        self, path: Path, outline: Outline, after: Sequence[str] = ()
    ) -> tuple[Finding, ...]:
        declared = outline.deployment.after if outline.deployment else ()
        place = NotebookPlace(
            self._store,
            path,
            outline.kernel,
            self._check_schedule,
            expected=[*after, *declared],
        )
        return preflight(outline, place)

    def _tight(self, name: str, schedule: Schedule, overlap: Overlap) -> tuple[Finding, ...]:
        durations = load_durations(self._store, [name]).get(name)
        return tuple(tight_schedule(name, schedule, durations, overlap, self._clock.now()))

    def _check_schedule(self, request: ScheduleRequest, outline: Outline) -> None:
        # A line without a time keeps the deployed schedule, or removes it.
        if request.when or request.after:
            self.preview(
                request.when,
                timezone=request.timezone,
                after=request.after,
                after_all=request.after_all,
                count=1,
            )
        resolve_parameters(outline.parameters, request.parameters, at=self._clock.now())

    def _find(self, name: str) -> Pipeline | None:
        try:
            return self._store.load_pipeline(name)
        except NotFound:
            return None
