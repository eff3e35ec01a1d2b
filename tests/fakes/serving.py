"""Publications for the gateway, and a client without a socket."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pyarrow as pa

from jupyter_etl.errors import NotFound
from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.tokens import KnownTokens
from jupyter_etl.model import (
    Column,
    Committed,
    Publication,
    PublicationKind,
    PublicationVersion,
)
from jupyter_etl.ports import Reading

TOKEN = "t" * 43
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakePublications:
    """Versions in memory; it counts the opened ones."""

    versions: dict[str, list[PublicationVersion]] = field(default_factory=dict)
    tables: dict[tuple[str, int], pa.Table] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    error: Exception | None = None

    def add(self, what: Committed, *, draft: bool = False, table: pa.Table | None = None) -> None:
        known = self.versions.setdefault(what.name, [])
        number = 1 + sum(version.draft == draft for version in known)
        known.insert(
            0,
            PublicationVersion(
                name=what.name,
                number=number,
                draft=draft,
                what=what,
                owner="sam",
                pipeline="p",
                run_id=1,
                notebook="/home/sam/secret-place/n.ipynb",
                published_at=NOW,
            ),
        )
        if table is not None:
            self.tables[what.name, -number if draft else number] = table

    def add_table(self, name: str, table: pa.Table, *, draft: bool = False) -> None:
        columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
        what = Committed(
            name=name,
            kind=PublicationKind.TABLE,
            location=f"/lake/tables/{name}",
            rows=table.num_rows,
            columns=columns,
        )
        self.add(what, draft=draft, table=table)

    def list(self) -> list[Publication]:
        return [self.get(name) for name in sorted(self.versions)]

    def get(self, name: str) -> Publication:
        if self.error:
            raise self.error
        self.opened.append(name)
        if name not in self.versions:
            raise NotFound(f"no {name}")
        versions = self.versions[name]
        return Publication(
            name=name,
            kind=versions[0].what.kind,
            owner="sam",
            pipeline="p",
            live=next((v for v in versions if not v.draft), None),
            draft=next((v for v in versions if v.draft), None),
            freshness=None,
            created_at=NOW,
        )

    def history(self, name: str, *, draft: bool = False) -> builtins.list[PublicationVersion]:
        return [version for version in self.versions[name] if version.draft == draft]

    def reader(
        self,
        name: str,
        *,
        version: int | None = None,
        draft: bool = False,
        columns: tuple[str, ...] | None = None,
        limit: int | None = None,
    ) -> Reading:
        assert version is not None
        assert not draft
        table = self.tables[name, version]
        total = table.num_rows
        if columns is not None:
            table = table.select(columns)
        return Reading(batches=table.slice(0, limit).to_reader(1000), total_rows=total)

    def file(self, name: str, *, version: int | None = None, draft: bool = False) -> Path:
        found = next(v for v in self.versions[name] if v.number == version and v.draft == draft)
        return Path(found.what.location)


@dataclass
class FakeCatalogue:
    publications: FakePublications = field(default_factory=FakePublications)


class Client:
    """Sends requests to the application without a socket."""

    def __init__(
        self,
        publications: FakePublications,
        token: Callable[[], str] = lambda: TOKEN,
        *,
        tokens: KnownTokens | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._app = create_app(FakeCatalogue(publications), token, tokens=tokens, redact=redact)

    def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | list[tuple[Any, Any]] | None = None,
        data: dict[str, str] | None = None,
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://serve")
            async with self._app.router.lifespan_context(self._app), client:
                return await client.request(method, path, headers=headers, data=data)

        return anyio.run(send)

    def get(
        self, path: str, headers: dict[str, str] | list[tuple[Any, Any]] | None = None
    ) -> httpx.Response:
        return self.request("GET", path, headers)
