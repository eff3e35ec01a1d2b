"""The commands that show and steer what runs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from jupyter_etl.app import Etl
from jupyter_etl.app.disk import disk_guard
from jupyter_etl.app.resuming import retried_words
from jupyter_etl.cli.output import outcome_of, say, seconds_of, write, write_json, write_table
from jupyter_etl.model import CheckStatus, Run, RunState
from jupyter_etl.spec.schedule import format_schedule

_WHY = 60
"""Characters of an error in a table; the whole is in the log and in JSON."""
_ACTIVE = (RunState.QUEUED, RunState.DISPATCHED, RunState.RUNNING)


def status(etl: Etl, args: Namespace) -> int:
    """Show how everything stands."""
    found = etl.pipelines.list()
    alive = etl.schedulers()
    due = sorted((p.next_due, p.name) for p in found if p.next_due and not p.paused)
    last = etl.runs.last([p.name for p in found], count=1)
    failing = [name for name, runs in last.items() if runs and runs[0].state is RunState.FAILED]
    stopped = {p.name: p.pause_note for p in found if p.pause_note}
    silent = etl.sources.silent()
    full = disk_guard(etl.settings)()
    facts = {
        "owner": etl.settings.owner,
        "home": str(etl.settings.home),
        "lake": etl.settings.lake,
        "schedulers": len(alive),
        "pipelines": len(found),
        "paused": sum(p.paused for p in found),
        "paused_by_platform": list(stopped),
        "failing": failing,
        "silent_sources": list(silent),
        "full_disk": full or None,
        "active_runs": etl.runs.count(states=_ACTIVE),
        "publications": len(etl.publications.list()),
        "next_due": due[0][0] if due else None,
        "next_pipeline": due[0][1] if due else None,
    }
    if args.json:
        write_json(facts)
        return 0
    rows = [
        {"": name.replace("_", " "), " ": ", ".join(value) if isinstance(value, list) else value}
        for name, value in facts.items()
    ]
    write_table(rows, "")
    for name, note in stopped.items():
        say(f"{name}: {note}\n  To go on: jupyter etl resume {name}")
    for name, breaker in silent.items():
        say(
            f"{name} did not answer {breaker.failures} times in a row; "
            f"the next run tries it at {breaker.retry_at:%H:%M:%S} UTC."
        )
    if full:
        say(f"No run is started on this machine: {full}.")
    if not alive:
        say("No scheduler is alive. Start one: jupyter etl up")
    return 0


def pipelines(etl: Etl, args: Namespace) -> int:
    """List the pipelines."""
    rows: list[dict[str, object]] = [
        {
            "pipeline": p.name,
            "version": p.version,
            "schedule": format_schedule(p.schedule) if p.schedule else "on demand",
            "next_due": p.next_due,
            "paused": p.paused,
            "owner": p.owner,
            "notebook": p.notebook,
            "missing": etl.pipelines.missing(p),
            "pause_note": p.pause_note or None,
        }
        for p in etl.pipelines.list()
    ]
    _show(rows, args, "No pipelines yet. Deploy one: jupyter etl schedule NOTEBOOK WHEN")
    for row in rows:
        if row["missing"] and not args.json:
            say(
                f"The notebook of {row['pipeline']} is gone; version {row['version']} runs as it was "
                f"deployed. If it was renamed or moved: jupyter etl relink {row['pipeline']}"
            )
    return 0


def runs(etl: Etl, args: Namespace) -> int:
    """List runs, newest first."""
    states = tuple(RunState(text) for text in args.state)
    found = etl.runs.list(pipeline=args.pipeline, states=states, limit=args.limit)
    if args.json:
        write_json([_row(run) for run in found])
        return 0
    write_table([_short_row(run) for run in found], "No runs yet.")
    total = etl.runs.count(pipeline=args.pipeline, states=states)
    if total > len(found):
        say(f"Showing {len(found)} of {total:,} runs; more with --limit.")
    return 0


def logs(etl: Etl, args: Namespace) -> int:
    """Show the log of a run."""
    text = etl.runs.log(args.run)
    checks = etl.runs.get(args.run).checks
    if args.json:
        events = etl.runs.events(args.run)
        write_json({"run": args.run, "log": text, "events": events, "checks": checks})
        return 0
    write(text.rstrip("\n"))
    for result in checks:
        if result.status is not CheckStatus.PASS:
            write(f"\n{result.status}: {result.dataset}: {result.message}")
            write_table(result.sample, "No single row breaks it.")
    return 0


def cancel(etl: Etl, args: Namespace) -> int:
    """Cancel a run."""
    run = etl.runs.cancel(args.run)
    write(f"Run {run.id} is {run.state}." if outcome_of(run) else f"Run {run.id} is being stopped.")
    return 0


def retry(etl: Etl, args: Namespace) -> int:
    """Make a finished run once more."""
    if args.from_failed_cell:
        write(retried_words(etl.runs.retry_from_failed_cell(args.run)))
    else:
        run = etl.runs.retry(args.run)
        write(f"Run {run.id} of {run.new.pipeline} is queued again.")
    if not etl.schedulers():
        say("No scheduler is alive; the run waits for one: jupyter etl up")
    return 0


def pause(etl: Etl, args: Namespace) -> int:
    """Plan nothing for a pipeline."""
    write(f"{etl.pipelines.pause(args.pipeline).name} is paused.")
    return 0


def resume(etl: Etl, args: Namespace) -> int:
    """Plan again for a pipeline."""
    pipeline = etl.pipelines.resume(args.pipeline)
    due = f"; next {pipeline.next_due:%Y-%m-%d %H:%M} UTC" if pipeline.next_due else ""
    write(f"{pipeline.name} is resumed{due}.")
    return 0


def relink(etl: Etl, args: Namespace) -> int:
    """Tell a pipeline where its notebook is."""
    given = None if args.notebook is None else Path(args.notebook)
    pipeline = etl.pipelines.relink(args.pipeline, given)
    write(f"{pipeline.name} has its notebook at {pipeline.notebook}")
    if etl.pipelines.changed(pipeline):
        write(
            f"  Version {pipeline.version} runs until you deploy it: jupyter etl schedule NOTEBOOK"
        )
    return 0


def unschedule(etl: Etl, args: Namespace) -> int:
    """Take a pipeline off the schedule."""
    etl.pipelines.unschedule(args.pipeline)
    write(f"{args.pipeline} is off the schedule; its runs and publications stay.")
    return 0


def _row(run: Run) -> dict[str, object]:
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
        "seconds": seconds_of(run),
        "error": run.error or None,
        "note": run.new.note or None,
    }


def _short_row(run: Run) -> dict[str, object]:
    """Return what fits into a terminal's line, with why a run failed or was skipped."""
    why = " ".join((run.error or run.new.note).split())
    if len(why) > _WHY:
        why = f"{why[: _WHY - 1]}…"
    return {
        "run": run.id,
        "pipeline": run.new.pipeline,
        "logical_key": run.new.logical_key,
        "cause": run.new.cause.value,
        "outcome": outcome_of(run) or run.state.value,
        "attempts": run.attempts,
        "started_at": run.started_at,
        "seconds": seconds_of(run),
        "why": why,
    }


def _show(rows: list[dict[str, object]], args: Namespace, empty: str) -> None:
    if args.json:
        write_json(rows)
    else:
        write_table(rows, empty)
