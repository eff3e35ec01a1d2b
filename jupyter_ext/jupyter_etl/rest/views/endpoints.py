"""Endpoints as responses."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote, urlencode

from jupyter_etl.language.commands.endpoints import PromoteRequest
from jupyter_etl.language.commands.lines import shell_line
from jupyter_etl.model import Endpoint, EndpointKind
from jupyter_etl.rest.views.base import View
from jupyter_etl.services.endpoints.display import traffic_words
from jupyter_etl.services.endpoints.endpoints import EndpointRow

_ADDRESS = "http://127.0.0.1:8787"
"""Where ``jupyter etl serve`` listens by default."""

_HEADER = "Authorization: Bearer TOKEN"
_HEADERS = 'headers={"Authorization": "Bearer TOKEN"}'


class EndpointLines(View, frozen=True):
    """Lines that call an endpoint at the default address; TOKEN stands for a consumer's token.

    Args:
        curl: For a shell.
        python: With the package httpx.
        promote: Makes each version live, by its number.
    """

    curl: str
    python: str
    promote: dict[str, str]


class EndpointView(View, frozen=True):
    """How an endpoint is called, and its calls of the last 24 hours.

    Args:
        answers: Which versions answer, in words.
        live: The live version.
        versions: All versions that can be called, newest first.
        shadow: The version that is called without answering; null for none.
        errors: Answers with a status of 500 or more.
        refused: Answers with a status of 400 to 499.
        p50_ms, p95_ms: Milliseconds of a call; null without calls.
    """

    kind: EndpointKind
    answers: str
    live: int
    versions: tuple[int, ...]
    shadow: int | None
    calls: int
    errors: int
    refused: int
    p50_ms: float | None
    p95_ms: float | None
    lines: EndpointLines


def endpoint_view(row: EndpointRow, endpoint: Endpoint) -> EndpointView:
    """Return an endpoint.

    Args:
        endpoint: Its live version.
    """
    calls = row.statistics
    return EndpointView(
        kind=row.kind,
        answers=traffic_words(row),
        live=row.live,
        versions=row.versions,
        shadow=row.shadow,
        calls=calls.calls,
        errors=calls.errors,
        refused=calls.refused,
        p50_ms=calls.p50_ms,
        p95_ms=calls.p95_ms,
        lines=_lines(row, endpoint),
    )


def _lines(row: EndpointRow, endpoint: Endpoint) -> EndpointLines:
    name, example = quote(row.name), _example(endpoint)
    promote = {
        str(number): shell_line(PromoteRequest(name=row.name, version=number))
        for number in row.versions
    }
    if row.kind is EndpointKind.QUERY:
        # Queries have no samples, so the values are placeholders.
        query = f"?{urlencode(example)}" if example else ""
        url = f"{_ADDRESS}/queries/{name}{query}"
        return EndpointLines(
            curl=f"curl -H {shlex.quote(_HEADER)} {shlex.quote(url)}",
            python=f"httpx.get({json.dumps(url)}, {_HEADERS}).json()",
            promote=promote,
        )
    url, body = f"{_ADDRESS}/functions/{name}", json.dumps(example)
    return EndpointLines(
        curl=f"curl -H {shlex.quote(_HEADER)} -H 'Content-Type: application/json' "
        f"-d {shlex.quote(body)} {shlex.quote(url)}",
        python=f"httpx.post({json.dumps(url)}, json={example!r}, {_HEADERS}).json()",
        promote=promote,
    )


def _example(endpoint: Endpoint) -> dict[str, object]:
    """Return a request: the first sample, or the required parameters with placeholders."""
    if endpoint.samples:
        found: dict[str, object] = json.loads(endpoint.samples[0].request)
        return found
    return dict.fromkeys(json.loads(endpoint.request_schema).get("required", ()), "...")
