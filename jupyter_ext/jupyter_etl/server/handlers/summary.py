"""How everything stands, in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_etl._version import __version__
from jupyter_etl.model import ACTIVE
from jupyter_etl.server.bodies import Nothing
from jupyter_etl.server.handler import EtlHandler
from jupyter_etl.server.history import failing_names

if TYPE_CHECKING:
    from jupyter_etl.app import Etl


class SummaryHandler(EtlHandler):
    """``summary``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Count what there is and what needs somebody."""
        await self.answer(_summary)


class SchedulersHandler(EtlHandler):
    """``schedulers``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Start a scheduler, unless one is alive; it registers itself within seconds."""
        self.body(Nothing)
        await self.answer(lambda etl: {"started": etl.start_scheduler()})


def _summary(etl: Etl) -> object:
    pipelines = etl.pipelines.list()
    return {
        "owner": etl.settings.owner,
        "sources": len(etl.sources.list()),
        "pipelines": len(pipelines),
        "failing": len(failing_names(etl, pipelines)),
        "held": len(etl.holds.list()),
        "runs_active": etl.runs.count(states=ACTIVE),
        "publications": len(etl.publications.list()),
        "schedulers": etl.schedulers(),
        "version": __version__,
    }
