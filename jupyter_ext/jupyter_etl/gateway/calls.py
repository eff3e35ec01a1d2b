"""``/functions``, ``/queries`` and ``/drafts``: calls of endpoints over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.catalogue import absent
from jupyter_etl.gateway.endpoints import CallResult, EndpointCall, Endpoints
from jupyter_etl.gateway.responses import SAFE_HEADERS, failure, failure_of
from jupyter_etl.gateway.tables import parse_count
from jupyter_etl.gateway.tokens import access_of
from jupyter_etl.model import EndpointKind
from jupyter_etl.services.serving import ServedEndpoint
from jupyter_etl.serving.queries.rejection import Rejected, answer_of
from jupyter_etl.serving.workers.protocol import MAX_BODY_BYTES, Answer

MAX_JSON_BYTES = 10 << 20
"""Largest body in JSON."""

_JSON = "application/json"


def call_routes(endpoints: Endpoints, redact: Callable[[str], str]) -> list[Route]:
    """Return the routes of calls.

    Args:
        redact: Removes the values of secrets from errors.
    """

    async def function(request: Request) -> Response:
        return await _call(request, EndpointKind.FUNCTION)

    async def query(request: Request) -> Response:
        return await _call(request, EndpointKind.QUERY)

    async def _call(request: Request, kind: EndpointKind) -> Response:
        try:
            endpoint = _find(endpoints, request, kind)
            body = await _body(request)
            if isinstance(body, Response):
                return body
            result = await endpoints.call(endpoint, _call_of(request, kind, body))
        except Rejected as problem:
            return _response(answer_of(problem), redact)
        except EtlError as problem:
            return failure_of(problem)
        return _answered(request, result, redact)

    routes: list[Route] = []
    for kind, handler, methods in (
        (EndpointKind.FUNCTION, function, ["POST"]),
        (EndpointKind.QUERY, query, ["GET", "POST"]),
    ):
        where = "functions" if kind is EndpointKind.FUNCTION else "queries"
        paths = [f"/{where}/{{name}}", f"/{where}/{{name}}/versions/{{number}}"]
        paths.append(f"/drafts/{where}/{{name}}")
        if kind is EndpointKind.FUNCTION:
            paths += [f"{path}/batch" for path in paths]
        routes += [Route(path, handler, methods=methods) for path in paths]
    return routes


Handler = Callable[[Request], Awaitable[Response]]


def _find(endpoints: Endpoints, request: Request, kind: EndpointKind) -> ServedEndpoint:
    """Return the endpoint in the URL.

    Raises:
        NotFound: There is none, or it is beyond the scope of the token; drafts are their owner's.
    """
    name, access = str(request.path_params["name"]), access_of(request)
    if not access.may_call(name):
        raise absent(name)
    endpoint = endpoints.find(name, kind)
    if _is_draft(request) and access.token is not None and access.token.owner != endpoint.owner:
        raise absent(name)
    return endpoint


def _is_draft(request: Request) -> bool:
    return request.url.path.startswith("/drafts/")


def _call_of(request: Request, kind: EndpointKind, body: bytes) -> EndpointCall:
    number = request.path_params.get("number")
    return EndpointCall(
        body=body,
        content_type=request.headers.get("content-type", ""),
        batch=request.url.path.endswith("/batch"),
        pairs=tuple(request.query_params.multi_items()) if kind is EndpointKind.QUERY else (),
        accept=request.headers.get("accept", ""),
        version=parse_count(number, "version", least=1),
        draft=_is_draft(request),
        token=token.name if (token := access_of(request).token) is not None else "",
    )


async def _body(request: Request) -> bytes | Response:
    """Return the body of a request, or the error for one that is too large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most = MAX_JSON_BYTES if kind in ("", _JSON) else MAX_BODY_BYTES
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > most:
            message = f"The body is larger than {most >> 20} MB."
            return failure(413, "BodyTooLarge", message, "Send fewer requests at once.")
    return bytes(body)


def _answered(request: Request, result: CallResult, redact: Callable[[str], str]) -> Response:
    response = _response(result.answer, redact)
    response.headers["X-Version"] = str(result.route.version)
    response.headers["X-Call-Id"] = result.call_id
    response.headers["Server-Timing"] = f"call;dur={1e3 * result.seconds:.3f}"
    if request.method == "GET" and result.answer.status == 200:
        digest = hashlib.sha256(result.answer.body).hexdigest()[:24]
        etag = f'"{result.route.version}-{digest}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={**SAFE_HEADERS, "ETag": etag})
        response.headers["ETag"] = etag
    return response


def _response(answer: Answer, redact: Callable[[str], str]) -> Response:
    body = answer.body
    if answer.status >= 400:
        # What a function raises may contain a secret.
        body = redact(body.decode("utf-8", "replace")).encode()
    headers = {**SAFE_HEADERS, **answer.headers}
    if answer.retry_after is not None:
        headers["Retry-After"] = str(answer.retry_after)
    return Response(
        body, status_code=answer.status, media_type=answer.content_type, headers=headers
    )
