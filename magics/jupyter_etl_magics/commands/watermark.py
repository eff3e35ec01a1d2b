"""``%etl watermark``: how far the incremental loads of a pipeline have come."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.watermarks import said
from jupyter_etl.errors import DeclarationError
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show watermarks, or set one; refused inside a run."""
    args: dict[str, Any] = command.args
    watermarks, target = session.etl.watermarks, args["target"]
    pipeline = session.pipeline(args["pipeline"])
    if args["set"] is None and not args["reset"]:
        rows = [said(one) for one in watermarks.list(pipeline, target or "")]
        show(Card(title=f"{pipeline}: {counted(len(rows), 'watermark')}", rows=rows))
        return
    if not target or (args["set"] is not None and args["reset"]):
        raise DeclarationError(
            "A watermark is set for one table, to a value or to the start.",
            hint="%etl watermark SOURCE.TABLE --set VALUE, or --reset",
        )
    done = watermarks.set(pipeline, target, args["set"], column=args["since"])
    where = "the start" if done.value is None else done.value.text
    show(Card(title=f"{done.cursor.label}: the next load begins after {where}.", tone="ok"))
