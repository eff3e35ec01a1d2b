"""``/openapi.json``, ``/docs``, ``/readyz`` and ``/metrics`` of the endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from jupyter_etl.gateway.endpoints.endpoints import Endpoints
from jupyter_etl.gateway.endpoints.metrics import metrics_text
from jupyter_etl.gateway.endpoints.openapi import openapi_document
from jupyter_etl.gateway.responses import docs_page, failure, json_answer
from jupyter_etl.gateway.tokens import access_of
from jupyter_etl.services.serving.backend import ServedEndpoint


def endpoint_pages(endpoints: Endpoints) -> list[Route]:
    """Return the routes."""

    def callable_by(request: Request) -> list[ServedEndpoint]:
        access = access_of(request)
        found = endpoints.served.endpoints
        return [found[name] for name in sorted(found) if access.may_call(name)]

    async def openapi(request: Request) -> Response:
        # Relative to the address of the document: a proxy's is not known here.
        prefix = request.scope.get("root_path", "") or "/"
        return json_answer(openapi_document(callable_by(request), server=prefix))

    async def docs(request: Request) -> Response:
        server = f"{request.url.scheme}://{request.url.netloc}"
        root = request.scope.get("root_path", "")
        return docs_page(openapi_document(callable_by(request), server=f"{server}{root}"))

    async def ready(request: Request) -> Response:
        if endpoints.is_ready:
            return json_answer({"status": "ok"})
        return failure(503, "NotReady", "The ledger has not been read yet.", "Try again.")

    async def metrics(request: Request) -> Response:
        if access_of(request).token is not None:
            return failure(403, "Forbidden", "Only the operator's token reads metrics.")
        return PlainTextResponse(
            metrics_text(endpoints), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs", docs, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
