"""The commands for endpoints."""

from __future__ import annotations

from datetime import timedelta

from jupyter_etl.language.commands.endpoints import (
    CompareRequest,
    EndpointsRequest,
    PromoteRequest,
    SplitRequest,
)
from jupyter_etl.language.endpoints.shares import parse_share, parse_split
from jupyter_etl.model import Traffic
from jupyter_etl.services.endpoints.display import comparison_rows, comparison_words, endpoint_rows
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session

_NONE = "There are no endpoints yet. Publish one: %%etl publish query, or %%etl publish function"


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
