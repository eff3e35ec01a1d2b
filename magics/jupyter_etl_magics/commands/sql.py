"""``%%etl sql``: one statement in a source, or in DuckDB over what the notebook sees."""

from __future__ import annotations

import time
from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> object:
    """Return the result, or store it under the name before ``<<`` and show one line."""
    args: dict[str, Any] = command.args
    begun = time.perf_counter()
    query = command.cell if command.cell is not None else args["query"]
    result: Any = session.workbench.sql(
        args["source"], query, as_=args["as"], parameters=args["param"]
    )
    target = args["target"]
    if target is None:
        return result
    session.shell.user_ns[target] = result
    rows, columns = result.shape
    took = time.perf_counter() - begun
    show(
        Card(
            title=f"{target}: {rows:,} rows, {columns} columns from {args['source']} "
            f"in {took:.2f} s",
            tone="ok",
        )
    )
    return result if args["show"] else None
