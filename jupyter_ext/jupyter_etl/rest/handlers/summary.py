"""A summary of the whole platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl._version import __version__
from jupyter_etl.language.commands.lines import shell_line
from jupyter_etl.language.commands.pipelines import ResumeRequest
from jupyter_etl.model import FAILING_STATES, IN_PROGRESS, HealthState, RunState
from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.rest.operation import get, post
from jupyter_etl.rest.views.base import View

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class AutoPaused(View, frozen=True):
    """A pipeline that was paused after failures.

    Args:
        note: Why it was paused.
        resume: The command line that resumes it.
    """

    name: str
    note: str
    resume: str


class Summary(View, frozen=True):
    """Counts, and what needs attention.

    Args:
        attention: Number of pipelines that need attention.
        auto_paused: Pipelines that were paused automatically after failures.
        failing: Number of failing pipelines, including those in `auto_paused`.
        backfill_failed: Number of pipelines with a failed backfill.
        late: Number of pipelines with a due run that nothing starts.
        held: Number of runs that are pending approval.
        stale: Number of publications that are older than promised.
        silent_sources: Number of sources that do not answer.
        full_disk: The disk of this machine that is too full to start runs; empty for none.
        well: Whether nothing needs attention.
        runs: Number of all recorded runs.
        runs_active: Number of active runs, including queued ones.
        runs_running: Number of active runs without the queued ones.
    """

    owner: str
    sources: int
    pipelines: int
    attention: int
    auto_paused: tuple[AutoPaused, ...]
    failing: int
    backfill_failed: int
    late: int
    held: int
    stale: int
    silent_sources: int
    full_disk: str
    well: bool
    runs: int
    runs_active: int
    runs_running: int
    publications: int
    schedulers: tuple[SchedulerInfo, ...]
    version: str


class Started(View, frozen=True):
    """Whether a scheduler was started."""

    started: bool


@get("/summary")
def get_summary(etl: Etl) -> Summary:
    """Return counts, and what needs attention."""
    found = etl.health.overview()
    in_progress = etl.runs.count(states=IN_PROGRESS)
    return Summary(
        owner=etl.settings.owner,
        sources=len(etl.sources.list()),
        pipelines=len(found.pipelines),
        attention=len(found.attention),
        auto_paused=tuple(
            AutoPaused(
                name=name,
                note=found.pipelines[name].why,
                resume=shell_line(ResumeRequest(pipeline=name)),
            )
            for name in found.names(HealthState.AUTO_PAUSED)
        ),
        failing=len(found.names(*FAILING_STATES)),
        backfill_failed=len(found.names(HealthState.BACKFILL_FAILED)),
        late=len(found.names(HealthState.LATE)),
        held=len(found.held_runs),
        stale=len(found.stale),
        silent_sources=len(found.silent_sources),
        full_disk=found.full_disk,
        well=found.well,
        runs=etl.runs.count(),
        runs_active=in_progress + etl.runs.count(states=(RunState.QUEUED,)),
        runs_running=in_progress,
        publications=len(etl.publications.list()),
        schedulers=tuple(found.schedulers),
        version=__version__,
    )


@post("/schedulers")
def start_scheduler(etl: Etl) -> Started:
    """Start a scheduler on the machine of the server, unless one is alive.

    It keeps running when the Jupyter server stops. The summary lists it within seconds.
    """
    return Started(started=etl.start_scheduler())
