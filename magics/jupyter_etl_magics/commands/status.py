"""``%etl status``: how everything stands."""

from __future__ import annotations

from jupyter_etl.model import RunState
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show where this notebook stands and what is running."""
    if session.in_run:
        context = session.workbench.context
        show(Card(title=f"Inside run {context.id} of {context.pipeline}."))
        return
    etl = session.etl
    active = (RunState.QUEUED, RunState.DISPATCHED, RunState.RUNNING)
    alive = etl.schedulers()
    rows: list[dict[str, object]] = [
        {"": "owner", " ": etl.settings.owner},
        {"": "home", " ": str(etl.settings.home)},
        {"": "schedulers alive", " ": len(alive)},
        {"": "pipelines", " ": len(etl.pipelines.list())},
        {"": "runs waiting or running", " ": etl.runs.count(states=active)},
        {"": "publications", " ": len(etl.publications.list())},
    ]
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    show(Card(title="jupyter-etl", tone="ok" if alive else "warn", rows=rows, notes=[waiting]))
