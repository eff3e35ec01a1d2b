"""``%etl backfill``: make up for partitions that are missing or failed."""

from __future__ import annotations

from typing import Any

from jupyter_etl.model import Grain
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Queue their runs for the scheduler, or say with --dry-run what would be queued."""
    args: dict[str, Any] = command.args
    etl = session.etl
    plan = etl.backfills.plan(
        session.pipeline(args["pipeline"]),
        args["span"],
        by=Grain(args["by"]) if args["by"] else None,
        parameters=args["param"],
        parallel=args["parallel"],
        include_done=args["all"],
    )
    if args["dry_run"]:
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
