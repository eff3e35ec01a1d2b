"""``%etl debug``: the traceback of the last error."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.failures import show_last
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show the whole trace of the last error that was shown shortly."""
    if not show_last(session.shell):
        show(Card(title="There was no error of %etl yet."))
