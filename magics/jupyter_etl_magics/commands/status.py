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
    found = etl.pipelines.list()
    rows: list[dict[str, object]] = [
        {"": "owner", " ": etl.settings.owner},
        {"": "home", " ": str(etl.settings.home)},
        {"": "schedulers alive", " ": len(alive)},
        {"": "pipelines", " ": len(found)},
        {"": "runs waiting or running", " ": etl.runs.count(states=active)},
        {"": "publications", " ": len(etl.publications.list())},
    ]
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    stopped = [f"{p.name}: {p.pause_note}" for p in found if p.pause_note]
    silent = [
        f"{name} did not answer {breaker.failures} times in a row; "
        f"the next run tries it at {breaker.retry_at:%H:%M:%S} UTC."
        for name, breaker in etl.sources.silent().items()
    ]
    tone = "ok" if alive and not stopped and not silent else "warn"
    notes = [waiting, *stopped, *silent]
    show(Card(title="jupyter-etl", tone=tone, rows=rows, notes=notes))
