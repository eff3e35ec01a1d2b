"""``%etl cancel``: stop a run."""

from __future__ import annotations

from typing import Any

from jupyter_etl.model import TERMINAL
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Ask a run to stop."""
    args: dict[str, Any] = command.args
    run = session.etl.runs.cancel(args["run"])
    state = f"is {run.state}" if run.state in TERMINAL else "is being stopped"
    show(Card(title=f"Run {run.id} {state}.", tone="ok"))
