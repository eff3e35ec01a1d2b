"""``%etl pipelines``: the deployed notebooks."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl.spec.schedule import format_schedule
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show all pipelines."""
    found = session.etl.pipelines.list()
    rows: list[dict[str, object]] = [
        {
            "pipeline": p.name,
            "schedule": format_schedule(p.schedule) if p.schedule else "on demand",
            "next": "paused" if p.paused else p.next_due,
            "version": p.version,
            "owner": p.owner,
        }
        for p in found
    ]
    empty = 'No pipelines yet. Deploy this notebook: %etl schedule "daily at 06:00"'
    notes = [
        f"{p.name}: {p.pause_note} To go on: %etl resume {p.name}" for p in found if p.pause_note
    ]
    notes += [
        f"The notebook of {p.name} is gone; version {p.version} runs as it was deployed. If this is it, "
        f"renamed or moved: %etl relink {p.name}"
        for p in found
        if session.etl.pipelines.missing(p)
    ]
    title = counted(len(rows), "pipeline")
    show(Card(title=title, rows=rows, notes=notes) if rows else Card(title=empty))
