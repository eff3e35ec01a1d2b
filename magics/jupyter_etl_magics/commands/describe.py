"""``%etl describe``: tables and columns behind a name."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show each table's columns and the reasons for their types, or the list of tables where there are many."""
    name = str(command.args["name"])
    tables = session.workbench.describe(name)
    if len(tables) != 1:
        rows: list[dict[str, object]] = [
            {"table": t.name, "columns": len(t.columns) or None, "rows": t.rows} for t in tables
        ]
        show(Card(title=f"{name}: {counted(len(tables), 'table')}", rows=rows))
        return
    table = tables[0]
    columns: list[dict[str, object]] = [
        {"column": c.name, "type": c.type, "nulls": c.nullable} for c in table.columns
    ]
    rows_known = "" if table.rows is None else f", {table.rows:,} rows"
    title = f"{name}: {counted(len(columns), 'column')}{rows_known}"
    show(Card(title=title, rows=columns, notes=table.notes))
