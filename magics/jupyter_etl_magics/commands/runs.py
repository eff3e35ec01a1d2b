"""The commands that start runs and show them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from IPython.display import display

from jupyter_etl.errors import ExecutionError
from jupyter_etl.language.commands.publications import (
    HistoryRequest,
)
from jupyter_etl.language.commands.runs import (
    CancelRequest,
    LogsRequest,
    RetryRequest,
    RunRequest,
    RunsRequest,
    StatusRequest,
    TriggerRequest,
)
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import ACTIVE, TERMINAL
from jupyter_etl.services.runs.resume import retried_words
from jupyter_etl_magics.cards import outcome_of, run_card, took
from jupyter_etl_magics.display import Card, counted, of_total, show
from jupyter_etl_magics.health_notes import attention_notes, missing_notes, tone_of
from jupyter_etl_magics.session import Session


def run(session: Session, request: RunRequest) -> None:
    """Run the saved notebook in a new kernel, and show its progress and result."""
    done = session.etl.runs.execute(
        session.notebook_to_run(request.notebook), request, on_event=_progress_line()
    )
    show(run_card(done, session.etl.runs.checkpoint(done.id)))


def _progress_line() -> Callable[[Mapping[str, Any]], None]:
    """Return a listener that updates a progress bar; a terminal shows it as text."""
    from ipywidgets import IntProgress

    bar = IntProgress(min=0, max=1, description="starting")
    display(bar)  # type: ignore[no-untyped-call]  # IPython has no types

    def on_event(event: Mapping[str, Any]) -> None:
        if event["kind"] in {"cell_started", "cell_finished"}:
            bar.max, bar.value = event["of"], event["done"]
            bar.description = f"{event['done']} of {event['of']}"
        elif event["kind"] == "finished":
            bar.close()

    return on_event


def runs(session: Session, request: RunsRequest) -> None:
    """Show runs, newest first."""
    found = session.etl.runs.list(
        pipeline=request.pipeline, states=request.state, tags=request.tags, limit=request.limit
    )
    total = session.etl.runs.count(
        pipeline=request.pipeline, states=request.state, tags=request.tags
    )
    rows: list[dict[str, object]] = [
        {
            "run": str(run.id),
            "pipeline": run.new.pipeline,
            "outcome": outcome_of(run),
            "cause": run.new.cause.value,
            "due": run.new.due_at,
            "seconds": took(run),
            "error": run.error or run.new.note,
        }
        for run in found
    ]
    note = of_total(len(rows), total).replace("rows", "runs") if rows else ""
    title = "Runs" if rows else "There are no runs yet."
    show(Card(title=title, rows=rows, notes=[note]))


def trigger(session: Session, request: TriggerRequest) -> None:
    """Queue a run for the scheduler, and with --wait show its result."""
    name = session.pipeline(request.pipeline)
    etl = session.etl
    started = etl.settings.autostart and etl.start_scheduler()
    alive = started or bool(etl.schedulers())
    if request.wait and not alive:
        raise ExecutionError(
            "No scheduler is alive, so the run would wait forever.", hint="Run: jupyter etl up"
        )
    run = etl.runs.trigger(
        name, parameters=request.parameters, draft=request.draft, wait=request.wait
    )
    if request.wait:
        show(run_card(run, session.etl.runs.checkpoint(run.id)))
        return
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    show(Card(title=f"Run {run.id} of {name} is queued.", tone="ok", notes=[waiting]))


def cancel(session: Session, request: CancelRequest) -> None:
    """Request the cancellation of a run."""
    run = session.etl.runs.cancel(request.run)
    state = f"is {run.state}" if run.state in TERMINAL else "is being stopped"
    show(Card(title=f"Run {run.id} {state}.", tone="ok"))


def retry(session: Session, request: RetryRequest) -> None:
    """Queue a finished run again."""
    if request.from_failed_cell:
        retried = session.etl.runs.retry_from_failed_cell(request.run)
        show(
            Card(
                title=retried_words(retried),
                tone="warn" if retried.why_not or retried.note else "ok",
            )
        )
        return
    run = session.etl.runs.retry(request.run)
    show(Card(title=f"Run {run.id} of {run.new.pipeline} is queued again.", tone="ok"))


def logs(session: Session, request: LogsRequest) -> None:
    """Show a run and its log."""
    run = session.etl.runs.find(request.run)
    show(run_card(run, session.etl.runs.checkpoint(run.id)))
    sys.stdout.write(session.etl.runs.log(run.id))


def history(session: Session, request: HistoryRequest) -> None:
    """Show the versions, newest first."""
    name, draft = request.name, request.draft
    rows: list[dict[str, object]] = [
        {
            "version": v.number,
            "rows": v.what.rows,
            "size": "pruned" if v.pruned_at else rounded_size(v.what.bytes),
            "published": v.published_at,
            "run": v.run_id,
            "by": v.pipeline or v.owner,
            "note": v.note,
        }
        for v in session.data_session.channel.history(name, draft=draft)
    ]
    kind = "draft" if draft else "version"
    show(Card(title=f"{name}: {counted(len(rows), kind)}", rows=rows))


def status(session: Session, _request: StatusRequest) -> None:
    """Show the state of this notebook, and the active runs."""
    if session.in_run:
        context = session.data_session.context
        show(Card(title=f"Inside run {context.id} of {context.pipeline}."))
        return
    etl = session.etl
    overview = etl.health.overview()
    rows: list[dict[str, object]] = [
        {"": "owner", " ": etl.settings.owner},
        {"": "home", " ": str(etl.settings.home)},
        {"": "schedulers alive", " ": len(overview.schedulers)},
        {"": "pipelines", " ": len(overview.pipelines)},
        {"": "runs waiting or running", " ": etl.runs.count(states=ACTIVE)},
        {"": "runs held", " ": len(overview.held_runs)},
        {"": "publications", " ": len(etl.publications.list())},
    ]
    silent = [
        f"{name} did not answer {breaker.failures} times in a row; "
        f"the next run tries it at {breaker.retry_at:%H:%M:%S} UTC."
        for name, breaker in overview.silent_sources.items()
    ]
    notes = [
        *attention_notes(overview.attention),
        *missing_notes(etl.pipelines),
        *(f"{name} is older than promised." for name in overview.stale),
        *silent,
        f"No runs start on this machine: {overview.full_disk}." if overview.full_disk else "",
        "" if overview.schedulers else "No scheduler is alive. Start one: jupyter etl up",
    ]
    tone = tone_of(overview.pipelines.values())
    if not overview.well and tone != "error":
        tone = "warn"
    title = (
        "All is well." if overview.well else (f"Needs attention: {', '.join(overview.problems)}.")
    )
    show(Card(title=title, tone=tone or "ok", rows=rows, notes=notes))
