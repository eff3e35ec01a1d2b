"""The commands for endpoints."""

from __future__ import annotations

import ast
from datetime import timedelta

from jupyter_etl.errors import DeclarationError, ExecutionError
from jupyter_etl.language.commands.endpoints import (
    CompareRequest,
    EndpointsRequest,
    PromoteRequest,
    PublishFunctionRequest,
    PublishQueryRequest,
    SplitRequest,
)
from jupyter_etl.language.endpoints.shares import parse_share, parse_split
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Traffic
from jupyter_etl.notebook.endpoints import publishing
from jupyter_etl.notebook.outputs import Published
from jupyter_etl.services.endpoints.display import comparison_rows, comparison_words, endpoint_rows
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session

_NONE = "There are no endpoints yet. Publish one: %%etl publish query, or %%etl publish function"


def publish_query(session: Session, request: PublishQueryRequest) -> None:
    """Publish the SQL of the cell."""
    done = publishing.publish_query(
        session.data_session,
        request.name,
        request.cell,
        key=request.key,
        limit=request.limit,
        timeout_s=request.timeout_s,
        memory_bytes=request.memory_bytes,
        workers=request.workers,
        keep_warm=request.keep_warm,
        live=request.live,
    )
    _show_published(done, [], [])


def publish_function(session: Session, request: PublishFunctionRequest) -> None:
    """Execute the cell, and publish the function that it defines."""
    name = _defined(request.cell)
    outcome = session.shell.run_cell(request.cell)  # type: ignore[no-untyped-call]
    if not outcome.success:
        raise ExecutionError(f"The cell failed, so {request.name!r} is not published.")
    done = publishing.publish_function(
        session.data_session,
        request.name,
        session.shell.user_ns[name],
        samples=request.sample,
        timeout_s=request.timeout_s,
        memory_bytes=request.memory_bytes,
        workers=request.workers,
        keep_warm=request.keep_warm,
        anyway=request.anyway,
        live=request.live,
    )
    rows: list[dict[str, object]] = [
        {"captured": one.name, "kind": one.kind, "size": rounded_size(one.bytes)}
        for one in done.parts
    ]
    notes = [f"{one.request} gives {one.response}" for one in done.endpoint.samples]
    if not notes:
        notes.append(
            "No call was tried. Give a sample: --sample JSON, or call the function with literal "
            "arguments in the next cell and save the notebook."
        )
    _show_published(done.published, rows, notes)


def _defined(cell: str) -> str:
    """Return the name of the last function that a cell defines at its top level."""
    try:
        body = ast.parse(cell).body
    except SyntaxError as problem:
        raise DeclarationError(f"The cell is not valid Python: {problem.msg}.") from problem
    names = [one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not names:
        raise DeclarationError(
            "The cell defines no function.",
            hint="Write it with annotated parameters: def score(age: float) -> float: ...",
        )
    return names[-1]


def _show_published(done: Published, rows: list[dict[str, object]], notes: list[str]) -> None:
    staged = done.staged
    if done.version is None:
        title = f"{staged.name}: staged; it becomes visible when this run succeeds"
    else:
        kind = "draft" if done.version.draft else "version"
        title = f"{staged.name}: {kind} {done.version.number}"
    notes += [f"A run that publishes this would be held: {finding}." for finding in done.findings]
    where = "queries" if staged.endpoint and staged.endpoint.sql else "functions"
    path = f"/{where}/{staged.name}"
    if done.version is not None and done.version.draft:
        notes.append(f"jupyter etl serve answers at /drafts{path}, only for the owner's token.")
    else:
        notes.append(f"jupyter etl serve answers at {path}")
    show(Card(title=title, tone="ok", rows=rows, notes=notes))


def endpoints(session: Session, request: EndpointsRequest) -> None:
    """List endpoints."""
    rows = endpoint_rows(session.etl.endpoints.list())
    show(Card(title=counted(len(rows), "endpoint"), rows=rows) if rows else Card(title=_NONE))


def promote(session: Session, request: PromoteRequest) -> None:
    """Make a version live, or its canary or shadow."""
    canary = parse_share(request.canary) if request.canary else None
    _show_traffic(
        session.etl.endpoints.promote(
            request.name, request.version, canary=canary, shadow=request.shadow
        )
    )


def split(session: Session, request: SplitRequest) -> None:
    """Divide the calls among versions."""
    shares = parse_split(request.shares)
    _show_traffic(session.etl.endpoints.split(request.name, shares, by=request.by or ""))


def compare(session: Session, request: CompareRequest) -> None:
    """Compare two versions."""
    since = session.etl.clock.now() - timedelta(seconds=request.since)
    found = session.etl.endpoints.compare(request.name, request.before, request.after, since=since)
    title = f"{found.name}: version {found.before} and version {found.after}"
    show(Card(title=title, rows=comparison_rows(found), notes=[comparison_words(found)]))


def _show_traffic(changed: Traffic) -> None:
    show(Card(title=f"{changed.name}: {changed.note}", tone="ok"))
