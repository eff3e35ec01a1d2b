"""Declared inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_etl.server.cells import preview_view
from jupyter_etl.server.handler import MOST_ROWS, EtlHandler
from jupyter_etl.server.views import source_view

if TYPE_CHECKING:
    from jupyter_etl.app import Etl


class SourcesHandler(EtlHandler):
    """``sources``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List all sources, by name."""
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

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Return a source and its tables."""
        name = self.named(name, "source")

        def describe(etl: Etl) -> object:
            source = etl.sources.get(name)
            return {"source": source, "tables": etl.sources.describe(name)}

        await self.answer(describe, slow=True)


class SourcePreviewHandler(EtlHandler):
    """``sources/{name}/preview``."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Return the first rows of one of its tables."""
        name = self.named(name, "source")
        table = self.get_query_argument("table", "")
        limit = self.number("limit", default=20, low=1, high=MOST_ROWS)

        def preview(etl: Etl) -> object:
            found = etl.sources.preview(name, table, limit=limit)
            return preview_view(found.data, found.total_rows)

        await self.answer(preview, slow=True)
