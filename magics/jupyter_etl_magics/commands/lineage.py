"""``%etl lineage``: what data are made of, and what is made of them."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import show_styled
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show the graph as nested lists, in a terminal as a tree of text."""
    args: dict[str, Any] = command.args
    both = args["up"] == args["down"]
    graph = session.etl.lineage.graph(
        args["name"], up=both or args["up"], down=both or args["down"], depth=args["depth"]
    )
    show_styled(graph.html(), graph.text())
