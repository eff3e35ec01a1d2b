"""All routes."""

from __future__ import annotations

import re

from jupyter_etl.rest import previews
from jupyter_etl.rest.handler import EtlHandler
from jupyter_etl.rest.handlers import notebooks, pipelines, publications, runs, sources, summary
from jupyter_etl.rest.operation import Operation

PREFIX = "etl/v1"

ROUTES: tuple[Operation, ...] = (
    summary.get_summary,
    summary.start_scheduler,
    sources.list_sources,
    previews.get_source,
    previews.preview_source,
    pipelines.list_pipelines,
    pipelines.deploy_pipeline,
    pipelines.get_pipeline,
    pipelines.remove_pipeline,
    pipelines.get_pipeline_parameters,
    pipelines.pause_pipeline,
    pipelines.relink_pipeline,
    pipelines.resume_pipeline,
    pipelines.trigger_pipeline,
    pipelines.write_trigger_lines,
    pipelines.list_pipeline_versions,
    pipelines.list_watermarks,
    pipelines.reset_watermark,
    runs.list_runs,
    runs.get_run,
    runs.cancel_run,
    runs.retry_run,
    runs.approve_run,
    runs.reject_run,
    runs.list_holds,
    runs.get_run_notebook,
    runs.get_run_log,
    publications.list_publications,
    publications.get_publication,
    previews.preview_publication,
    publications.get_publication_content,
    previews.diff_publication,
    publications.get_lineage,
    publications.rollback_publication,
    publications.promote_endpoint,
    notebooks.write_schedule_lines,
    notebooks.preview_schedule,
    notebooks.get_notebook,
)
"""The operations, in the order of openapi.yaml, which `jupyter_etl.rest.openapi` writes."""


def tornado_rules() -> list[tuple[str, type[EtlHandler], dict[str, dict[str, Operation]]]]:
    """Return the routes as patterns for the web application, without its base URL."""
    by_path: dict[str, dict[str, Operation]] = {}
    for one in ROUTES:
        by_path.setdefault(one.path, {})[one.method] = one
    return [
        (PREFIX + re.sub(r"{\w+}", "([^/]+)", path), EtlHandler, {"operations": operations})
        for path, operations in by_path.items()
    ]
