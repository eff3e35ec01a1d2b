"""How everything stands, in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl._version import __version__
from jupyter_etl.language.commands.lines import shell_line
from jupyter_etl.language.commands.pipelines import ResumeRequest
from jupyter_etl.model import FAILING_STATES, IN_PROGRESS, HealthState, RunState
from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.rest.requests import Nothing

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class SummaryHandler(EtlHandler):
    """``summary``."""

    async def get(self) -> None:
        """Count what there is and what needs somebody."""
        await self.answer(_summary)


class SchedulersHandler(EtlHandler):
    """``schedulers``."""

    async def post(self) -> None:
        """Start a scheduler, unless one is alive; it registers itself within seconds."""
        self.body(Nothing)
        await self.answer(lambda etl: {"started": etl.start_scheduler()})


def _summary(etl: Etl) -> object:
    found = etl.health.overview()
    in_progress = etl.runs.count(states=IN_PROGRESS)
    return {
        "owner": etl.settings.owner,
        "sources": len(etl.sources.list()),
        "pipelines": len(found.pipelines),
        "attention": len(found.attention),
        "auto_paused": [
            {
                "name": name,
                "note": found.pipelines[name].why,
                "resume": shell_line(ResumeRequest(pipeline=name)),
            }
            for name in found.names(HealthState.AUTO_PAUSED)
        ],
        "failing": len(found.names(*FAILING_STATES)),
        "backfill_failed": len(found.names(HealthState.BACKFILL_FAILED)),
        "late": len(found.names(HealthState.LATE)),
        "held": len(found.held_runs),
        "stale": len(found.stale),
        "silent_sources": len(found.silent_sources),
        "full_disk": found.full_disk,
        "well": found.well,
        "runs": etl.runs.count(),
        "runs_active": in_progress + etl.runs.count(states=(RunState.QUEUED,)),
        "runs_running": in_progress,
        "publications": len(etl.publications.list()),
        "schedulers": found.schedulers,
        "version": __version__,
    }
