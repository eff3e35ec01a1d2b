"""The commands that show and control pipelines and runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from jupyter_etl.cli.output import outcome_of, print_message, write, write_json, write_table
from jupyter_etl.cli.pipelines import exit_code_of
from jupyter_etl.language.commands.pipelines import (
    PauseRequest,
    PipelinesRequest,
    RelinkRequest,
    ResumeRequest,
    UnscheduleRequest,
)
from jupyter_etl.language.commands.runs import (
    CancelRequest,
    LogsRequest,
    RetryRequest,
    RunsRequest,
    StatusRequest,
)
from jupyter_etl.language.schedules.schedule import format_schedule
from jupyter_etl.language.text import printable
from jupyter_etl.model import (
    ACTIVE,
    FAILING_STATES,
    CheckStatus,
    HealthState,
    PausedBy,
    Pipeline,
    PipelineHealth,
    Run,
)
from jupyter_etl.services import Etl
from jupyter_etl.services.health import STATE_WORDS, Overview, seconds_of
from jupyter_etl.services.run_log import format_lines
from jupyter_etl.services.runs.resume import retried_words

_WHY = 60
"""Maximum number of characters of an error in a table; the log and JSON have all of it."""


def status(etl: Etl, request: StatusRequest) -> int:
    """Show the state of pipelines, runs and schedulers."""
    found = etl.pipelines.list()
    overview = etl.health.overview()
    missing = [p for p in found if etl.pipelines.missing(p)]
    due = sorted((p.next_due, p.name) for p in found if p.next_due and not p.paused)
    facts = {
        "well": overview.well,
        "owner": etl.settings.owner,
        "home": str(etl.settings.home),
        "lake": etl.settings.lake,
        "schedulers": len(overview.schedulers),
        "pipelines": len(found),
        "paused": sum(p.paused for p in found),
        "paused_by_platform": overview.names(HealthState.AUTO_PAUSED),
        "failing": overview.names(*FAILING_STATES),
        "backfill_failed": overview.names(HealthState.BACKFILL_FAILED),
        "late": overview.names(HealthState.LATE),
        "notebook_gone": [p.name for p in missing],
        "held_runs": sorted(overview.held_runs),
        "stale": list(overview.stale),
        "silent_sources": list(overview.silent_sources),
        "full_disk": overview.full_disk or None,
        "waiting_schedulers": [f"{name}: {why}" for name, why in overview.waiting.items()],
        "active_runs": etl.runs.count(states=ACTIVE),
        "publications": len(etl.publications.list()),
        "next_due": due[0][0] if due else None,
        "next_pipeline": due[0][1] if due else None,
    }
    if request.json:
        write_json(facts)
        return 0
    write("All is well." if overview.well else f"Needs attention: {', '.join(overview.problems)}.")
    rows = [
        {"": name.replace("_", " "), " ": _listed(value) if isinstance(value, list) else value}
        for name, value in facts.items()
        if name != "well"
    ]
    write_table(rows, "")
    _print_next_steps(overview)
    _print_missing(missing)
    return 0


def _listed(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values)


def _print_next_steps(overview: Overview) -> None:
    for name, health in overview.attention.items():
        print_message(f"{name}: {health.why}")
        if health.paused_by is PausedBy.PERSON:
            print_message("  A person paused it.")
        if health.paused_by:
            print_message(f"  To resume it: jupyter etl resume {name}")
    for name in overview.stale:
        print_message(f"{name} is older than promised.")
    for name, breaker in overview.silent_sources.items():
        print_message(
            f"{name} did not answer {breaker.failures} times in a row; "
            f"the next run tries it at {breaker.retry_at:%H:%M:%S} UTC."
        )
    if overview.full_disk:
        print_message(f"No runs start on this machine: {overview.full_disk}.")
    for name, why in overview.waiting.items():
        print_message(f"The scheduler {name} starts no runs: {why}.")
    if not overview.schedulers:
        print_message("No scheduler is alive. Start one: jupyter etl up")
    for owner in overview.unserved:
        print_message(
            f"No scheduler runs the pipelines of {owner}. Start one: jupyter etl up --for {owner}"
        )


def pipelines(etl: Etl, request: PipelinesRequest) -> int:
    """List the pipelines."""
    found = etl.pipelines.list(tags=request.tags)
    health = etl.health.of(found)
    missing = [p for p in found if etl.pipelines.missing(p)]
    if request.json:
        gone = {p.name for p in missing}
        rows = [_pipeline_row(p, health[p.name]) for p in found]
        write_json([{**row, "missing": row["pipeline"] in gone} for row in rows])
        return 0
    write_table(
        [_short_pipeline_row(p, health[p.name]) for p in found],
        "There are no pipelines yet. Deploy one: jupyter etl schedule NOTEBOOK WHEN",
    )
    _print_missing(missing)
    return 0


def _print_missing(pipelines: Sequence[Pipeline]) -> None:
    for p in pipelines:
        print_message(
            f"The notebook of {p.name} is missing; version {p.version} still runs. If the "
            f"notebook was renamed or moved: jupyter etl relink {p.name}"
        )


def _pipeline_row(pipeline: Pipeline, health: PipelineHealth) -> dict[str, object]:
    return {
        "pipeline": pipeline.name,
        "health": health.state.value,
        "why": health.why or None,
        "version": pipeline.version,
        "schedule": _schedule_of(pipeline),
        "next_due": pipeline.next_due,
        "paused": pipeline.paused,
        "paused_by": health.paused_by,
        "running": health.running,
        "last_success_at": health.last_success_at,
        "owner": pipeline.owner,
        "notebook": pipeline.notebook,
        "pause_note": pipeline.pause_note or None,
    }


def _short_pipeline_row(pipeline: Pipeline, health: PipelineHealth) -> dict[str, object]:
    """Return a row that fits into a line of a terminal."""
    return {
        "pipeline": pipeline.name,
        "health": STATE_WORDS[health.state],
        "schedule": _schedule_of(pipeline),
        "next": "paused" if pipeline.paused else pipeline.next_due,
        "last success": health.last_success_at,
        "owner": pipeline.owner,
        "why": _short(health.why),
    }


def _schedule_of(pipeline: Pipeline) -> str:
    return format_schedule(pipeline.schedule) if pipeline.schedule else "on demand"


def runs(etl: Etl, request: RunsRequest) -> int:
    """List runs, newest first."""
    found = etl.runs.list(
        pipeline=request.pipeline, states=request.state, tags=request.tags, limit=request.limit
    )
    now = etl.clock.now()
    if request.json:
        write_json([_row(run, now) for run in found])
        return 0
    write_table([_short_row(run, now) for run in found], "There are no runs yet.")
    total = etl.runs.count(pipeline=request.pipeline, states=request.state, tags=request.tags)
    if total > len(found):
        print_message(f"Showing {len(found)} of {total:,} runs; more with --limit.")
    return 0


def logs(etl: Etl, request: LogsRequest) -> int:
    """Show the log of a run, or follow it; the exit code of the latter is that of the run."""
    run = etl.runs.find(request.run)
    if request.follow:
        return _follow(etl, run.id, as_json=request.json)
    if request.json:
        text, events = etl.runs.log(run.id), etl.runs.events(run.id)
        write_json({"run": run.id, "log": text, "events": events, "checks": run.checks})
        return 0
    write(etl.runs.log(run.id).rstrip("\n"))
    for result in run.checks:
        if result.status is not CheckStatus.PASS:
            write(printable(f"\n{result.status}: {result.dataset}: {result.message}"))
            rows = [{name: printable(text) for name, text in row.items()} for row in result.sample]
            write_table(rows, "No single row fails it.")
    return 0


def _follow(etl: Etl, run_id: int, *, as_json: bool) -> int:
    log = etl.runs.open_log(run_id)
    try:
        for lines in log.follow():
            if as_json:
                texts = [msgspec.json.encode(line).decode() for line in lines]
            else:
                texts = format_lines(lines, log.zone)
            for text in texts:
                write(text)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print_message(f"The run continues: jupyter etl logs {run_id} --follow")
        raise
    return exit_code_of(log.run)


def cancel(etl: Etl, request: CancelRequest) -> int:
    """Cancel a run."""
    run = etl.runs.cancel(request.run)
    write(f"Run {run.id} is {run.state}." if outcome_of(run) else f"Run {run.id} is being stopped.")
    return 0


def retry(etl: Etl, request: RetryRequest) -> int:
    """Queue a finished run again."""
    if request.from_failed_cell:
        write(retried_words(etl.runs.retry_from_failed_cell(request.run)))
    else:
        run = etl.runs.retry(request.run)
        write(f"Run {run.id} of {run.new.pipeline} is queued again.")
    if not etl.schedulers():
        print_message("No scheduler is alive; the run waits for one: jupyter etl up")
    return 0


def pause(etl: Etl, request: PauseRequest) -> int:
    """Stop planning runs of a pipeline."""
    write(f"{etl.pipelines.pause(request.pipeline).name} is paused.")
    return 0


def resume(etl: Etl, request: ResumeRequest) -> int:
    """Resume planning runs of a pipeline."""
    pipeline = etl.pipelines.resume(request.pipeline)
    due = f"; next {pipeline.next_due:%Y-%m-%d %H:%M} UTC" if pipeline.next_due else ""
    write(f"{pipeline.name} is resumed{due}.")
    return 0


def relink(etl: Etl, request: RelinkRequest) -> int:
    """Set the path of a pipeline's notebook."""
    given = None if request.notebook is None else Path(request.notebook)
    pipeline = etl.pipelines.relink(request.pipeline, given)
    write(f"{pipeline.name} has its notebook at {pipeline.notebook}")
    if etl.pipelines.changed(pipeline):
        write(
            f"  Version {pipeline.version} runs until you deploy it: jupyter etl schedule NOTEBOOK"
        )
    return 0


def unschedule(etl: Etl, request: UnscheduleRequest) -> int:
    """Remove a pipeline from the schedule."""
    etl.pipelines.unschedule(request.pipeline)
    write(f"{request.pipeline} is unscheduled; its runs and publications stay.")
    return 0


def _row(run: Run, now: datetime) -> dict[str, object]:
    return {
        "run": run.id,
        "pipeline": run.new.pipeline,
        "logical_key": run.new.logical_key,
        "due_at": run.new.due_at,
        "cause": run.new.cause.value,
        "state": run.state.value,
        "outcome": outcome_of(run),
        "attempts": run.attempts,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": _rounded(seconds_of(run, now)),
        "error": run.error or None,
        "note": run.new.note or None,
    }


def _short_row(run: Run, now: datetime) -> dict[str, object]:
    """Return a row that fits into a line of a terminal, with the reason of a failure or skip."""
    return {
        "run": run.id,
        "pipeline": run.new.pipeline,
        "logical_key": run.new.logical_key,
        "cause": run.new.cause.value,
        "outcome": outcome_of(run) or run.state.value,
        "attempts": run.attempts,
        "started_at": run.started_at,
        "seconds": _rounded(seconds_of(run, now)),
        "why": _short(run.error or run.new.note),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _short(text: str) -> str:
    """Return a text on one line, cut to `_WHY` characters."""
    line = " ".join(text.split())
    return line if len(line) <= _WHY else f"{line[: _WHY - 1]}…"
