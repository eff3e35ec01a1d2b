"""``GET /tables/{name}?region=EU&day__gte=2026-01-01``: rows that meet conditions, from a copy."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from jupyter_etl.errors import NotFound
from jupyter_etl.gateway.catalogue import Catalogue, live_version
from jupyter_etl.gateway.endpoints.calls import answered
from jupyter_etl.gateway.endpoints.endpoints import Endpoints
from jupyter_etl.gateway.tables import KNOWN, parse_count
from jupyter_etl.model import PublicationKind


def has_filters(request: Request) -> bool:
    """Return whether a request has conditions, or continues one that has."""
    return any(name not in KNOWN for name in request.query_params)


async def filtered_table(
    endpoints: Endpoints,
    catalogue: Catalogue,
    name: str,
    request: Request,
    redact: Callable[[str], str],
) -> Response:
    """Return a page of the rows that meet all conditions, in the form of a query's answer.

    Raises:
        NotFound: There is no live version with rows under that name.
        EtlError: It cannot be read.
    """
    asked = parse_count(request.query_params.get("version"), "version", least=1)
    version = await run_in_threadpool(live_version, catalogue, name, asked)
    if version.what.kind is not PublicationKind.TABLE:
        raise NotFound(f"{name!r} has no rows.", hint="GET /publications lists all.")
    pairs = tuple(request.query_params.multi_items())
    accept = request.headers.get("accept", "")
    answer, number = await endpoints.read_table(name, version.number, pairs, accept)
    return answered(request, answer, number, redact)
