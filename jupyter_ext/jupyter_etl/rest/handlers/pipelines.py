"""Deployed pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.language.commands.pipelines import RelinkRequest
from jupyter_etl.language.commands.runs import TriggerRequest
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.commands.watermarks import WatermarkRequest
from jupyter_etl.model import Pipeline, PipelineVersion
from jupyter_etl.rest.lines import both_lines
from jupyter_etl.rest.operation import delete, get, post
from jupyter_etl.rest.parameters import Limit, Offset, Search
from jupyter_etl.rest.paths import Contents
from jupyter_etl.rest.views.base import Items, Lines, Page
from jupyter_etl.rest.views.pipelines import (
    STRIP,
    PipelineParameters,
    PipelineView,
    WatermarkView,
    pipeline_view,
    watermark_view,
)
from jupyter_etl.rest.views.runs import RunView, run_view
from jupyter_etl.services.health import by_severity
from jupyter_etl.services.pipelines.pipelines import Deployment

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class PipelineFilter(StrEnum):
    """Which pipelines are listed: `failing` are all that need attention, the most severe first."""

    ALL = "all"
    MINE = "mine"
    FAILING = "failing"


@get("/pipelines")
def list_pipelines(
    etl: Etl,
    contents: Contents,
    filter: PipelineFilter = PipelineFilter.ALL,
    search: Search = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page[PipelineView]:
    """List a page of pipelines, by name."""
    if filter is PipelineFilter.FAILING:
        # The ledger does not store the health of a pipeline.
        found = {one.name: one for one in etl.pipelines.list(search=search)}
        names = list(by_severity(etl.health.of(list(found.values()))))
        shown, total = [found[name] for name in names[offset : offset + limit]], len(names)
    else:
        owner = etl.settings.owner if filter is PipelineFilter.MINE else None
        shown = etl.pipelines.list(search=search, owner=owner, limit=limit, offset=offset)
        total = etl.pipelines.count(search=search, owner=owner)
    return Page(items=pipeline_views(etl, contents, shown), total=total)


@post("/pipelines", status=201)
def deploy_pipeline(etl: Etl, body: ScheduleRequest, notebook: Path) -> Deployment:
    """Deploy a notebook as the next version of its pipeline, and schedule it."""
    return etl.pipelines.deploy(notebook, body)


@get("/pipelines/{name}")
def get_pipeline(etl: Etl, contents: Contents, name: str) -> PipelineView:
    """Return a pipeline."""
    return _view(etl, contents, etl.pipelines.get(name))


@delete("/pipelines/{name}", status=204)
def remove_pipeline(etl: Etl, name: str) -> None:
    """Remove a pipeline from the schedule; its runs and versions stay on record."""
    etl.pipelines.unschedule(name)


@post("/pipelines/{name}/pause")
def pause_pipeline(etl: Etl, contents: Contents, name: str) -> PipelineView:
    """Stop planning runs until the pipeline is resumed; an active run continues."""
    return _view(etl, contents, etl.pipelines.pause(name))


@post("/pipelines/{name}/resume")
def resume_pipeline(etl: Etl, contents: Contents, name: str) -> PipelineView:
    """Resume planning from now."""
    return _view(etl, contents, etl.pipelines.resume(name))


@post("/pipelines/{name}/relink")
def relink_pipeline(
    etl: Etl, contents: Contents, name: str, body: RelinkRequest, notebook: Path | None
) -> PipelineView:
    """Set the path of a pipeline's notebook after a rename or move; all else stays."""
    return _view(etl, contents, etl.pipelines.relink(name, notebook))


@post("/pipelines/{name}/trigger", status=201)
def trigger_pipeline(etl: Etl, name: str, body: TriggerRequest) -> RunView:
    """Queue one run of the deployed version."""
    run = etl.runs.trigger(name, parameters=body.parameters, draft=body.draft)
    return run_view(run, now=etl.clock.now())


@post("/pipelines/{name}/trigger/lines")
def write_trigger_lines(etl: Etl, name: str, body: TriggerRequest) -> Lines:
    """Return the command lines that start the same run; starts nothing."""
    etl.pipelines.get(name)
    return Lines(**both_lines(body))


@get("/pipelines/{name}/parameters")
def get_pipeline_parameters(etl: Etl, name: str) -> PipelineParameters:
    """Return the parameters that the deployed version declares, and the values it was deployed with."""
    pipeline = etl.pipelines.get(name)
    # Of two declarations of one name the later counts.
    declared = {one.name: one for one in etl.pipelines.declared(pipeline).parameters}
    return PipelineParameters(
        version=pipeline.version, declared=tuple(declared.values()), values=pipeline.parameters
    )


@get("/pipelines/{name}/versions")
def list_pipeline_versions(etl: Etl, name: str) -> Items[PipelineVersion]:
    """List the deployed versions, newest first."""
    return Items(items=tuple(etl.pipelines.versions(name)))


@get("/pipelines/{name}/watermarks")
def list_watermarks(etl: Etl, name: str) -> Page[WatermarkView]:
    """List the watermarks of a pipeline's incremental loads."""
    etl.pipelines.get(name)
    items = tuple(watermark_view(one) for one in etl.watermarks.list(name))
    return Page(items=items, total=len(items))


@post("/pipelines/{name}/watermarks/reset")
def reset_watermark(etl: Etl, name: str, body: WatermarkRequest) -> WatermarkView:
    """Reset a watermark, so the next load reads all rows; who did it is recorded."""
    return watermark_view(etl.watermarks.set(name, body.table, None, column=body.since))


def pipeline_views(
    etl: Etl, contents: Contents, pipelines: Sequence[Pipeline]
) -> tuple[PipelineView, ...]:
    """Make the views of some pipelines; the number of queries does not depend on their number."""
    runs = etl.runs.last([pipeline.name for pipeline in pipelines], count=STRIP)
    health = etl.health.of(pipelines)
    limits = etl.pipelines.time_limits(pipelines)
    cold = etl.pipelines.cold_starts(pipelines)
    now = etl.clock.now()
    return tuple(
        pipeline_view(
            pipeline,
            runs[pipeline.name][::-1],
            health[pipeline.name],
            now=now,
            locate=contents.path,
            cold_start=cold[pipeline.name],
            missing=etl.pipelines.missing(pipeline),
            time_limit=limits[pipeline.name],
        )
        for pipeline in pipelines
    )


def _view(etl: Etl, contents: Contents, pipeline: Pipeline) -> PipelineView:
    return pipeline_views(etl, contents, [pipeline])[0]
