"""What is made of what, as runs have observed it: asked for by people, and told as events."""

from jupyter_etl.services.lineage.graph import LineageGraph
from jupyter_etl.services.lineage.walk import Lineage

__all__ = ["Lineage", "LineageGraph"]
