"""``%etl logs``: what happened in a run."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import show
from jupyter_etl_magics.run_card import run_card
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show a run and its log."""
    args: dict[str, Any] = command.args
    run = session.etl.runs.find(args["run"])
    show(run_card(run, session.etl.runs.checkpoint(run.id)))
    sys.stdout.write(session.etl.runs.log(run.id))
