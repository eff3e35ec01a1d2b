"""Runs and their held outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Raw

from jupyter_etl.language.commands.runs import RetryRequest
from jupyter_etl.language.parameters.parameter import split_assignment
from jupyter_etl.model import Retried, Run, RunState
from jupyter_etl.rest.operation import get, post
from jupyter_etl.rest.parameters import Limit, Offset, Tags
from jupyter_etl.rest.views.base import Page
from jupyter_etl.rest.views.runs import (
    HoldView,
    Notebook,
    RetriedRun,
    RunDetail,
    RunView,
    held_view,
    retried_view,
    run_detail_view,
    run_view,
)

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_PipelineName = Annotated[str, Meta(description="Only the runs of this pipeline.")]
_States = Annotated[
    tuple[RunState, ...],
    Meta(description="Only runs in these states; repeated, or separated by commas."),
]


@get("/runs")
def list_runs(
    etl: Etl,
    pipeline: _PipelineName = "",
    state: _States = (),
    tag: Tags = (),
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page[RunView]:
    """List a page of runs, newest first."""
    of = pipeline or None
    tags = dict(map(split_assignment, tag))
    found = etl.runs.list(pipeline=of, states=state, tags=tags, limit=limit, offset=offset)
    total = etl.runs.count(pipeline=of, states=state, tags=tags)
    return Page(items=tuple(_view(etl, run) for run in found), total=total)


@get("/runs/{id}")
def get_run(etl: Etl, id: int) -> RunDetail:
    """Return a run with its attempts and the end of its log."""
    found, attempts = etl.runs.get(id), etl.runs.attempts(id)
    held = next((hold for hold in etl.holds.list() if hold.run_id == id), None)
    return run_detail_view(found, attempts, etl.runs.log(id), held, now=etl.clock.now())


@post("/runs/{id}/cancel")
def cancel_run(etl: Etl, id: int) -> RunView:
    """Request the cancellation of a run; a queued one ends at once, a running one within seconds."""
    return _view(etl, etl.runs.cancel(id))


@post("/runs/{id}/retry")
def retry_run(etl: Etl, id: int, body: RetryRequest) -> RetriedRun:
    """Queue a finished run again; 409 if it is not finished."""
    if body.from_failed_cell:
        retried = etl.runs.retry_from_failed_cell(id)
    else:
        retried = Retried(run=etl.runs.retry(id))
    return retried_view(retried, now=etl.clock.now())


@post("/runs/{id}/approve")
def approve_run(etl: Etl, id: int) -> RunView:
    """Publish the outputs of a held run; 409 if it is no longer pending approval."""
    etl.holds.approve(id)
    return _view(etl, etl.runs.get(id))


@post("/runs/{id}/reject")
def reject_run(etl: Etl, id: int) -> RunView:
    """Discard the outputs of a held run; 409 if it is no longer pending approval."""
    etl.holds.reject(id)
    return _view(etl, etl.runs.get(id))


@get("/holds")
def list_holds(etl: Etl) -> Page[HoldView]:
    """List the runs held by checks and the publish gate, oldest first."""
    items = tuple(held_view(hold) for hold in etl.holds.list())
    return Page(items=items, total=len(items))


@get("/runs/{id}/notebook", answer=Notebook)
def get_run_notebook(etl: Etl, id: int) -> Raw:
    """Return the executed notebook, also of an active run."""
    return Raw(etl.runs.notebook(id).encode())


@get("/runs/{id}/log")
def get_run_log(etl: Etl, id: int) -> str:
    """Return the log of a run.

    Each line is an event with its time and timezone. It is never empty; of a very long log the end
    is returned.
    """
    return etl.runs.log(id)


def _view(etl: Etl, run: Run) -> RunView:
    return run_view(run, now=etl.clock.now())
