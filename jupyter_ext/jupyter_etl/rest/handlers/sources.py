"""Declared inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.rest.handler import MOST_ROWS, EtlHandler
from jupyter_etl.rest.previews import describe_source, preview_source
from jupyter_etl.rest.views import source_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class SourcesHandler(EtlHandler):
    """``sources``."""

    async def get(self) -> None:
        """List all sources, by name."""
        self.expect_looks()
        await self.answer(_listed)


def _listed(etl: Etl) -> object:
    silent = etl.sources.silent()
    return {
        "items": [
            source_view(source, silent.get(source.name), etl.secrets.uses(source))
            for source in etl.sources.list()
        ]
    }


class SourceHandler(EtlHandler):
    """``sources/{name}``."""

    async def get(self, name: str) -> None:
        """Return a source and its tables."""
        name = self.named(name, "source")
        await self.look(describe_source, f"The source {name!r}", name=name)


class SourcePreviewHandler(EtlHandler):
    """``sources/{name}/preview``."""

    async def get(self, name: str) -> None:
        """Return the first rows of one of its tables."""
        name = self.named(name, "source")
        table = self.get_query_argument("table", "")
        limit = self.number("limit", default=20, low=1, high=MOST_ROWS)
        await self.look(
            preview_source, f"The preview of {name!r}", name=name, table=table, limit=limit
        )
