"""How far a pipeline's incremental loads have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.language.commands.watermarks import WatermarkRequest
from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.rest.views import watermark_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class WatermarksHandler(EtlHandler):
    """``pipelines/{name}/watermarks``."""

    async def get(self, name: str) -> None:
        """List the watermarks of one pipeline."""
        name = self.named(name, "pipeline")

        def listing(etl: Etl) -> object:
            etl.pipelines.get(name)
            items = [watermark_view(one) for one in etl.watermarks.list(name)]
            return {"items": items, "total": len(items)}

        await self.answer(listing)


class WatermarkResetHandler(EtlHandler):
    """``pipelines/{name}/watermarks/reset``."""

    async def post(self, name: str) -> None:
        """Let the next load begin at the first row."""
        name = self.named(name, "pipeline")
        asked = self.request_body(WatermarkRequest, pipeline=name)
        await self.answer(
            lambda etl: watermark_view(
                etl.watermarks.set(name, asked.table, None, column=asked.since)
            )
        )
