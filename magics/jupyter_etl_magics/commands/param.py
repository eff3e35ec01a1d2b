"""``%etl param``: declare a parameter of this notebook."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Give the variable the value of this run, or its default."""
    name, value = session.workbench.param(str(command.args["text"]))
    session.store(name, value)
    show(Card(title=f"{name} = {value!r}", tone="ok"))
