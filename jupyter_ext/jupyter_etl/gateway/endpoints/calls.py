"""``/functions``, ``/queries`` and ``/drafts``: calls of endpoints over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.catalogue import absent
from jupyter_etl.gateway.endpoints.endpoints import EndpointCall, Endpoints
from jupyter_etl.gateway.responses import SAFE_HEADERS, failure_of, not_modified, unchanged
from jupyter_etl.gateway.tables import parse_version
from jupyter_etl.gateway.tokens import access_of
from jupyter_etl.model import EndpointKind
from jupyter_etl.services.serving.backend import ServedEndpoint
from jupyter_etl.serving.queries.rejection import Rejected, answer_of, rejected
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
        call_id = uuid4().hex
        try:
            endpoint = _find(endpoints, request, kind)
            body = await _body(request)
            call = _call_of(request, kind, body)
            result = await endpoints.call(endpoint, call, call_id=call_id)
        except Rejected as problem:
            response = rejection(problem, redact)
        except EtlError as problem:
            response = failure_of(problem)
        else:
            response = answered(request, result.answer, result.route.version, redact)
            response.headers["Server-Timing"] = f"call;dur={1e3 * result.seconds:.3f}"
        response.headers["X-Call-Id"] = call_id
        return response

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
    # `request.url` parses the whole address each time.
    return str(request.scope["path"]).startswith("/drafts/")


def _call_of(request: Request, kind: EndpointKind, body: bytes) -> EndpointCall:
    is_query = kind is EndpointKind.QUERY
    return EndpointCall(
        # A query has its parameters in the body of a POST only.
        body=body if request.method == "POST" else b"",
        content_type=request.headers.get("content-type", ""),
        batch=str(request.scope["path"]).endswith("/batch"),
        pairs=tuple(request.query_params.multi_items()) if is_query else (),
        accept=request.headers.get("accept", ""),
        version=parse_version(request),
        draft=_is_draft(request),
        token=token.name if (token := access_of(request).token) is not None else "",
    )


async def _body(request: Request) -> bytes:
    """Return the body of a request; raises `Rejected` for one that is too large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most = MAX_JSON_BYTES if kind in ("", _JSON) else MAX_BODY_BYTES
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > most:
            message = f"The body is larger than {most >> 20} MB."
            raise rejected(413, "BodyTooLarge", message, "Send fewer requests at once.")
    return bytes(body)


def answered(
    request: Request, answer: Answer, version: int, redact: Callable[[str], str]
) -> Response:
    """Return the answer of a version as a response.

    Args:
        redact: Removes the values of secrets, which what a function raises may contain.
    """
    etag = _etag(answer, version) if request.method != "POST" and answer.status == 200 else ""
    if etag and unchanged(request, etag):
        response = not_modified(etag)
    else:
        response = _response(answer, redact)
        if etag:
            response.headers["ETag"] = etag
            response.headers["Vary"] = "Accept"
    response.headers["X-Version"] = str(version)
    return response


def rejection(problem: Rejected, redact: Callable[[str], str]) -> Response:
    """Return the response to a request that no version answers."""
    return _response(answer_of(problem), redact)


def _etag(answer: Answer, version: int) -> str:
    """Return the entity tag of an answer: equal for equal rows of the same version."""
    # The token of the next page has the time of the first one.
    following = answer.headers.get("X-Next", "").encode()
    body = answer.body.replace(following, b"") if following else answer.body
    return f'"{version}-{hashlib.sha256(body).hexdigest()[:24]}"'


def _response(answer: Answer, redact: Callable[[str], str]) -> Response:
    body = answer.body
    if answer.status >= 400:
        body = redact(body.decode("utf-8", "replace")).encode()
    headers = {**SAFE_HEADERS, **answer.headers}
    if answer.retry_after is not None:
        headers["Retry-After"] = str(answer.retry_after)
    return Response(
        body, status_code=answer.status, media_type=answer.content_type, headers=headers
    )
