"""Inspection of notebooks and schedules before a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta
from msgspec.structs import replace

from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.model import Pipeline
from jupyter_etl.rest.handlers.pipelines import pipeline_views
from jupyter_etl.rest.lines import both_lines
from jupyter_etl.rest.operation import get, post
from jupyter_etl.rest.paths import Contents
from jupyter_etl.rest.requests import ScheduleText
from jupyter_etl.rest.views.base import Lines
from jupyter_etl.rest.views.pipelines import NotebookView, ScheduleView, schedule_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_NotebookPath = Annotated[Path, Meta(description="Path of the notebook in the file browser.")]


@post("/schedule/lines")
def write_schedule_lines(body: ScheduleRequest) -> Lines:
    """Return the command lines that deploy the same; deploys nothing."""
    # Without times, the timezone of the form has no meaning.
    return Lines(**both_lines(body if body.when else replace(body, timezone=None)))


@post("/schedule/preview")
def preview_schedule(etl: Etl, body: ScheduleText) -> ScheduleView:
    """Return a schedule in words, with its next five times; stores nothing."""
    found = etl.pipelines.preview(
        body.when, timezone=body.timezone, after=body.after, after_all=body.after_all, count=5
    )
    return schedule_view(found.schedule, found.words, found.next, found.note)


@get("/notebook")
def get_notebook(etl: Etl, contents: Contents, path: _NotebookPath) -> NotebookView:
    """Return the declarations of a notebook and the state of its pipeline; runs nothing."""
    outline = etl.pipelines.outline(path)
    pipeline = _pipeline_of(etl, path)
    local = etl.pipelines.files.now(path, pipeline)
    return NotebookView(
        parameters=outline.parameters,
        findings=tuple(etl.pipelines.preflight(path)),
        kernel=outline.kernel,
        pipeline=pipeline_views(etl, contents, [pipeline])[0] if pipeline else None,
        changed=pipeline is not None and etl.pipelines.changed(pipeline),
        files=local.files,
        include=local.include,
    )


def _pipeline_of(etl: Etl, notebook: Path) -> Pipeline | None:
    """Return the notebook's pipeline; of several, the one with the notebook's name."""
    found = [p for p in etl.pipelines.list() if p.notebook == str(notebook)]
    return min(found, key=lambda p: (p.name != notebook.stem, p.name), default=None)
