"""What is made of what, as runs have observed it: asked for by people, and told as events."""

from jupyter_etl.app.lineage.graph import LineageGraph
from jupyter_etl.app.lineage.walk import Lineage

__all__ = ["Lineage", "LineageGraph"]
