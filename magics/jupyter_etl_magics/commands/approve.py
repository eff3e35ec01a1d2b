"""``%etl approve``: publish what the publish gate holds back."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.held_card import held_card
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Approve one, or show all that waits."""
    args: dict[str, Any] = command.args
    if args["target"] is None:
        waiting = session.etl.holds.list()
        for hold in waiting:
            then = f"To publish it: %etl approve {hold.run_id}; or: %etl reject {hold.run_id}"
            show(held_card(hold, title=f"Run {hold.run_id} is held", tone="warn", then=then))
        if not waiting:
            show(Card(title="Nothing is held back."))
        return
    done = session.etl.holds.approve(args["target"])
    names = ", ".join(f"{v.name} is version {v.number} now" for v in done.versions)
    show(held_card(done.hold, title=f"Approved: {names}", tone="ok"))
