"""Publications; `jupyter_etl.rest.previews` reads their rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast
from urllib.parse import parse_qsl, urlencode

from msgspec import Meta

from jupyter_etl.errors import PublishError
from jupyter_etl.language.commands.endpoints import PromoteRequest
from jupyter_etl.language.commands.publications import RollbackRequest
from jupyter_etl.language.endpoints.shares import parse_share
from jupyter_etl.model import PublicationKind
from jupyter_etl.rest.operation import get, post
from jupyter_etl.rest.parameters import Draft, Search, Version
from jupyter_etl.rest.views.base import Page
from jupyter_etl.rest.views.endpoints import endpoint_view
from jupyter_etl.rest.views.publications import (
    PublicationDetail,
    PublicationView,
    publication_detail_view,
    publication_view,
)
from jupyter_etl.services.lineage.graph import LineageView, graph_view
from jupyter_etl.services.publications.publications import open_published

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from jupyter_etl.rest.handler import EtlHandler
    from jupyter_etl.services import Etl

_CHUNK = 1 << 20
_OPAQUE = "application/octet-stream"
_Depth = Annotated[int, Meta(ge=1, le=50, description="Number of pipelines to follow.")]


@get("/publications", then_limited=True)
def list_publications(etl: Etl, search: Search = "") -> Page[PublicationView]:
    """List the publications, by name."""
    wanted, now = search.casefold(), etl.clock.now()
    items = tuple(
        publication_view(one, now=now)
        for one in etl.publications.list()
        if wanted in f"{one.name}\n{one.owner}\n{one.pipeline}".casefold()
    )
    return Page(items=items, total=len(items))


@get("/publications/{name}")
def get_publication(etl: Etl, name: str) -> PublicationDetail:
    """Return a publication with its live versions, newest first."""
    found, history = etl.publications.get(name), etl.publications.history(name)
    live = None if found.live is None else found.live.what.endpoint
    endpoint = None if live is None else endpoint_view(etl.endpoints.get(name), live)
    return publication_detail_view(found, history, now=etl.clock.now(), endpoint=endpoint)


@get("/publications/{name}/lineage")
def get_lineage(etl: Etl, name: str, depth: _Depth = 10) -> LineageView:
    """Return the lineage of a publication."""
    return graph_view(etl.lineage.graph(name, depth=depth))


@post("/publications/{name}/rollback")
def rollback_publication(etl: Etl, name: str, body: RollbackRequest) -> PublicationView:
    """Publish the content of an earlier version again."""
    etl.publications.rollback(name, body.to, keep_watermarks=body.keep_watermarks)
    return publication_view(etl.publications.get(name), now=etl.clock.now())


@post("/publications/{name}/promote")
def promote_endpoint(etl: Etl, name: str, body: PromoteRequest) -> PublicationView:
    """Make a version of an endpoint live, or its canary or shadow."""
    canary = parse_share(body.canary) if body.canary else None
    etl.endpoints.promote(name, body.version, canary=canary, shadow=body.shadow)
    return publication_view(etl.publications.get(name), now=etl.clock.now())


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A file, or the page of a report."""

    path: Path
    is_report: bool


async def _send(handler: EtlHandler, file: PublishedFile) -> None:
    """Send a file.

    A report contains arbitrary content of its author and of the data, so the browser runs its
    scripts in an origin of its own, without access to Jupyter.
    """
    if file.is_report and "token" in handler.request.query_arguments:
        # The page's scripts can read their address; the login cookie is set by now.
        handler.redirect(_address_without_token(handler.request))
        return
    if file.is_report:
        handler.set_header("Content-Security-Policy", "sandbox allow-scripts")
        handler.set_header("Referrer-Policy", "no-referrer")
    else:
        handler.set_attachment_header(file.path.name)
    handler.set_header("X-Content-Type-Options", "nosniff")
    content_type = "text/html; charset=utf-8" if file.is_report else _OPAQUE
    handler.set_header("Content-Type", content_type)
    try:
        opened = cast("BinaryIO", await asyncio.to_thread(open_published, file.path))
    except OSError as problem:
        raise PublishError(
            f"The published file {file.path.name!r} cannot be read: {problem.strerror}."
        ) from problem
    with opened:
        while chunk := await asyncio.to_thread(opened.read, _CHUNK):
            handler.write(chunk)
            await handler.flush()
    handler.finish(set_content_type=content_type)


def _address_without_token(request: HTTPServerRequest) -> str:
    query = [(k, v) for k, v in parse_qsl(request.query) if k != "token"]
    # A path that starts with two slashes would name another host.
    return f"/{request.path.lstrip('/')}?{urlencode(query)}".rstrip("?")


_RESPONSES = {
    "200": {
        "description": "The file, or the page.",
        "headers": {
            "Content-Security-Policy": {
                "description": "`sandbox allow-scripts` for a report.",
                "schema": {"type": "string"},
            },
            "X-Content-Type-Options": {"description": "`nosniff`.", "schema": {"type": "string"}},
        },
        "content": {"text/html": {}, _OPAQUE: {}},
    },
    "302": {"description": "For a report with a token in its address: the address without it."},
}


@get("/publications/{name}/content", slow=True, send=_send, responses=_RESPONSES)
def get_publication_content(
    etl: Etl, name: str, version: Version = 0, draft: Draft = False
) -> PublishedFile:
    """Return a published file as an attachment, or a report's page in an origin of its own."""
    is_report = etl.publications.get(name).kind is PublicationKind.REPORT
    path = etl.publications.file(name, version=version or None, draft=draft)
    return PublishedFile(path=path, is_report=is_report)
