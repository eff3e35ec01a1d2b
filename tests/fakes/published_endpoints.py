"""Endpoints in a ledger, without files in the lake."""

from __future__ import annotations

from datetime import timedelta

from jupyter_etl.model import (
    CallCounts,
    CallRole,
    Committed,
    Endpoint,
    EndpointKind,
    PublicationKind,
)
from jupyter_etl.services.etl import Etl


def add_versions(
    etl: Etl, name: str = "score", count: int = 1, *, promote: bool = True, draft: bool = False
) -> None:
    """Publish versions of a function."""
    endpoint = Endpoint(kind=EndpointKind.FUNCTION, request_schema="{}", response_schema="{}")
    for _ in range(count):
        etl.store.publish(
            Committed(
                name=name,
                kind=PublicationKind.API,
                location=f"/lake/apis/{name}",
                endpoint=endpoint,
                promote=promote,
            ),
            owner=etl.settings.owner,
            pipeline="",
            notebook="",
            draft=draft,
            now=etl.clock.now(),
        )


def add_calls(etl: Etl, version: int, *, name: str = "score", **counts: object) -> None:
    """Count calls of a version in the current minute."""
    role = counts.pop("role", CallRole.LIVE)
    given = {"name": name, "version": version, "role": role, "gateway": "g", **counts}
    minute = etl.clock.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    etl.store.add_call_counts([CallCounts(minute=minute, **given)])  # type: ignore[arg-type]
