"""The command about lineage."""

from __future__ import annotations

from argparse import Namespace

from jupyter_etl.app import Etl
from jupyter_etl.app.lineage.graph import graph_view
from jupyter_etl.cli.output import write, write_json


def lineage(etl: Etl, args: Namespace) -> int:
    """Show what data are made of, and what is made of them."""
    both = args.up == args.down
    graph = etl.lineage.graph(
        args.name, up=both or args.up, down=both or args.down, depth=args.depth
    )
    if args.json:
        write_json(graph_view(graph))
    else:
        write(graph.text())
    return 0
