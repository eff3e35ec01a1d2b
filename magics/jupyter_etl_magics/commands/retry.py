"""``%etl retry``: make a finished run once more."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.resuming import retried_words
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Queue a finished run again."""
    args: dict[str, Any] = command.args
    if args["from_failed_cell"]:
        retried = session.etl.runs.retry_from_failed_cell(args["run"])
        show(
            Card(
                title=retried_words(retried),
                tone="warn" if retried.why_not or retried.note else "ok",
            )
        )
        return
    run = session.etl.runs.retry(args["run"])
    show(Card(title=f"Run {run.id} of {run.new.pipeline} is queued again.", tone="ok"))
