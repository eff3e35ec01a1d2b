"""``%etl relink``: this notebook is the one of a pipeline."""

from __future__ import annotations

from typing import Any

from jupyter_etl.errors import NotFound
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Tell the pipeline where its notebook is now."""
    args: dict[str, Any] = command.args
    notebook, name = session.notebook(), args["pipeline"]
    if name is None:
        moved = session.etl.pipelines.moved_to(notebook)
        if moved is None:
            raise NotFound(
                "No pipeline whose notebook is gone ran this one.",
                hint="Name the pipeline: %etl relink NAME",
            )
        name = moved.name
    pipeline = session.etl.pipelines.relink(name, notebook)
    changed = session.etl.pipelines.changed(pipeline)
    note = f"Version {pipeline.version} runs until you deploy: %etl schedule" if changed else ""
    show(Card(title=f"{name} has its notebook at {pipeline.notebook}", tone="ok", notes=[note]))
