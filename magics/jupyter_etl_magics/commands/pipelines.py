"""``%etl pipelines``: the deployed notebooks."""

from __future__ import annotations

from jupyter_etl.app.health import STATE_WORDS, by_severity
from jupyter_etl.spec.commands import Command
from jupyter_etl.spec.schedule import format_schedule
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.health_notes import attention_notes, missing_notes, tone_of
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show all pipelines."""
    found = session.etl.pipelines.list()
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
    empty = 'No pipelines yet. Deploy this notebook: %etl schedule "daily at 06:00"'
    notes = attention_notes(by_severity(health)) + missing_notes(session.etl.pipelines)
    tone = tone_of(health.values())
    title = counted(len(rows), "pipeline")
    show(Card(title=title, tone=tone, rows=rows, notes=notes) if rows else Card(title=empty))
