"""All routes, as openapi.yaml describes them."""

from __future__ import annotations

import re

from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.rest.handlers.lineage import PublicationLineageHandler
from jupyter_etl.rest.handlers.notebooks import (
    NotebookHandler,
    ScheduleLinesHandler,
    SchedulePreviewHandler,
)
from jupyter_etl.rest.handlers.pipelines import (
    PipelineHandler,
    PipelineParametersHandler,
    PipelinePauseHandler,
    PipelineRelinkHandler,
    PipelineResumeHandler,
    PipelinesHandler,
    PipelineTriggerHandler,
    PipelineTriggerLinesHandler,
    PipelineVersionsHandler,
)
from jupyter_etl.rest.handlers.publications import (
    PublicationContentHandler,
    PublicationHandler,
    PublicationPreviewHandler,
    PublicationsHandler,
)
from jupyter_etl.rest.handlers.runs import (
    RunCancelHandler,
    RunHandler,
    RunLogHandler,
    RunNotebookHandler,
    RunRetryHandler,
    RunsHandler,
)
from jupyter_etl.rest.handlers.sources import SourceHandler, SourcePreviewHandler, SourcesHandler
from jupyter_etl.rest.handlers.summary import SchedulersHandler, SummaryHandler
from jupyter_etl.rest.handlers.versions import (
    HoldsHandler,
    PublicationDiffHandler,
    PublicationRollbackHandler,
    RunApproveHandler,
    RunRejectHandler,
)
from jupyter_etl.rest.handlers.watermarks import WatermarkResetHandler, WatermarksHandler

PREFIX = "etl/v1"

ROUTES: tuple[tuple[str, type[EtlHandler]], ...] = (
    ("/summary", SummaryHandler),
    ("/schedulers", SchedulersHandler),
    ("/sources", SourcesHandler),
    ("/sources/{name}", SourceHandler),
    ("/sources/{name}/preview", SourcePreviewHandler),
    ("/pipelines", PipelinesHandler),
    ("/pipelines/{name}", PipelineHandler),
    ("/pipelines/{name}/parameters", PipelineParametersHandler),
    ("/pipelines/{name}/pause", PipelinePauseHandler),
    ("/pipelines/{name}/relink", PipelineRelinkHandler),
    ("/pipelines/{name}/resume", PipelineResumeHandler),
    ("/pipelines/{name}/trigger", PipelineTriggerHandler),
    ("/pipelines/{name}/trigger/lines", PipelineTriggerLinesHandler),
    ("/pipelines/{name}/versions", PipelineVersionsHandler),
    ("/pipelines/{name}/watermarks", WatermarksHandler),
    ("/pipelines/{name}/watermarks/reset", WatermarkResetHandler),
    ("/runs", RunsHandler),
    ("/runs/{id}", RunHandler),
    ("/runs/{id}/cancel", RunCancelHandler),
    ("/runs/{id}/retry", RunRetryHandler),
    ("/runs/{id}/approve", RunApproveHandler),
    ("/runs/{id}/reject", RunRejectHandler),
    ("/holds", HoldsHandler),
    ("/runs/{id}/notebook", RunNotebookHandler),
    ("/runs/{id}/log", RunLogHandler),
    ("/publications", PublicationsHandler),
    ("/publications/{name}", PublicationHandler),
    ("/publications/{name}/preview", PublicationPreviewHandler),
    ("/publications/{name}/content", PublicationContentHandler),
    ("/publications/{name}/diff", PublicationDiffHandler),
    ("/publications/{name}/lineage", PublicationLineageHandler),
    ("/publications/{name}/rollback", PublicationRollbackHandler),
    ("/schedule/lines", ScheduleLinesHandler),
    ("/schedule/preview", SchedulePreviewHandler),
    ("/notebook", NotebookHandler),
)
"""Templates below the prefix, and who answers them."""


def tornado_rules() -> list[tuple[str, type[EtlHandler]]]:
    """Return the routes as patterns for the web application, without its base URL."""
    return [(PREFIX + re.sub(r"{\w+}", "([^/]+)", path), handler) for path, handler in ROUTES]
