"""What publications are made of, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.services.lineage.graph import graph_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_FURTHEST = 50


class PublicationLineageHandler(EtlHandler):
    """``publications/{name}/lineage``."""

    async def get(self, name: str) -> None:
        """Return the graph around one publication."""
        name = self.named(name, "publication")
        depth = self.number("depth", default=10, low=1, high=_FURTHEST)

        def graph(etl: Etl) -> object:
            return graph_view(etl.lineage.graph(name, depth=depth))

        await self.answer(graph)
