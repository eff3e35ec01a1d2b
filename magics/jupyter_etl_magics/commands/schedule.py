"""``%etl schedule``: deploy this notebook."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from jupyter_etl.app.bundles.listing import file_rows, pinned_words
from jupyter_etl.app.pipelines import Deployment
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Snapshot the saved notebook as the next version, and show when it runs."""
    args: dict[str, Any] = command.args
    done = session.etl.pipelines.schedule(
        session.notebook_to_run(),
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
        on_demand=args["on_demand"],
        reset=args["reset"],
        expect=args["expect"],
        shared=args["shared"],
        include=args["include"],
        anyway=args["anyway"],
    )
    _show(done, alive=bool(session.etl.schedulers()))


def _show(done: Deployment, *, alive: bool) -> None:
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
