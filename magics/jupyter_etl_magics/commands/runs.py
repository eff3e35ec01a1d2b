"""``%etl runs``: what ran."""

from __future__ import annotations

from typing import Any

from jupyter_etl.model import RunState
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, of_total, show
from jupyter_etl_magics.run_card import outcome_of, took
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show runs, newest first."""
    args: dict[str, Any] = command.args
    states = tuple(RunState(text) for text in args["state"])
    found = session.etl.runs.list(pipeline=args["pipeline"], states=states, limit=args["limit"])
    total = session.etl.runs.count(pipeline=args["pipeline"], states=states)
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
    title = "Runs" if rows else "No runs yet."
    show(Card(title=title, rows=rows, notes=[note]))
