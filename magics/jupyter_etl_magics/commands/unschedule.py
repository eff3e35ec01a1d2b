"""``%etl unschedule``: take a pipeline off the schedule."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Take it off the schedule; runs and publications stay on record."""
    args: dict[str, Any] = command.args
    name = session.pipeline(args["pipeline"])
    session.etl.pipelines.unschedule(name)
    show(Card(title=f"{name} is off the schedule; its runs and publications stay.", tone="ok"))
