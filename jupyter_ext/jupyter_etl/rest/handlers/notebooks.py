"""What a notebook and a schedule mean, before anything is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from tornado.escape import json_encode

from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.model import Pipeline
from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.rest.handlers.pipelines import PipelineHandlerBase
from jupyter_etl.rest.lines import both_lines
from jupyter_etl.rest.requests import ScheduleText
from jupyter_etl.rest.views import schedule_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class SchedulePreviewHandler(EtlHandler):
    """``schedule/preview``."""

    async def post(self) -> None:
        """Say a schedule in words, with its next five times."""
        asked = self.body(ScheduleText)

        def preview(etl: Etl) -> object:
            found = etl.pipelines.preview(
                asked.when,
                timezone=asked.timezone,
                after=asked.after,
                after_all=asked.after_all,
                count=5,
            )
            return schedule_view(found.schedule, found.words, found.next, found.note)

        await self.answer(preview)


class ScheduleLinesHandler(EtlHandler):
    """``schedule/lines``."""

    async def post(self) -> None:
        """Return the lines that deploy the same; nothing is deployed."""
        request = self.request_body(ScheduleRequest)
        if not request.when:
            # The timezone of the form means nothing without times.
            request = replace(request, timezone=None)
        self.finish(json_encode(both_lines(request)))


class NotebookHandler(PipelineHandlerBase):
    """``notebook``."""

    async def get(self) -> None:
        """Say what a notebook declares and how its pipeline stands; nothing is executed."""
        notebook = self.contents_file(self.get_query_argument("path", "", strip=False))

        def look(etl: Etl) -> object:
            outline = etl.pipelines.outline(notebook)
            pipeline = _pipeline_of(etl, notebook)
            local = etl.pipelines.files.now(notebook, pipeline)
            return {
                "parameters": outline.parameters,
                "findings": etl.pipelines.preflight(notebook),
                "kernel": outline.kernel,
                "pipeline": self.views(etl, [pipeline])[0] if pipeline else None,
                "changed": pipeline is not None and etl.pipelines.changed(pipeline),
                "files": local.files,
                "include": local.include,
            }

        await self.answer(look)


def _pipeline_of(etl: Etl, notebook: Path) -> Pipeline | None:
    """Return the notebook's pipeline; where it has several, the one that bears its name."""
    found = [p for p in etl.pipelines.list() if p.notebook == str(notebook)]
    return min(found, key=lambda p: (p.name != notebook.stem, p.name), default=None)
