"""``%etl profile``: what each column holds."""

from __future__ import annotations

from jupyter_etl.app.exploring import profile_data
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import show
from jupyter_etl_magics.profile_card import profile_card
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show a line and a histogram a column."""
    show(profile_card(profile_data(session.workbench, str(command.args["target"]))))
