"""Gateways with real workers over a real ledger, called without a socket; endpoints to publish."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import httpx
import pyarrow as pa

from fakes.notebook_cells import defined
from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.endpoints.endpoints import Endpoints, served_endpoints
from jupyter_etl.gateway.tokens import KnownTokens
from jupyter_etl.model import (
    Endpoint,
    EndpointKind,
    PublicationKind,
    PublicationVersion,
    Sample,
    Staged,
)
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.publications.publishing import publish_staged
from jupyter_etl.services.reading import live_version, publisher_for
from jupyter_etl.services.serving.copies import schema_of
from jupyter_etl.services.settings import Settings
from jupyter_etl.serving.functions.capture import capture
from jupyter_etl.serving.queries.definition import define_query

OPERATOR = "operator-" + "x" * 30
T = TypeVar("T")


def open_ledger(home: Path, owner: str = "sam") -> Etl:
    """Open the ledger in a home as one of its owners."""
    env = {"JUPYTER_ETL_OWNER": owner, "JUPYTER_ETL_TIMEZONE": "UTC"}
    return Etl.open(Settings.from_env(env, home=str(home)))


class Gateway:
    """A gateway in a thread of its own, which must live as long as the workers.

    Args:
        etl: Its ledger.
    """

    def __init__(self, etl: Etl) -> None:
        self.endpoints: Endpoints = served_endpoints(etl)
        self.app = create_app(
            etl,
            lambda: OPERATOR,
            tokens=KnownTokens(etl.tokens.list, etl.tokens.note_uses),
            endpoints=self.endpoints,
            redact=etl.redacted_answer,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    @contextmanager
    def running(self) -> Iterator[Gateway]:
        """Run it until the block ends."""
        self._thread.start()
        lifespan = self.app.router.lifespan_context(self.app)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://serve")
        ended = asyncio.Event()
        ready: Future[None] = Future()
        # The lifespan has task groups: it must be left by the task that entered it.
        whole = self.start(self._live(lifespan, ready, ended))
        try:
            ready.result()
            yield self
        finally:
            self._loop.call_soon_threadsafe(ended.set)
            whole.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _live(self, lifespan: Any, ready: Future[None], ended: asyncio.Event) -> None:
        try:
            async with lifespan, self._client:
                ready.set_result(None)
                await ended.wait()
        except BaseException as problem:
            if not ready.done():
                ready.set_exception(problem)
            raise

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine in the loop of the gateway."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine in the loop of the gateway."""
        return self.start(work()).result()

    def request(
        self, method: str, path: str, *, token: str = OPERATOR, **given: Any
    ) -> httpx.Response:
        return self.start(self.send(method, path, token=token, **given)).result()

    async def send(
        self, method: str, path: str, *, token: str = OPERATOR, **given: Any
    ) -> httpx.Response:
        """Send a request from a coroutine in the loop of the gateway."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= given.pop("headers", {})
        return await self._client.request(method, path, headers=headers, **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, body: object = None, **given: Any) -> httpx.Response:
        """Post a value as JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **given.pop("headers", {})}
        return self.request("POST", path, content=content, headers=headers, **given)


def publish_table(etl: Etl, name: str, rows: pa.Table) -> PublicationVersion:
    """Publish a version of a table."""
    return _publish(etl, Staged(name=name, kind=PublicationKind.TABLE, folder=""), rows=rows)


def publish_query(
    etl: Etl, name: str, sql: str, *, key: Sequence[str] = (), draft: bool = False, **fields: Any
) -> PublicationVersion:
    """Publish a version or draft of a query.

    Args:
        fields: Of `Endpoint`.
    """
    found = define_query(sql, lambda table: schema_of(_live(etl, table)), key=key)
    endpoint = Endpoint(
        kind=EndpointKind.QUERY,
        request_schema=found.request_schema,
        response_schema=found.response_schema,
        doc=found.doc,
        sql=found.sql,
        reads=found.reads,
        key=tuple(key),
        **fields,
    )
    return _publish(etl, _staged(name, endpoint), draft=draft)


def publish_function(
    etl: Etl,
    name: str,
    source: str,
    *,
    function: str = "",
    samples: Sequence[str] = (),
    draft: bool = False,
    **fields: Any,
) -> PublicationVersion:
    """Publish a version or draft of the function that a cell defines.

    Args:
        function: Its name in the cell; "" for the last part of `name`.
        fields: Of `Endpoint`.
    """
    captured = capture(defined(source, function or name.rpartition(".")[2]))
    given: dict[str, Any] = {"packages": captured.packages, "timeout_s": 10.0, **fields}
    endpoint = Endpoint(
        kind=EndpointKind.FUNCTION,
        request_schema=json.dumps(captured.signature.request_schema),
        response_schema=json.dumps(captured.signature.response_schema),
        doc=captured.signature.doc,
        interpreter=sys.executable,
        python=captured.python,
        code_hash=captured.code_hash,
        samples=tuple(Sample(request=one, response="null", seconds=0.01) for one in samples),
        **given,
    )
    return _publish(etl, _staged(name, endpoint), draft=draft, payload=captured.payload)


def _live(etl: Etl, name: str) -> PublicationVersion:
    return live_version(etl.publications.get(name))


def _staged(name: str, endpoint: Endpoint) -> Staged:
    return Staged(
        name=name, kind=PublicationKind.API, folder="", key=endpoint.key, endpoint=endpoint
    )


def _publish(
    etl: Etl,
    request: Staged,
    *,
    rows: pa.Table | None = None,
    draft: bool = False,
    payload: bytes = b"",
) -> PublicationVersion:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "function.pickle").write_bytes(payload)
        placed = replace(request, folder=folder)
        reader = None if rows is None else rows.to_reader()
        staged = publisher_for(request.kind).stage(placed, reader)
        return publish_staged(
            staged,
            store=etl.store,
            clock=etl.clock,
            lake=etl.lake,
            owner=etl.settings.owner,
            draft=draft,
        )


def kind_of(answer: object) -> tuple[int, str]:
    """Return status and kind of an error, which must have the form of all errors."""
    error = answer.json()["error"]  # type: ignore[attr-defined]
    assert set(error) == {"kind", "message", "hint", "fields"}
    assert error["message"].endswith((".", "?"))
    return answer.status_code, error["kind"]  # type: ignore[attr-defined]
