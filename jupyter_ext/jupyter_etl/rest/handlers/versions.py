"""What is held back, and versions compared and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.language.commands.publications import RollbackRequest
from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.rest.previews import compare_versions
from jupyter_etl.rest.requests import Nothing
from jupyter_etl.rest.views import held_view, publication_view, run_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class HoldsHandler(EtlHandler):
    """``holds``."""

    async def get(self) -> None:
        """List what waits for a decision."""

        def listing(etl: Etl) -> object:
            items = [held_view(hold) for hold in etl.holds.list()]
            return {"items": items, "total": len(items)}

        await self.answer(listing)


class RunApproveHandler(EtlHandler):
    """``runs/{id}/approve``."""

    async def post(self, run: str) -> None:
        """Publish what it holds back."""
        run_id = self.run_id(run)
        self.body(Nothing)

        def approve(etl: Etl) -> object:
            etl.holds.approve(run_id)
            return run_view(etl.runs.get(run_id), now=etl.clock.now())

        await self.answer(approve)


class RunRejectHandler(EtlHandler):
    """``runs/{id}/reject``."""

    async def post(self, run: str) -> None:
        """Throw away what it holds back."""
        run_id = self.run_id(run)
        self.body(Nothing)

        def reject(etl: Etl) -> object:
            etl.holds.reject(run_id)
            return run_view(etl.runs.get(run_id), now=etl.clock.now())

        await self.answer(reject)


class PublicationDiffHandler(EtlHandler):
    """``publications/{name}/diff``."""

    async def get(self, name: str) -> None:
        """Compare two versions."""
        name = self.named(name, "publication")
        before, after = self.number("before", default=0), self.number("after", default=0)
        await self.look(
            compare_versions,
            f"The comparison of versions of {name!r}",
            name=name,
            before=before or None,
            after=after or None,
            key=[column for column in self.get_query_argument("key", "").split(",") if column],
            draft=self.flag("draft"),
        )


class PublicationRollbackHandler(EtlHandler):
    """``publications/{name}/rollback``."""

    async def post(self, name: str) -> None:
        """Publish the content of an earlier version again."""
        name = self.named(name, "publication")
        body = self.request_body(RollbackRequest, name=name)

        def rollback(etl: Etl) -> object:
            etl.publications.rollback(name, body.to, keep_watermarks=body.keep_watermarks)
            return publication_view(etl.publications.get(name), now=etl.clock.now())

        await self.answer(rollback)
