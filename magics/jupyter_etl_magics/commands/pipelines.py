"""``%etl pipelines``: the deployed notebooks."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl.spec.schedule import format_schedule
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show all pipelines."""
    rows: list[dict[str, object]] = [
        {
            "pipeline": p.name,
            "schedule": format_schedule(p.schedule) if p.schedule else "on demand",
            "next": "paused" if p.paused else p.next_due,
            "version": p.version,
            "owner": p.owner,
        }
        for p in session.etl.pipelines.list()
    ]
    empty = 'No pipelines yet. Deploy this notebook: %etl schedule "daily at 06:00"'
    show(Card(title=counted(len(rows), "pipeline"), rows=rows) if rows else Card(title=empty))
