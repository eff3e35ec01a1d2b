"""``%etl reject``: throw away what is held back."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import show
from jupyter_etl_magics.held_card import held_card
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Reject one."""
    args: dict[str, Any] = command.args
    hold = session.etl.holds.reject(args["target"])
    title = f"Rejected: nothing of run {hold.run_id} is published; the versions before stay"
    show(held_card(hold, title=title, tone="ok"))
