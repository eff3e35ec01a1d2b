"""``%etl sources``: list the declared sources."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show the catalogue."""
    rows = [
        {"source": s.name, "kind": s.kind, "location": s.location, "owner": s.owner}
        for s in session.workbench.sources()
    ]
    empty = "No sources yet. Declare one: %etl source trips data/trips/*.parquet"
    show(Card(title=counted(len(rows), "source"), rows=rows) if rows else Card(title=empty))
