"""``%%etl sql``: one statement in a source, or in DuckDB over what the notebook sees."""

from __future__ import annotations

import time
from typing import Any

from jupyter_etl.app.querying import Query, answer, remember
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> object:
    """Return the result, or store it under the name before ``<<`` and show one line.

    A query that is only named is remembered, and nothing is run.
    """
    args: dict[str, Any] = command.args
    begun = time.perf_counter()
    query = Query(
        source=args["source"],
        text=command.cell if command.cell is not None else args["query"],
        parameters=args["param"],
        name=args["name"] or "",
        anyway=args["anyway"],
    )
    target = args["target"]
    if target is not None:
        session.refuse_of_function(target)
    if query.name and target is None and not args["show"]:
        remember(session.workbench, query)
        _say_remembered(query)
        return None
    result: Any = answer(session.workbench, query, args["as"])
    if target is None:
        return result
    session.store(target, result)
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


def _say_remembered(query: Query) -> None:
    show(
        Card(
            title=f"{query.name}: a query in {query.source}, not run yet.",
            tone="ok",
            notes=[f"As a table in a later one: from {{{{ ref('{query.name}') }}}}"],
        )
    )
