"""The commands that deploy and control pipelines."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.language.commands.pipelines import (
    BackfillRequest,
    OwnerRequest,
    PauseRequest,
    PipelinesRequest,
    PreflightRequest,
    RelinkRequest,
    ResumeRequest,
    UnscheduleRequest,
)
from jupyter_etl.language.commands.schedule import (
    ScheduleRequest,
)
from jupyter_etl.language.commands.watermarks import (
    WatermarkRequest,
)
from jupyter_etl.language.schedules.schedule import format_schedule
from jupyter_etl.scheduling.preflight import summarize
from jupyter_etl.services.bundles.versions import file_rows, pinned_words
from jupyter_etl.services.health import STATE_WORDS, by_severity
from jupyter_etl.services.pipelines.pipelines import Deployment
from jupyter_etl.services.watermarks import said
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.health_notes import attention_notes, missing_notes, tone_of
from jupyter_etl_magics.session import Session


def schedule(session: Session, request: ScheduleRequest) -> None:
    """Deploy the saved notebook as the next version, and show its schedule."""
    done = session.etl.pipelines.deploy(session.notebook_to_run(), request)
    _show_deployment(done, alive=bool(session.etl.schedulers()))


def _show_deployment(done: Deployment, *, alive: bool) -> None:
    pipeline = done.pipeline
    zone = ZoneInfo(pipeline.schedule.timezone) if pipeline.schedule else None
    rows = [{"next": f"{t.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"} for t in done.next]
    found = [f"{f.severity}: {f.message} {f.hint}".strip() for f in done.findings]
    files = file_rows(done.files, done.file_changes)
    worth_care = any(f.severity != "info" for f in done.findings)
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    paused = "It is paused: %etl resume" if pipeline.paused else ""
    unchanged = done.change == "unchanged"
    state = "nothing changed" if unchanged else f"version {pipeline.version} deployed"
    show(
        Card(
            title=f"{pipeline.name}: {done.words or 'runs on demand'} ({state}), "
            f"owner {pipeline.owner}",
            tone="warn" if waiting or paused or worth_care else "ok",
            rows=rows,
            notes=[*done.changes, done.note, *found, paused, waiting],
            below=[Card(title=pinned_words(done.files), rows=files)] if files else [],
        )
    )


def unschedule(session: Session, request: UnscheduleRequest) -> None:
    """Remove a pipeline from the schedule; its runs and publications are kept."""
    name = session.pipeline(request.pipeline)
    session.etl.pipelines.unschedule(name)
    show(Card(title=f"{name} is unscheduled; its runs and publications stay.", tone="ok"))


def pause(session: Session, request: PauseRequest) -> None:
    """Stop planning runs of a pipeline."""
    pipeline = session.etl.pipelines.pause(session.pipeline(request.pipeline))
    show(Card(title=f"{pipeline.name} is paused.", tone="ok"))


def resume(session: Session, request: ResumeRequest) -> None:
    """Resume planning runs of a pipeline."""
    pipeline = session.etl.pipelines.resume(session.pipeline(request.pipeline))
    show(Card(title=f"{pipeline.name} is resumed.", tone="ok"))


def pipelines(session: Session, request: PipelinesRequest) -> None:
    """Show all pipelines."""
    found = session.etl.pipelines.list(tags=request.tags)
    health = session.etl.health.of(found)
    rows: list[dict[str, object]] = [
        {
            "pipeline": p.name,
            "health": STATE_WORDS[health[p.name].state],
            "schedule": format_schedule(p.schedule) if p.schedule else "on demand",
            "next": "paused" if p.paused else p.next_due,
            "last success": health[p.name].last_success_at,
            "version": p.version,
            "owner": p.owner,
        }
        for p in found
    ]
    empty = 'There are no pipelines yet. Deploy this notebook: %etl schedule "daily at 06:00"'
    notes = attention_notes(by_severity(health)) + missing_notes(session.etl.pipelines)
    tone = tone_of(health.values())
    title = counted(len(rows), "pipeline")
    show(Card(title=title, tone=tone, rows=rows, notes=notes) if rows else Card(title=empty))


def owner(session: Session, request: OwnerRequest) -> None:
    """Show the owner of a pipeline, or change it."""
    if session.in_run:
        show(Card(title=f"owner {session.data_session.context.owner}"))
        return
    name = session.pipeline(request.pipeline)
    pipelines = session.etl.pipelines
    done = (
        pipelines.get(name) if request.owner is None else pipelines.hand_over(name, request.owner)
    )
    show(Card(title=f"{name}: owner {done.owner}", tone="ok"))


def preflight(session: Session, request: PreflightRequest) -> None:
    """Show problems of the notebook in a headless run."""
    findings = session.etl.pipelines.preflight(session.notebook(request.notebook))
    rows: list[dict[str, object]] = [
        {"": f.severity, "finding": f.message, "next": f.hint} for f in findings
    ]
    severities = {f.severity for f in findings}
    worst = "error" if "error" in severities else "warn" if "warning" in severities else "ok"
    show(Card(title=summarize(findings), tone=worst, rows=rows))


def relink(session: Session, request: RelinkRequest) -> None:
    """Set the path of a pipeline's notebook."""
    notebook, name = session.notebook(), request.pipeline
    if not name:
        moved = session.etl.pipelines.moved_to(notebook)
        if moved is None:
            raise NotFound(
                "No pipeline with a missing notebook matches this one.",
                hint="Pass the name of the pipeline: %etl relink NAME",
            )
        name = moved.name
    pipeline = session.etl.pipelines.relink(name, notebook)
    changed = session.etl.pipelines.changed(pipeline)
    note = f"Version {pipeline.version} runs until you deploy: %etl schedule" if changed else ""
    show(Card(title=f"{name} has its notebook at {pipeline.notebook}", tone="ok", notes=[note]))


def backfill(session: Session, request: BackfillRequest) -> None:
    """Queue runs of missing partitions, or list them with --dry-run."""
    etl = session.etl
    plan = etl.backfills.plan(
        session.pipeline(request.pipeline),
        request.span,
        by=request.by,
        parameters=request.parameters,
        parallel=request.parallel,
        include_done=request.all,
    )
    if request.dry_run:
        notes = [*plan.notes, "Nothing was queued: this is a dry run."]
        show(Card(title=plan.title, tone="ok", notes=notes))
        return
    begun = etl.backfills.begin(plan)
    if not begun.runs:
        show(Card(title=begun.title, tone="ok"))
        return
    alive = (etl.settings.autostart and etl.start_scheduler()) or bool(etl.schedulers())
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    queued = f"{counted(len(begun.runs), 'run')} queued: %etl runs"
    tone = "warn" if waiting else "ok"
    show(Card(title=begun.title, tone=tone, notes=[*begun.notes, queued, waiting]))


def watermark(session: Session, request: WatermarkRequest) -> None:
    """Show watermarks, or set one; refused inside a run."""
    watermarks, target = session.etl.watermarks, request.table
    pipeline = session.pipeline(request.pipeline)
    if request.set is None and not request.reset:
        rows = [said(one) for one in watermarks.list(pipeline, target or "")]
        show(Card(title=f"{pipeline}: {counted(len(rows), 'watermark')}", rows=rows))
        return
    if not target or (request.set is not None and request.reset):
        raise DeclarationError(
            "A watermark is set for one table, with --set or --reset.",
            hint="%etl watermark SOURCE.TABLE --set VALUE, or --reset",
        )
    done = watermarks.set(pipeline, target, request.set, column=request.since)
    where = "the start" if done.value is None else done.value.text
    show(Card(title=f"{done.cursor.label}: the next load begins after {where}.", tone="ok"))
