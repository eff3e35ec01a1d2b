"""Notebooks that run by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.pipelines import RelinkRequest
from jupyter_etl.language.commands.runs import TriggerRequest
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.schedules.schedule import format_schedule
from jupyter_etl.model import Pipeline
from jupyter_etl.rest.handler import MOST_ROWS, EtlHandler
from jupyter_etl.rest.lines import both_lines
from jupyter_etl.rest.requests import Nothing
from jupyter_etl.rest.views import STRIP, pipeline_view, run_view
from jupyter_etl.services.health import by_severity

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_FILTERS = ("all", "mine", "failing")


class PipelineHandlerBase(EtlHandler):
    """What shows pipelines."""

    def views(self, etl: Etl, pipelines: Sequence[Pipeline]) -> list[dict[str, object]]:
        """Make the views of some pipelines, with their last runs."""
        runs = etl.runs.last([pipeline.name for pipeline in pipelines], count=STRIP)
        health = etl.health.of(pipelines)
        limits = etl.pipelines.time_limits(pipelines)
        now = etl.clock.now()
        return [
            pipeline_view(
                pipeline,
                runs[pipeline.name][::-1],
                health[pipeline.name],
                now=now,
                words=format_schedule,
                locate=self.contents_path,
                cold_start=etl.pipelines.cold_start(pipeline),
                missing=etl.pipelines.missing(pipeline),
                time_limit=limits[pipeline.name],
            )
            for pipeline in pipelines
        ]

    async def answer_one(self, act: Callable[[Etl], Pipeline]) -> None:
        """Answer with the view of the one pipeline that ``act`` returns."""
        await self.answer(lambda etl: self.views(etl, [act(etl)])[0])


class PipelinesHandler(PipelineHandlerBase):
    """``pipelines``."""

    async def get(self) -> None:
        """Return a page of the pipelines: by name, or those that need a person by severity."""
        chosen = self.get_query_argument("filter", "all")
        if chosen not in _FILTERS:
            allowed = ", ".join(_FILTERS)
            raise DeclarationError(f"filter is {chosen!r}; it must be one of: {allowed}.")
        search = self.get_query_argument("search", "").casefold()
        limit = self.number("limit", default=100, low=1, high=MOST_ROWS)
        offset = self.number("offset", default=0)

        def page(etl: Etl) -> object:
            found = [p for p in etl.pipelines.list() if _matches(p, search)]
            if chosen == "mine":
                found = [p for p in found if p.owner == etl.settings.owner]
            elif chosen == "failing":
                named = {p.name: p for p in found}
                found = [named[name] for name in by_severity(etl.health.of(found))]
            shown = found[offset : offset + limit]
            return {"items": self.views(etl, shown), "total": len(found)}

        await self.answer(page)

    async def post(self) -> None:
        """Deploy a notebook, and put it on a schedule."""
        request = self.request_body(ScheduleRequest)
        notebook = self.contents_file(request.notebook)
        await self.answer(lambda etl: etl.pipelines.deploy(notebook, request), status=201)


class PipelineHandler(PipelineHandlerBase):
    """``pipelines/{name}``."""

    async def get(self, name: str) -> None:
        """Return one pipeline."""
        name = self.named(name, "pipeline")
        await self.answer_one(lambda etl: etl.pipelines.get(name))

    async def delete(self, name: str) -> None:
        """Take it off the schedule."""
        name = self.named(name, "pipeline")
        self.body(Nothing)
        await self.ask(lambda etl: etl.pipelines.unschedule(name))
        self.set_status(204)
        self.finish()


class PipelinePauseHandler(PipelineHandlerBase):
    """``pipelines/{name}/pause``."""

    async def post(self, name: str) -> None:
        """Plan nothing until it is resumed."""
        name = self.named(name, "pipeline")
        self.body(Nothing)
        await self.answer_one(lambda etl: etl.pipelines.pause(name))


class PipelineResumeHandler(PipelineHandlerBase):
    """``pipelines/{name}/resume``."""

    async def post(self, name: str) -> None:
        """Go on from now."""
        name = self.named(name, "pipeline")
        self.body(Nothing)
        await self.answer_one(lambda etl: etl.pipelines.resume(name))


class PipelineRelinkHandler(PipelineHandlerBase):
    """``pipelines/{name}/relink``."""

    async def post(self, name: str) -> None:
        """Tell it where its notebook is after a rename or move."""
        name = self.named(name, "pipeline")
        given = self.request_body(RelinkRequest, pipeline=name).notebook
        notebook = None if given is None else self.contents_file(given)
        await self.answer_one(lambda etl: etl.pipelines.relink(name, notebook))


class PipelineTriggerHandler(EtlHandler):
    """``pipelines/{name}/trigger``."""

    async def post(self, name: str) -> None:
        """Ask the scheduler for one run of the deployed version."""
        name = self.named(name, "pipeline")
        asked = self.request_body(TriggerRequest, pipeline=name)

        def trigger(etl: Etl) -> object:
            run = etl.runs.trigger(name, parameters=asked.parameters, draft=asked.draft)
            return run_view(run, now=etl.clock.now())

        await self.answer(trigger, status=201)


class PipelineTriggerLinesHandler(EtlHandler):
    """``pipelines/{name}/trigger/lines``."""

    async def post(self, name: str) -> None:
        """Return the lines that ask for the same run; nothing is started."""
        name = self.named(name, "pipeline")
        asked = self.request_body(TriggerRequest, pipeline=name)

        def lines(etl: Etl) -> object:
            etl.pipelines.get(name)
            return both_lines(asked)

        await self.answer(lines)


class PipelineParametersHandler(EtlHandler):
    """``pipelines/{name}/parameters``."""

    async def get(self, name: str) -> None:
        """Return what its deployed version declares, and the values it was deployed with."""
        name = self.named(name, "pipeline")

        def parameters(etl: Etl) -> object:
            pipeline = etl.pipelines.get(name)
            # Of two declarations of one name the later counts.
            declared = {one.name: one for one in etl.pipelines.declared(pipeline).parameters}
            return {
                "version": pipeline.version,
                "declared": list(declared.values()),
                "values": pipeline.parameters,
            }

        await self.answer(parameters)


class PipelineVersionsHandler(EtlHandler):
    """``pipelines/{name}/versions``."""

    async def get(self, name: str) -> None:
        """List its deployed versions, newest first."""
        name = self.named(name, "pipeline")
        await self.answer(lambda etl: {"items": etl.pipelines.versions(name)})


def _matches(pipeline: Pipeline, search: str) -> bool:
    return search in f"{pipeline.name}\n{pipeline.owner}\n{pipeline.notebook}".casefold()
