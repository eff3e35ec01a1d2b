"""``%etl load``: a source's table or a publication as a frame."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> object:
    """Return the frame, to be assigned: ``orders = %etl load wh.orders``."""
    args: dict[str, Any] = command.args
    return session.workbench.load(
        args["target"],
        columns=args["columns"] or None,
        limit=args["limit"],
        as_=args["as"],
        since=args["since"],
        lag=args["lag"],
        key=args["key"],
        anyway=args["anyway"],
    )
