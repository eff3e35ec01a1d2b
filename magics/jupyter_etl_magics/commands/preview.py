"""``%etl preview``: the first rows."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, arrow_rows, of_total, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show the first rows and how many there are."""
    args: dict[str, Any] = command.args
    preview = session.workbench.preview(args["target"], limit=args["limit"])
    rows = arrow_rows(preview.data)
    note = of_total(len(rows), preview.total_rows)
    show(Card(title=args["target"], rows=rows, notes=[note, *preview.notes]))
