"""The commands that run and deploy notebooks."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_etl.cli.output import (
    PrintableFormatter,
    outcome_of,
    print_message,
    published_by,
    shown,
    write,
    write_json,
    write_table,
)
from jupyter_etl.errors import ExecutionError
from jupyter_etl.language.commands.pipelines import (
    PreflightRequest,
)
from jupyter_etl.language.commands.runs import (
    RunRequest,
    TriggerRequest,
)
from jupyter_etl.language.commands.schedule import (
    PlanRequest,
    ScheduleRequest,
    UpRequest,
)
from jupyter_etl.language.schedules.timezones import parse_instant, parse_timezone
from jupyter_etl.model import Checkpoint, Outcome, Run
from jupyter_etl.scheduling.preflight import errors_in, summarize
from jupyter_etl.services import Etl
from jupyter_etl.services.bundles.versions import file_lines
from jupyter_etl.services.health import seconds_of
from jupyter_etl.services.maintenance.daily import daily_prune
from jupyter_etl.services.runs.lookup import failure_lines
from jupyter_etl.services.settings import owners_of

_CODES = {
    Outcome.SUCCEEDED: 0,
    Outcome.FAILED: 1,
    Outcome.LOST: 1,
    Outcome.HELD: 3,
    Outcome.CANCELLED: 4,
    Outcome.TIMED_OUT: 5,
}


def run(etl: Etl, request: RunRequest) -> int:
    """Run a notebook now and wait."""
    progress = _progress(quiet=request.json)
    made = etl.runs.execute(Path(request.notebook), request, on_event=progress)
    return _conclude(etl, made, as_json=request.json)


def trigger(etl: Etl, request: TriggerRequest) -> int:
    """Request one run of a deployed pipeline."""
    etl.pipelines.get(request.pipeline)
    need_scheduler(etl, waiting=request.wait)
    try:
        made = etl.runs.trigger(
            request.pipeline,
            parameters=request.parameters,
            draft=request.draft,
            wait=request.wait,
            on_event=_progress(quiet=request.json),
        )
    except KeyboardInterrupt:
        print_message(f"The run continues: jupyter etl runs --pipeline {request.pipeline}")
        raise
    if request.wait:
        return _conclude(etl, made, as_json=request.json, times=True)
    if request.json:
        write_json({**_result(etl, made), **_times(made)})
    else:
        write(f"Run {made.id} of {made.new.pipeline} is queued.")
        print_message(f"  Follow it: jupyter etl logs {made.id} --follow")
    return 0


def schedule(etl: Etl, request: ScheduleRequest) -> int:
    """Deploy a notebook."""
    done = etl.pipelines.deploy(Path(request.notebook), request)
    pipeline = done.pipeline
    state = f"version {pipeline.version}, {done.change}"
    write(f"{pipeline.name}: {done.words or 'runs on demand'} ({state}), owner {pipeline.owner}")
    for change in done.changes or (("nothing changed",) if done.change == "unchanged" else ()):
        write(f"  {change}")
    zone = ZoneInfo(pipeline.schedule.timezone) if pipeline.schedule else UTC
    for instant in done.next:
        write(f"  {instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}")
    if done.note:
        write(f"  {done.note}")
    for line in file_lines(done.files, done.file_changes):
        write(f"  {line}")
    for finding in done.findings:
        print_message(f"  {finding.severity}: {finding.message} {finding.hint}".rstrip())
    if pipeline.paused:
        print_message(f"  It is paused: jupyter etl resume {pipeline.name}")
    if not etl.has_scheduler():
        print_message("  No scheduler is alive. Start one: jupyter etl up")
    return 0


def up(etl: Etl, request: UpRequest) -> int:
    """Run a scheduler until a signal stops it; with --until-idle, until nothing is left to do."""
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(PrintableFormatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S %z"))
    logging.basicConfig(level=logging.INFO, handlers=[log])
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        etl.clock.wake()

    with _on_interrupt(stop):
        if not request.until_idle:
            etl.prepare_runners()
        settings, named = etl.settings, request.owners
        owners = settings.runs_for
        if named:
            owners = owners_of(named, ledger=settings.ledger, owner=settings.owner)
        scheduler = etl.scheduler(workers=request.workers, owners=owners)
        whose = f" the pipelines of {', '.join(owners)}" if owners else ""
        print_message(
            f"Scheduling{whose} with {request.workers or settings.workers} workers on {settings.home}."
        )
        pruning = nullcontext() if request.until_idle else daily_prune(etl.settings)
        with pruning, etl.woken(etl.clock.wake):
            scheduler.run(until_idle=request.until_idle, stop=lambda: stopping)
    return 0


@contextmanager
def _on_interrupt(act: Callable[[int, object], None]) -> Iterator[None]:
    """Call a function on SIGINT and SIGTERM while the block lasts."""
    before = {number: signal.signal(number, act) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def plan(etl: Etl, request: PlanRequest) -> int:
    """List the occurrences of a schedule."""
    zone_name = request.timezone or etl.settings.timezone
    zone = parse_timezone(zone_name)
    begin = request.start
    planned = etl.pipelines.plan(
        request.when,
        timezone=zone_name,
        start=parse_instant(begin, zone_name) if begin else etl.clock.now(),
        end=parse_instant(request.end, zone_name) if request.end else None,
    )
    if request.json:
        write_json([{"utc": t, "local": t.astimezone(zone).isoformat()} for t in planned.next])
        return 0
    write(planned.words)
    for instant in planned.next:
        write(f"  {instant:%Y-%m-%dT%H:%M:%SZ}  {instant.astimezone(zone).isoformat()}")
    if not planned.next:
        write("  There are no run times in this range.")
    if planned.note:
        write(planned.note)
    return 0


def preflight(etl: Etl, request: PreflightRequest) -> int:
    """Report problems of a notebook in a headless run; exit code 1 if there are any."""
    findings = etl.pipelines.preflight(Path(request.notebook))
    if request.json:
        write_json(findings)
    else:
        rows = [
            {"severity": f.severity, "cell": f.cell, "finding": f"{f.message} {f.hint}".strip()}
            for f in findings
        ]
        write_table(rows, summarize(findings))
        if findings:
            print_message(summarize(findings))
    return 1 if errors_in(findings) else 0


def need_scheduler(etl: Etl, *, waiting: bool) -> None:
    """Start a scheduler for a command that waits, or warn that none is alive.

    Raises:
        ExecutionError: The command would wait forever.
    """
    if etl.has_scheduler():
        return
    if etl.settings.autostart and waiting:
        etl.start_scheduler()
        print_message("No scheduler was alive; one was started and keeps running.")
    elif waiting:
        raise ExecutionError(
            "No scheduler is alive, so the run would wait forever.", hint="Run: jupyter etl up"
        )
    else:
        print_message("No scheduler is alive; the run waits for one: jupyter etl up")


def _progress(*, quiet: bool) -> Any:
    if quiet or not sys.stderr.isatty():
        return None

    def on_event(event: Mapping[str, Any]) -> None:
        if event["kind"] in {"cell_started", "cell_finished"}:
            sys.stderr.write(f"\r  cell {event['done']} of {event['of']} ")
            sys.stderr.flush()
        elif event["kind"] == "finished":
            sys.stderr.write("\r" + " " * 30 + "\r")

    return on_event


def _conclude(etl: Etl, run: Run, *, as_json: bool, times: bool = False) -> int:
    kept = None if run.outcome is Outcome.SUCCEEDED else etl.runs.checkpoint(run.id)
    if as_json:
        write_json({**_result(etl, run, kept), **(_times(run) if times else {})})
    else:
        outcome = outcome_of(run) or run.state.value
        took = _seconds(etl, run)
        write(f"Run {run.id} {outcome.replace('_', ' ')} in {shown(took)} s.")
        for line in failure_lines(run):
            write(f"  {line}")
        for version in run.published:
            kind = "draft" if version.draft else "version"
            write(f"  {version.name} {kind} {version.number}, {shown(version.what.rows)} rows")
        write(f"  {run.output}" if run.output else "  No notebook was executed.")
        if run.outcome is Outcome.HELD:
            write(f"  Review it: jupyter etl held {run.id}")
        if kept is not None:
            again = f"jupyter etl retry {run.id} --from-failed-cell"
            write(f"  Retry from cell {kept.failed_cell + 1}: {again}")
    return exit_code_of(run)


def exit_code_of(run: Run) -> int:
    """Return the exit code for the outcome of a run; 4 if nothing was executed."""
    return _CODES[run.outcome] if run.outcome else 4


def _result(etl: Etl, run: Run, kept: Checkpoint | None = None) -> dict[str, object]:
    return {
        "run": run.id,
        "outcome": outcome_of(run),
        "cell": run.failed_cell,
        "error": run.error or None,
        "verdict": run.verdict.kind.value if run.verdict else None,
        "output": run.output or None,
        "seconds": _seconds(etl, run),
        "published": published_by(run),
        "retry_from": kept.failed_cell if kept else None,
    }


def _seconds(etl: Etl, run: Run) -> float | None:
    took = seconds_of(run, etl.clock.now())
    return None if took is None else round(took, 3)


def _times(run: Run) -> dict[str, object]:
    return {
        "due_at": run.new.due_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
