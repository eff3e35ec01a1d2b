"""Lineage as observed by runs: queries for users, and events for other systems."""

from jupyter_etl.services.lineage.graph import LineageGraph
from jupyter_etl.services.lineage.walk import Lineage

__all__ = ["Lineage", "LineageGraph"]
