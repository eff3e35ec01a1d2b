"""``%etl resume``."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Plan again for a pipeline."""
    args: dict[str, Any] = command.args
    pipeline = session.etl.pipelines.resume(session.pipeline(args["pipeline"]))
    show(Card(title=f"{pipeline.name} is resumed.", tone="ok"))
