"""What the fake facade knows of lineage."""

from __future__ import annotations

from collections.abc import Callable

from fakes.clock import FakeClock
from jupyter_etl.model import Publication
from jupyter_etl.services.lineage.graph import LineageEdge, LineageGraph, LineageNode, NodeKind


class FakeLineage:
    """A pipeline in front of every publication."""

    def __init__(self, clock: FakeClock, publication: Callable[[str], Publication]) -> None:
        self._clock = clock
        self._publication = publication

    def graph(
        self, name: str, *, up: bool = True, down: bool = True, depth: int = 10
    ) -> LineageGraph:
        live = self._publication(name).live
        root = LineageNode(
            id=f"publication:{name}",
            kind=NodeKind.PUBLICATION,
            name=name,
            version=live.number if live else None,
        )
        made = LineageNode(id="pipeline:delays", kind=NodeKind.PIPELINE, name="delays")
        edge = LineageEdge(start=made.id, end=root.id, run_id=2, at=self._clock.now(), rows=depth)
        return LineageGraph(root=root.id, nodes=(root, made), edges=(edge,))
