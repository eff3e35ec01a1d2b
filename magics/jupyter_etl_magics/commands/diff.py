"""``%etl diff``: how two versions differ."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.differences import change_rows, change_words, difference_rows
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show columns and numbers of rows, then the rows that differ."""
    args: dict[str, Any] = command.args
    found = session.etl.publications.diff(
        args["name"],
        args["before"],
        args["after"],
        key=args["key"],
        draft=args["draft"],
        sample=args["limit"],
    )
    title = f"{args['name']}: version {found.before.number} and version {found.after.number}"
    show(Card(title=title, rows=difference_rows(found.difference)))
    rows = [] if found.changes is None else change_rows(found.changes)
    show(Card(title=change_words(found), rows=rows))
