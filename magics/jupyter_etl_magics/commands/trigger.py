"""``%etl trigger``: one run of the deployed version."""

from __future__ import annotations

from typing import Any

from jupyter_etl.errors import ExecutionError
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.run_card import run_card
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Queue a run for the scheduler, and with --wait show what came of it."""
    args: dict[str, Any] = command.args
    name = session.pipeline(args["pipeline"])
    etl = session.etl
    started = etl.settings.autostart and etl.start_scheduler()
    alive = started or bool(etl.schedulers())
    if args["wait"] and not alive:
        raise ExecutionError(
            "No scheduler is alive, so the run would wait for ever.", hint="Run: jupyter etl up"
        )
    run = etl.runs.trigger(name, parameters=args["param"], draft=args["draft"], wait=args["wait"])
    if args["wait"]:
        show(run_card(run, session.etl.runs.checkpoint(run.id)))
        return
    waiting = "" if alive else "No scheduler is alive. Start one: jupyter etl up"
    show(Card(title=f"Run {run.id} of {name} is queued.", tone="ok", notes=[waiting]))
