"""The commands for endpoints."""

from __future__ import annotations

from datetime import timedelta

from jupyter_etl.cli.output import write, write_json, write_table
from jupyter_etl.language.commands.declarations import JsonOutput
from jupyter_etl.language.commands.endpoints import (
    CompareRequest,
    EndpointsRequest,
    PromoteRequest,
    SplitRequest,
)
from jupyter_etl.language.endpoints.shares import parse_share, parse_split
from jupyter_etl.model import Traffic
from jupyter_etl.services import Etl
from jupyter_etl.services.endpoints.display import (
    comparison_rows,
    comparison_words,
    endpoint_rows,
    endpoint_view,
)

NONE = "There are no endpoints yet. Publish one in a notebook: %%etl publish query or function"


def endpoints(etl: Etl, request: EndpointsRequest) -> int:
    """List endpoints."""
    found = etl.endpoints.list()
    if request.json:
        write_json([endpoint_view(one) for one in found])
    else:
        write_table(endpoint_rows(found), NONE)
    return 0


def promote(etl: Etl, request: PromoteRequest) -> int:
    """Make a version live, or its canary or shadow."""
    canary = parse_share(request.canary) if request.canary else None
    changed = etl.endpoints.promote(
        request.name, request.version, canary=canary, shadow=request.shadow
    )
    return _write_traffic(etl, request, changed)


def split(etl: Etl, request: SplitRequest) -> int:
    """Divide the calls among versions."""
    shares = parse_split(request.shares)
    changed = etl.endpoints.split(request.name, shares, by=request.by or "")
    return _write_traffic(etl, request, changed)


def compare(etl: Etl, request: CompareRequest) -> int:
    """Compare two versions."""
    since = etl.clock.now() - timedelta(seconds=request.since)
    found = etl.endpoints.compare(request.name, request.before, request.after, since=since)
    if request.json:
        write_json(found)
        return 0
    write_table(comparison_rows(found), "")
    write(comparison_words(found))
    return 0


def _write_traffic(etl: Etl, request: JsonOutput, changed: Traffic) -> int:
    if request.json:
        write_json(endpoint_view(etl.endpoints.get(changed.name)))
    else:
        write(f"{changed.name}: {changed.note}.")
    return 0
