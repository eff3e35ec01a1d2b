"""The routes of the consumers' service."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jupyter_etl.errors import EtlError, NotFound
from jupyter_etl.gateway.authentication import TokenGate
from jupyter_etl.gateway.catalogue import Catalogue
from jupyter_etl.gateway.endpoints.calls import call_routes, rejection
from jupyter_etl.gateway.endpoints.endpoints import Endpoints
from jupyter_etl.gateway.endpoints.filtered_tables import filtered_table, has_filters
from jupyter_etl.gateway.endpoints.pages import endpoint_pages
from jupyter_etl.gateway.files import file_answer
from jupyter_etl.gateway.responses import failure, failure_of, href_of, index_page, json_answer
from jupyter_etl.gateway.sign_in import SIGN_OUT_PATH, sign_out, wants_page
from jupyter_etl.gateway.tables import parse_version, table_answer
from jupyter_etl.gateway.tokens import Access, KnownTokens, access_of, require_read
from jupyter_etl.model import PublicationKind
from jupyter_etl.serving.queries.rejection import Rejected

_LOG = logging.getLogger(__name__)

Answer = Callable[[Request], Response]


def create_app(
    catalogue: Catalogue,
    token: Callable[[], str],
    *,
    tokens: KnownTokens | None = None,
    endpoints: Endpoints | None = None,
    redact: Callable[[str], str] = str,
) -> Starlette:
    """Return the service as an ASGI application.

    Args:
        token: Returns the token of the operator, which allows everything; see `TokenFile`.
        tokens: The tokens of consumers; None if there are none.
        endpoints: The endpoints; None to serve none.
        redact: Removes the values of secrets from all answers except published data.
    """
    known = tokens or KnownTokens()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(known.refreshed())
            if endpoints is not None:
                await stack.enter_async_context(endpoints.running())
            yield

    def index(request: Request) -> Response:
        if wants_page(request.headers):
            access = access_of(request)
            seen = [one for one in catalogue.publications.list() if access.may_see(one)]
            return _redacted(index_page(seen), redact)
        return json_answer({"publications": "/publications"})

    def publications(request: Request) -> Response:
        return _redacted(json_answer({"items": _listing(catalogue, access_of(request))}), redact)

    async def table(request: Request) -> Response:
        if endpoints is not None and has_filters(request):
            return await filtered_table(endpoints, catalogue, _name(request), request, redact)
        return await run_in_threadpool(table_answer, catalogue, _name(request), request)

    def file(request: Request) -> Response:
        return file_answer(
            catalogue, _name(request), parse_version(request), request, kind=PublicationKind.FILE
        )

    def report(request: Request) -> Response:
        return file_answer(
            catalogue, _name(request), parse_version(request), request, kind=PublicationKind.REPORT
        )

    # First those of calls, which are most frequent: routes are tried in order.
    routes = [] if endpoints is None else call_routes(endpoints, redact)
    routes += [
        _route("/", index, redact),
        _route("/healthz", lambda request: json_answer({"status": "ok"}), redact),
        _route("/publications", publications, redact),
        _async_route("/tables/{name}", table, redact),
        _route("/files/{name}", file, redact),
        _route("/files/{name}/versions/{number}", file, redact),
        _route("/reports/{name}", report, redact),
        _route("/reports/{name}/versions/{number}", report, redact),
        Route(SIGN_OUT_PATH, sign_out, methods=["GET"]),
    ]
    if endpoints is not None:
        routes += endpoint_pages(endpoints)
    return Starlette(
        routes=routes,
        middleware=[Middleware(TokenGate, operator=token, tokens=known)],
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_failure, Exception: _unforeseen},
    )


def _redacted(answer: Response, redact: Callable[[str], str]) -> Response:
    text = bytes(answer.body).decode()
    shown = redact(text)
    if shown == text:
        return answer
    del answer.headers["content-length"]
    return Response(shown, status_code=answer.status_code, headers=dict(answer.headers))


def _route(path: str, answer: Answer, redact: Callable[[str], str]) -> Route:
    async def answer_in_thread(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return _async_route(path, answer_in_thread, redact)


def _async_route(
    path: str, answer: Callable[[Request], Awaitable[Response]], redact: Callable[[str], str]
) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Rejected as problem:
            return rejection(problem, redact)
        except EtlError as error:
            if not isinstance(error, NotFound):
                _LOG.warning("%s", redact(f"{request.method} {request.url.path}: {error}"))
            return _redacted(failure_of(error), redact)

    return Route(path, endpoint, methods=["GET"])


def _name(request: Request) -> str:
    """Return the name in the URL of what is to be read.

    Raises:
        NotFound: The name is invalid, or beyond the scope of the token: both count as unknown.
    """
    name = str(request.path_params["name"])
    if name.startswith(".") or not name.isprintable() or "\\" in name:
        raise NotFound("Nothing is published under that name.")
    require_read(request, name)
    return name


def _listing(catalogue: Catalogue, access: Access) -> list[dict[str, object]]:
    """Return the public facts: no path of the server, no notebook, no draft."""
    items: list[dict[str, object]] = []
    for publication in catalogue.publications.list():
        live = publication.live
        if live is None or not access.may_see(publication):
            continue
        items.append(
            {
                "name": publication.name,
                "kind": publication.kind,
                "title": live.what.title,
                "owner": publication.owner,
                "version": live.number,
                "published_at": live.published_at,
                "rows": live.what.rows,
                "bytes": live.what.bytes,
                "columns": live.what.columns,
                "freshness": publication.freshness,
                "href": href_of(live),
            }
        )
    return items


async def _http_failure(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    if status == 405:
        message = f"{request.method[:20]} is not allowed here."
        answer = failure(405, "MethodNotAllowed", message, f"Allowed: {headers.get('Allow', '')}.")
    elif status == 404:
        answer = failure(404, "NotFound", "Not found.", "GET /publications lists all.")
    else:
        answer = failure(status, "HttpError", "The request was refused.")
    answer.headers.update(headers)
    return answer


async def _unforeseen(request: Request, error: Exception) -> Response:
    return failure(500, "InternalError", "The service failed.", "Ask its operator; it is logged.")


def serve(
    catalogue: Catalogue,
    host: str,
    port: int,
    token: Callable[[], str],
    *,
    tokens: KnownTokens | None = None,
    endpoints: Endpoints | None = None,
    announce: Callable[[], None] = lambda: None,
    redact: Callable[[str], str] = str,
) -> None:
    """Serve until the process receives SIGINT or SIGTERM.

    Args:
        host: Address to listen on; ``127.0.0.1`` accepts local connections only.
        port: TCP port.
        announce: Called when the service accepts connections.
        token, tokens, endpoints, redact: See `create_app`.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                announce()

    app = create_app(catalogue, token=token, tokens=tokens, endpoints=endpoints, redact=redact)
    # Access logs would record who reads what; errors are logged nevertheless.
    config = uvicorn.Config(
        app, host=host, port=port, access_log=False, server_header=False, log_level="warning"
    )
    Server(config).run()
