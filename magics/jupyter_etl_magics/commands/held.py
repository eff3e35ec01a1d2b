"""``%etl held``: what a check or the publish gate holds back, with its first rows."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.differences import hold_title
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Hold
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, arrow_rows, of_total, show
from jupyter_etl_magics.held_card import choice, held_card, waiting_cards
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show one with the rows that would be published, or all that waits."""
    args: dict[str, Any] = command.args
    if args["target"] is None:
        for card in waiting_cards(session.etl.holds.list()):
            show(card)
        return
    hold = session.etl.holds.get(args["target"])
    below = [_preview(session, hold, name, args["limit"]) for name in hold.names]
    show(held_card(hold, title=hold_title(hold), tone="warn", then=choice(hold), below=below))


def _preview(session: Session, hold: Hold, name: str, limit: int) -> Card:
    try:
        found = session.etl.holds.preview(hold.run_id, name, limit=limit)
    except PublishError as problem:
        return Card(title=name, notes=[problem.message, problem.hint])
    rows = arrow_rows(found.data)
    return Card(title=name, rows=rows, notes=[of_total(len(rows), found.total_rows), *found.notes])
