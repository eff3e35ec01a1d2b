"""``%etl schedule``: deploy this notebook."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from jupyter_etl.app.pipelines import Deployment
from jupyter_etl.errors import Conflict
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Snapshot the saved notebook as the next version, and show when it runs."""
    args: dict[str, Any] = command.args
    notebook = session.notebook()
    _must_be_saved(session, notebook)
    done = session.etl.pipelines.schedule(
        notebook,
        args["when"],
        timezone=args["tz"],
        name=args["name"],
        parameters=args["param"],
        retries=args["retries"],
        timeout_s=args["timeout"],
        catchup=args["catchup"],
        overlap=args["overlap"],
        on_lost=args["on_lost"],
        priority=args["priority"],
        memory_bytes=args["memory"],
        checkpoint=args["checkpoint"],
        cold=args["cold"],
        owner=args["owner"],
        after=args["after"],
        after_all=args["after_all"],
        anyway=args["anyway"],
    )
    _show(done, alive=bool(session.etl.schedulers()))


def _must_be_saved(session: Session, notebook: Any) -> None:
    """Refuse to deploy a file that lacks the cell that is being run."""
    history = session.shell.history_manager
    cell = history.input_hist_raw[-1].strip() if history is not None else ""
    saved = session.etl.pipelines.outline(notebook).cells
    if cell and not any(c.source.strip() == cell for c in saved):
        raise Conflict(
            f"{notebook.name} on disk lacks this cell, so an older state would be deployed.",
            hint="Save the notebook first, then run the cell again.",
        )


def _show(done: Deployment, *, alive: bool) -> None:
    pipeline = done.pipeline
    zone = ZoneInfo(pipeline.schedule.timezone) if pipeline.schedule else None
    rows = [{"next": f"{t.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"} for t in done.next]
    found = [f"{f.severity}: {f.message} {f.hint}".strip() for f in done.findings]
    worth_care = any(f.severity != "info" for f in done.findings)
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    paused = "It is paused: %etl resume" if pipeline.paused else ""
    state = "unchanged" if done.change == "unchanged" else f"version {pipeline.version} deployed"
    show(
        Card(
            title=f"{pipeline.name}: {done.words or 'runs on demand'} ({state}), "
            f"owner {pipeline.owner}",
            tone="warn" if waiting or paused or worth_care else "ok",
            rows=rows,
            notes=[done.note, *found, paused, waiting],
        )
    )
