"""Calls of endpoints: which version answers, in which workers, from which copies of tables."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from anyio.to_thread import run_sync

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.call_counts import CallCounter
from jupyter_etl.gateway.catalogue import absent
from jupyter_etl.gateway.table_copies import TableCopies
from jupyter_etl.model import CallRole, EndpointKind, PublicationVersion, TrafficMode
from jupyter_etl.services.call_log import LoggedCall
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.serving import (
    EndpointBackend,
    Served,
    ServedEndpoint,
    endpoint_of,
    version_label,
)
from jupyter_etl.serving.answers import compare_answers
from jupyter_etl.serving.queries.execution import QueryCall
from jupyter_etl.serving.traffic import Route, choose_version
from jupyter_etl.serving.workers.fork_server import PRELOAD
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.pool import PoolState, WorkerPool
from jupyter_etl.serving.workers.protocol import Answer

REFRESH_S = 0.3
"""Seconds between two queries of the ledger: a promotion takes effect within a second."""

_FLUSH_S = 2.0
_PUBLISH_S = 300.0
"""Seconds between two versions of the tables of calls."""

_DRAIN_S = 60.0
_ASKED_S = 60.0
"""Seconds after the last call of a version that answers nothing by itself, before it is drained."""

_PRELOAD = (
    "jupyter_etl.serving.functions.serving",
    "jupyter_etl.serving.queries.execution",
    "jupyter_etl.serving.queries.tables",
)
_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class EndpointCall:
    """A call, as it was received.

    Args:
        body, content_type: Of the request.
        batch: Whether the body contains many requests.
        pairs: The decoded query string, for a query.
        accept: The header, for a query.
        version: The version that the caller asked for; None lets the traffic decide.
        draft: Whether the caller asked for the draft.
        token: Name of the token; "" for the operator's.
    """

    body: bytes = b""
    content_type: str = ""
    batch: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    accept: str = ""
    version: int | None = None
    draft: bool = False
    token: str = ""

    def value(self, name: str) -> object:
        """Return the value of a field, which decides which version answers; None without one."""
        for key, text in self.pairs:
            if key == name:
                return text
        if not self.body or self.batch:
            return None
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return found.get(name) if isinstance(found, dict) else None


@dataclass(frozen=True, kw_only=True)
class CallResult:
    """The answer to a call.

    Args:
        route: The version that answered, and why.
        call_id: Identifies the call in logs.
        seconds: Duration of the call in the workers, with the wait for one.
    """

    answer: Answer
    route: Route
    call_id: str
    seconds: float


@dataclass
class _Pool:
    """The workers of one version, and when a caller asked for this version."""

    version: PublicationVersion
    workers: WorkerPool
    asked_at: float = 0.0


_Key = tuple[str, int, bool, str]


@dataclass
class Endpoints:
    """The endpoints of a ledger in this process.

    Args:
        backend: The ledger, the lake and the secrets.
        launcher: Starts workers.
        draw: Returns a random number in ``[0, 1)``.
    """

    backend: EndpointBackend
    launcher: Launcher
    draw: Callable[[], float] = random.random
    served: Served = field(default_factory=Served)
    _pools: dict[_Key, _Pool] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _failed: set[str] = field(default_factory=set)
    _calls: list[LoggedCall] = field(default_factory=list)
    _published_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.counter = CallCounter(gateway=uuid4().hex)
        self.tables = TableCopies(self.backend)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the ledger, and record counts, until the block ends."""
        await self._attempt("Endpoints cannot be loaded", self.refresh)
        loops = [
            asyncio.create_task(
                self._repeat(REFRESH_S, "Endpoints cannot be loaded", self.refresh)
            ),
            asyncio.create_task(self._repeat(_FLUSH_S, "Calls cannot be counted", self.flush)),
        ]
        try:
            yield
        finally:
            for task in (*loops, *self._tasks):
                task.cancel()
            await asyncio.gather(*loops, *self._tasks, return_exceptions=True)
            await self._attempt("Calls cannot be counted", self.flush)
            await self._attempt("Calls cannot be published", self.publish_calls)
            await asyncio.gather(*(one.workers.close() for one in self._pools.values()))
            await self.launcher.close()
            await run_sync(self.backend.close)

    async def refresh(self) -> None:
        """Load what is served now, and start and drain workers accordingly."""
        served = await run_sync(self.backend.load, self.served)
        if served is self.served:
            return
        self.served = served
        await self.tables.follow(served)
        self._prepare_promoted()
        self._drain_demoted()

    async def flush(self) -> None:
        """Record the calls since the last time, and their counts."""
        calls, self._calls = self._calls, []
        if calls:
            await run_sync(self.backend.call_log.append, calls)
        await self.counter.flush(self.backend.add_counts)
        if time.monotonic() - self._published_at > _PUBLISH_S:
            await self.publish_calls()

    async def publish_calls(self) -> None:
        """Publish the recorded calls as tables: ``score.calls``."""
        self._published_at = time.monotonic()
        owners = {name: one.owner for name, one in self.served.endpoints.items()}
        await run_sync(self.backend.call_log.publish, owners)

    @property
    def is_ready(self) -> bool:
        """Whether the ledger has been read."""
        return bool(self.served.marks) or not self._failed

    def pools(self) -> list[tuple[PublicationVersion, WorkerPool]]:
        """Return the workers of this process by version."""
        return [(one.version, one.workers) for one in self._pools.values()]

    def find(self, name: str, kind: EndpointKind) -> ServedEndpoint:
        """Return an endpoint of a kind; raises `NotFound`."""
        found = self.served.endpoints.get(name)
        if found is None or found.kind is not kind:
            raise absent(name)
        return found

    async def call(self, endpoint: ServedEndpoint, call: EndpointCall) -> CallResult:
        """Answer a call.

        Raises:
            NotFound: There is no such version or draft.
            EtlError: The version, or a table that it reads, cannot be loaded.
        """
        call_id, begun = uuid4().hex, time.perf_counter()
        route = self._route(endpoint, call)
        version = _chosen(endpoint, route)
        answer, pool = await self._answer(version, call, asked=_is_asked(route))
        if pool.state is PoolState.DOWN and not _is_asked(route):
            before = endpoint.before(route.version)
            if before is not None:
                self._report_down(version, before, pool)
                route, version = Route(version=before.number, role=route.role), before
                answer, pool = await self._answer(version, call, asked=False)
        seconds = time.perf_counter() - begun
        self.counter.count(endpoint.name, route, answer.status, seconds)
        self._log(endpoint, call, route, answer, call_id, seconds)
        shadow = endpoint.traffic.shadow if endpoint.traffic is not None else None
        if shadow is not None and not _is_asked(route) and shadow in endpoint.versions:
            self._in_background(self._call_shadow(endpoint.versions[shadow], call, answer))
        return CallResult(answer=answer, route=route, call_id=call_id, seconds=seconds)

    def _log(
        self,
        endpoint: ServedEndpoint,
        call: EndpointCall,
        route: Route,
        answer: Answer,
        call_id: str,
        seconds: float,
    ) -> None:
        by = endpoint.traffic.by if endpoint.traffic is not None else ""
        value = call.value(by) if by else None
        self._calls.append(
            LoggedCall(
                at=datetime.now(UTC),
                endpoint=endpoint.name,
                version=route.version,
                role=route.role,
                token=call.token,
                status=answer.status,
                ms=round(1e3 * seconds, 3),
                call_id=call_id,
                value=None if value is None else str(value),
            )
        )

    # Routing

    def _route(self, endpoint: ServedEndpoint, call: EndpointCall) -> Route:
        if call.draft:
            if endpoint.draft is None:
                raise absent(endpoint.name)
            return Route(version=endpoint.draft.number, role=CallRole.DRAFT)
        if call.version is not None:
            return Route(version=endpoint.version(call.version).number, role=CallRole.VERSION)
        traffic = endpoint.traffic
        if traffic is None:
            raise absent(endpoint.name)
        value = call.value(traffic.by) if traffic.by else None
        return choose_version(traffic, draw=self.draw(), value=value)

    async def _call_shadow(
        self, version: PublicationVersion, call: EndpointCall, answer: Answer
    ) -> None:
        begun = time.perf_counter()
        other, _ = await self._answer(version, call, asked=False)
        route = Route(version=version.number, role=CallRole.SHADOW)
        seconds = time.perf_counter() - begun
        compared = compare_answers(answer, other) if answer.status < 500 else None
        self.counter.count(version.name, route, other.status, seconds, compared=compared)

    # Workers

    async def _answer(
        self, version: PublicationVersion, call: EndpointCall, *, asked: bool
    ) -> tuple[Answer, WorkerPool]:
        pool = await self._pool(version, asked=asked)
        if endpoint_of(version).kind is EndpointKind.FUNCTION:
            return await pool.call(call.body, call.content_type, batch=call.batch), pool
        answer = await self._query(version, call, pool)
        if answer.status == 503 and b'"CopyMissing"' in answer.body:
            self.tables.forget(endpoint_of(version).reads)
            answer = await self._query(version, call, pool)
        return answer, pool

    async def _query(
        self, version: PublicationVersion, call: EndpointCall, pool: WorkerPool
    ) -> Answer:
        endpoint = endpoint_of(version)
        copies = await self.tables.for_call(endpoint.reads, endpoint.key, call.pairs)
        request = QueryCall(
            copies=copies,
            pairs=list(call.pairs),
            values=_values(call) if call.body else None,
            accept=call.accept,
        )
        return await pool.call(msgspec.json.encode(request), "application/json")

    async def _pool(self, version: PublicationVersion, *, asked: bool) -> WorkerPool:
        key = _key(version)
        one = self._pools.get(key)
        if one is None:
            spec = await run_sync(self.backend.spec, version)
            await self.tables.keep(endpoint_of(version).reads, endpoint_of(version).key)
            # Another call may have created it meanwhile.
            one = self._pools.get(key)
            if one is None:
                log = self.backend.folder / f"{version_label(version).replace(' ', '-')}.log"
                one = self._pools[key] = _Pool(version, WorkerPool(spec, self.launcher, log=log))
        if asked:
            one.asked_at = time.monotonic()
        return one.workers

    def _prepare_promoted(self) -> None:
        """Start the workers of versions that answer from now on, if the endpoint is in use."""
        in_use = {
            key[0] for key, one in self._pools.items() if one.workers.state is PoolState.READY
        }
        for endpoint in self.served.endpoints.values():
            for version in _answering(endpoint):
                keep_warm = endpoint_of(version).keep_warm
                if _key(version) not in self._pools and (keep_warm or endpoint.name in in_use):
                    self._in_background(self._start(version))

    async def _start(self, version: PublicationVersion) -> None:
        with suppress(EtlError):
            await (await self._pool(version, asked=False)).start()

    def _drain_demoted(self) -> None:
        """End the workers of versions that answer nothing, unless a caller asked for them lately."""
        needed = {
            _key(version)
            for endpoint in self.served.endpoints.values()
            for version in _answering(endpoint)
        }
        now = time.monotonic()
        for key, one in list(self._pools.items()):
            if key not in needed and now - one.asked_at > _ASKED_S:
                del self._pools[key]
                self._in_background(one.workers.drain(_DRAIN_S))

    def _report_down(
        self, version: PublicationVersion, before: PublicationVersion, pool: WorkerPool
    ) -> None:
        reason = pool.reason.message if pool.reason is not None else ""
        text = f"{version_label(version)} cannot start, version {before.number} answers: {reason}"
        if text not in self._failed:
            self._failed.add(text)
            _LOG.error("%s", text)

    # Tasks

    def _in_background(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except EtlError as problem:
            _LOG.warning("%s", problem)
        except Exception:  # noqa: BLE001 - it is logged, and nobody waits for it
            _LOG.exception("A task of the gateway failed")

    async def _repeat(
        self, seconds: float, failed: str, step: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._attempt(failed, step)

    async def _attempt(self, failed: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Take a step; log a failure, but the same one not every time."""
        try:
            await step()
        except Exception as problem:  # noqa: BLE001 - the task must continue, and it is logged
            if failed not in self._failed:
                unforeseen = not isinstance(problem, EtlError)
                _LOG.warning("%s: %s", failed, problem, exc_info=unforeseen)
            self._failed.add(failed)
        else:
            self._failed.discard(failed)


def served_endpoints(etl: Etl) -> Endpoints:
    """Return the endpoints of a ledger; serving copies and logs are in the home."""
    folder = etl.settings.home / "serving"
    folder.mkdir(mode=0o700, exist_ok=True)
    launcher = Launcher(folder, preload=(*PRELOAD, *_PRELOAD))
    return Endpoints(EndpointBackend(etl, folder), launcher)


def _key(version: PublicationVersion) -> _Key:
    return (version.name, version.number, version.draft, version.what.content_hash)


def _is_asked(route: Route) -> bool:
    return route.role in (CallRole.VERSION, CallRole.DRAFT)


def _chosen(endpoint: ServedEndpoint, route: Route) -> PublicationVersion:
    if route.role is CallRole.DRAFT and endpoint.draft is not None:
        return endpoint.draft
    return endpoint.version(route.version)


def _answering(endpoint: ServedEndpoint) -> list[PublicationVersion]:
    """Return the versions that the traffic reaches."""
    if endpoint.traffic is None:
        return []
    return [endpoint.versions[one] for one in endpoint.traffic.served if one in endpoint.versions]


def _values(call: EndpointCall) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])


def traffic_of(endpoint: ServedEndpoint) -> Mapping[int, float]:
    """Return the share of the calls that each version answers; empty with drafts only."""
    traffic = endpoint.traffic
    if traffic is None or traffic.mode is TrafficMode.LIVE:
        return {}
    return traffic.shares
