"""``%etl approve``: publish what is held back."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import show
from jupyter_etl_magics.held_card import held_card, waiting_cards
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Approve one, or show all that waits."""
    args: dict[str, Any] = command.args
    if args["target"] is None:
        for card in waiting_cards(session.etl.holds.list()):
            show(card)
        return
    done = session.etl.holds.approve(args["target"])
    names = ", ".join(f"{v.name} is version {v.number} now" for v in done.versions)
    names = names or f"run {done.hold.run_id} counts as succeeded; it publishes nothing"
    show(held_card(done.hold, title=f"Approved: {names}", tone="ok"))
