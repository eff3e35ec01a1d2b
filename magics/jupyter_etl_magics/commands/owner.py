"""``%etl owner``: who is accountable."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show the owner of a pipeline, or hand it over."""
    if session.in_run:
        show(Card(title=f"owner {session.workbench.context.owner}"))
        return
    args: dict[str, Any] = command.args
    name = session.pipeline(args["pipeline"])
    pipelines = session.etl.pipelines
    done = (
        pipelines.get(name) if args["owner"] is None else pipelines.hand_over(name, args["owner"])
    )
    show(Card(title=f"{name}: owner {done.owner}", tone="ok"))
