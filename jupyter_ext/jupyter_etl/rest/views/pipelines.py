"""Pipelines, schedules and notebooks as responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.schedules.schedule import Preset, format_schedule, preset_of
from jupyter_etl.model import (
    BundleFile,
    HealthState,
    Outcome,
    Parameter,
    PausedBy,
    Pipeline,
    PipelineHealth,
    RunState,
    RunSummary,
    Schedule,
    TimeLimit,
    Watermark,
)
from jupyter_etl.rest.lines import pipeline_lines, watermark_lines
from jupyter_etl.rest.views.base import View
from jupyter_etl.scheduling.preflight import Finding
from jupyter_etl.services.health import seconds_of
from jupyter_etl.services.watermarks import WatermarkRow, row_of

STRIP = 14
"""Number of last runs that a pipeline shows."""


class LastRun(View, frozen=True):
    """One of the last runs of a pipeline."""

    id: int
    state: RunState
    outcome: Outcome | None
    seconds: float | None
    due_at: datetime


class PipelineLines(View, frozen=True):
    """Command lines that do the same as the buttons of a pipeline."""

    trigger: str
    pause: str
    resume: str
    relink: str
    unschedule: str
    runs: str
    schedule: str


@dataclass(frozen=True, kw_only=True)
class PipelineView(Pipeline):
    """A pipeline with its health and its last runs.

    Args:
        words: The schedule in words.
        last_runs: At most 14, oldest first.
        health_note: The reason of its health; empty if there is nothing to add.
        health_run: The run that `health_note` refers to.
        severity: 0 if no action is needed; higher is more urgent.
        running: Whether a run is active.
        notebook_path: Path in the file browser; null if the notebook is outside its root folder.
        cold_start: Why its runs start cold, and how to make them warm; empty if they are warm.
        missing: Whether the notebook's file does not exist; runs execute the deployed version.
        time_limit: The time limit of the next run.
        timeout: The time limit that was set, as text; empty for none.
        preset: The preset that its schedule corresponds to, however it was written; null for none.
    """

    words: str
    last_runs: tuple[LastRun, ...]
    health: HealthState
    health_note: str
    health_run: int | None
    severity: int
    paused_by: PausedBy | None
    running: bool
    last_success_at: datetime | None
    notebook_path: str | None
    cold_start: str
    missing: bool
    time_limit: TimeLimit
    timeout: str
    preset: Preset | None
    lines: PipelineLines


class PipelineParameters(View, frozen=True):
    """The parameters of a deployed version.

    Args:
        declared: The parameters that the version declares.
        values: The values it was deployed with.
    """

    version: int
    declared: tuple[Parameter, ...]
    values: Mapping[str, object]


class WatermarkLines(View, frozen=True):
    """Command lines that do the same as the button of a watermark."""

    reset: str


class WatermarkView(WatermarkRow, frozen=True):
    """The watermark of an incremental load."""

    lines: WatermarkLines


class Occurrence(View, frozen=True):
    """A due time, in UTC and in the timezone of its schedule."""

    utc: datetime
    local: datetime


class ScheduleView(View, frozen=True):
    """A schedule that is not deployed yet.

    Args:
        words: The schedule in words.
        next: Its next times.
        note: The effect of daylight saving time; empty for none.
        preset: The preset that it corresponds to; null for none.
    """

    words: str
    next: tuple[Occurrence, ...]
    note: str
    cron: str | None
    preset: Preset | None


class NotebookView(View, frozen=True):
    """The declarations of a notebook, and its pipeline.

    Args:
        kernel: Name of its kernel; null if it names none.
        pipeline: Null if it is not deployed.
        changed: Whether the notebook or a local file differs from the deployed version.
        files: The local files that a deployment would pin.
        include: The deployed patterns; a deployment without patterns keeps them.
    """

    parameters: tuple[Parameter, ...]
    findings: tuple[Finding, ...]
    kernel: str | None
    pipeline: PipelineView | None
    changed: bool
    files: tuple[BundleFile, ...]
    include: tuple[str, ...]


def pipeline_view(
    pipeline: Pipeline,
    runs: Sequence[RunSummary],
    health: PipelineHealth,
    *,
    now: datetime,
    locate: Callable[[str], str | None],
    cold_start: str,
    missing: bool,
    time_limit: TimeLimit,
) -> PipelineView:
    """Make the view of a pipeline.

    Args:
        runs: Its last runs, oldest first.
        locate: Returns the contents path of a file on disk, None if it is outside the root folder.
    """
    schedule, limit_s = pipeline.schedule, pipeline.policy.timeout_s
    return PipelineView(
        **vars(pipeline),
        words=format_schedule(schedule) if schedule else "on demand",
        last_runs=tuple(
            LastRun(
                id=run.id,
                state=run.state,
                outcome=run.outcome,
                seconds=seconds_of(run, now),
                due_at=run.due_at,
            )
            for run in runs[-STRIP:]
        ),
        health=health.state,
        health_note=health.why,
        health_run=health.run_id,
        severity=health.severity,
        paused_by=health.paused_by,
        running=health.running,
        last_success_at=health.last_success_at,
        notebook_path=locate(pipeline.notebook),
        cold_start=cold_start,
        missing=missing,
        time_limit=time_limit,
        timeout="" if limit_s is None else format_duration(limit_s),
        preset=preset_of(schedule) if schedule else None,
        lines=PipelineLines(**pipeline_lines(pipeline)),
    )


def watermark_view(watermark: Watermark) -> WatermarkView:
    """Make the view of a watermark."""
    row = row_of(watermark)
    lines = watermark_lines(row.pipeline, row.table, row.since)
    return WatermarkView(**asdict(row), lines=WatermarkLines(**lines))


def schedule_view(
    schedule: Schedule, words: str, occurrences: Sequence[datetime], note: str
) -> ScheduleView:
    """Make the view of a schedule."""
    zone = ZoneInfo(schedule.timezone)
    return ScheduleView(
        words=words,
        next=tuple(Occurrence(utc=at, local=at.astimezone(zone)) for at in occurrences),
        note=note,
        cron=schedule.cron,
        preset=preset_of(schedule),
    )
