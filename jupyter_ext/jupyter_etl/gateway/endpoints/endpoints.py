"""Calls of endpoints: which version answers, in which workers, from which copies of tables."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import anyio
import msgspec
from anyio.to_thread import run_sync

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.catalogue import absent
from jupyter_etl.gateway.endpoints.background import Background
from jupyter_etl.gateway.endpoints.call_counts import CallCounter
from jupyter_etl.gateway.endpoints.pools import VersionPools
from jupyter_etl.gateway.endpoints.table_copies import TableCopies
from jupyter_etl.gateway.responses import public_error
from jupyter_etl.model import CallRole, EndpointKind, PublicationVersion
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.serving.backend import (
    EndpointBackend,
    Served,
    ServedEndpoint,
    endpoint_of,
    version_label,
)
from jupyter_etl.services.serving.call_log import LoggedCall
from jupyter_etl.serving.answers import compare_answers
from jupyter_etl.serving.queries.execution import QueryCall
from jupyter_etl.serving.queries.pages import outdated, read_token
from jupyter_etl.serving.queries.rejection import Rejected, answer_of, rejected
from jupyter_etl.serving.queries.tables import TableCall
from jupyter_etl.serving.traffic import Route, choose_version
from jupyter_etl.serving.workers.fork_server import PRELOAD
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.protocol import Answer, error_answer

REFRESH_S = 0.3
"""Seconds between two queries of the ledger: a promotion takes effect within a second."""

_FLUSH_S = 2.0
_PUBLISH_S = 300.0
"""Seconds between two versions of the tables of calls."""

_RENEW_S = 60.0
"""Seconds between two signs that the copies of tables are in use."""

_PRELOAD = (
    "jupyter_etl.serving.functions.serving",
    "jupyter_etl.serving.queries.execution",
    "jupyter_etl.serving.queries.tables",
)
_LOG = logging.getLogger(__name__)


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

    @property
    def following(self) -> str | None:
        """The token of a page after the first; None for the first."""
        return next((text for name, text in self.pairs if name == "next"), None)


@dataclass(frozen=True, kw_only=True)
class CallResult:
    """The answer to a call.

    Args:
        route: The version that answered, and why.
        seconds: Duration of the call in the workers, with the wait for one.
    """

    answer: Answer
    route: Route
    seconds: float


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
    _calls: list[LoggedCall] = field(default_factory=list)
    _published_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.counter = CallCounter(gateway=uuid4().hex)
        self.tables = TableCopies(self.backend)
        self._background = Background()
        self.pools = VersionPools(self.backend, self.launcher, self.tables, self._background)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the ledger, and record calls, until the block ends."""
        # A limiter of its own: requests that fill the pool of threads must not delay it.
        self._limiter = anyio.CapacityLimiter(1)
        background = self._background
        await background.attempt("Endpoints cannot be loaded", self.refresh)
        background.repeat(REFRESH_S, "Endpoints cannot be loaded", self.refresh)
        background.repeat(_FLUSH_S, "Calls cannot be recorded", self.flush)
        background.repeat(_RENEW_S, "Serving copies cannot be renewed", self.tables.renew)
        try:
            yield
        finally:
            await background.end()
            await background.attempt("Calls cannot be recorded", self.flush)
            await background.attempt("Calls cannot be published", self.publish_calls)
            await self.pools.close()
            await run_sync(self.backend.close)

    async def refresh(self) -> None:
        """Load what is served now, and start and drain workers accordingly."""
        served = await run_sync(self.backend.load, self.served, limiter=self._limiter)
        if served is not self.served:
            self.served = served
            self.tables.follow(served)
        self.pools.follow(served)

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
        return self.served.is_loaded

    def find(self, name: str, kind: EndpointKind) -> ServedEndpoint:
        """Return an endpoint of a kind; raises `NotFound`."""
        found = self.served.endpoints.get(name)
        if found is None or found.kind is not kind:
            raise absent(name)
        return found

    async def call(
        self, endpoint: ServedEndpoint, call: EndpointCall, *, call_id: str
    ) -> CallResult:
        """Answer a call; a failure of the version is an answer, too.

        Raises:
            NotFound: There is no such version or draft.
            Rejected: The token of a page is not valid.
        """
        begun = time.perf_counter()
        route = self._route(endpoint, call)
        answer = await self._answer(_chosen(endpoint, route), call, asked=_is_asked(route))
        if not _is_asked(route):
            before = self._before_down(endpoint, route)
            if before is not None:
                route = Route(version=before.number, role=CallRole.FALLBACK)
                answer = await self._answer(before, call)
        seconds = time.perf_counter() - begun
        self.counter.count(endpoint.name, route, answer.status, seconds)
        self._log(endpoint, call, route, answer, call_id, seconds)
        shadow = endpoint.traffic.shadow if endpoint.traffic is not None else None
        if shadow is not None and not _is_asked(route) and shadow in endpoint.versions:
            self._background.start(self._call_shadow(endpoint.versions[shadow], call, answer))
        return CallResult(answer=answer, route=route, seconds=seconds)

    async def read_table(
        self, name: str, number: int, pairs: tuple[tuple[str, str], ...], accept: str
    ) -> tuple[Answer, int]:
        """Read filtered rows of a version of a table.

        Args:
            pairs: The decoded query string.
            accept: The header.

        Returns:
            The answer, and the version that was read: the one that a page began with.

        Raises:
            EtlError: The table cannot be read, or the token of a page is not valid.
        """
        following = next((text for key, text in pairs if key == "next"), None)
        for _ in range(2):
            copy = await self.tables.of_version(name, number, following)
            request = TableCall(name=name, copy=copy, pairs=list(pairs), accept=accept)
            answer = await self.pools.of_tables().call(
                msgspec.json.encode(request), "application/json"
            )
            if not _is_copy_missing(answer):
                break
        return answer, copy.number

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
        if call.following is not None:
            return self._route_of_page(endpoint, call.following)
        traffic = endpoint.traffic
        if traffic is None:
            raise absent(endpoint.name)
        value = call.value(traffic.by) if traffic.by else None
        return choose_version(traffic, draw=self.draw(), value=value)

    def _route_of_page(self, endpoint: ServedEndpoint, following: str) -> Route:
        """Return the version that answered the first page, also after a promotion."""
        number = read_token(following, self.backend.pages_key).version
        if number not in endpoint.versions:
            raise outdated(f"Version {number}, which the first page came from, does not exist.")
        return Route(version=number, role=CallRole.VERSION)

    def _before_down(self, endpoint: ServedEndpoint, route: Route) -> PublicationVersion | None:
        """Return the version that answers in place of one that cannot start; None otherwise."""
        version = endpoint.versions[route.version]
        reason = self.pools.why_down(version)
        before = endpoint.before(route.version)
        if reason is None or before is None:
            return None
        text = f"{version_label(version)} cannot start, version {before.number} answers: {reason}"
        if text not in self._background.failed:
            self._background.failed.add(text)
            _LOG.error("%s", text)
            self._background.start(run_sync(self.backend.alert, f"{endpoint.name} is down", text))
        return before

    async def _call_shadow(
        self, version: PublicationVersion, call: EndpointCall, answer: Answer
    ) -> None:
        begun = time.perf_counter()
        other = await self._answer(version, call)
        route = Route(version=version.number, role=CallRole.SHADOW)
        seconds = time.perf_counter() - begun
        compared = compare_answers(answer, other) if answer.status < 500 else None
        self.counter.count(version.name, route, other.status, seconds, compared=compared)

    # Answers

    async def _answer(
        self, version: PublicationVersion, call: EndpointCall, *, asked: bool = False
    ) -> Answer:
        try:
            if endpoint_of(version).kind is EndpointKind.FUNCTION:
                workers = await self.pools.of(version, asked=asked)
                return await workers.call(call.body, call.content_type, batch=call.batch)
            answer = await self._query(version, call, asked=asked)
            if _is_copy_missing(answer):
                self.tables.forget(endpoint_of(version).reads)
                answer = await self._query(version, call, asked=asked)
            return answer
        except Rejected as problem:
            return answer_of(problem)
        except EtlError as problem:
            _LOG.warning("%s cannot answer: %s", version_label(version), problem)
            return error_answer(*public_error(problem))

    async def _query(
        self, version: PublicationVersion, call: EndpointCall, *, asked: bool
    ) -> Answer:
        reads = endpoint_of(version).reads
        request = QueryCall(
            copies=await self.tables.of_call(reads, endpoint_of(version).key, call.following),
            pairs=list(call.pairs),
            values=_values(call),
            accept=call.accept,
        )
        workers = await self.pools.of(version, asked=asked)
        return await workers.call(msgspec.json.encode(request), "application/json")


def served_endpoints(etl: Etl) -> Endpoints:
    """Return the endpoints of a ledger; serving copies and logs are in the home."""
    folder = etl.settings.home / "serving"
    folder.mkdir(mode=0o700, exist_ok=True)
    launcher = Launcher(folder, preload=(*PRELOAD, *_PRELOAD))
    return Endpoints(EndpointBackend(etl, folder), launcher)


def _is_asked(route: Route) -> bool:
    return route.role in (CallRole.VERSION, CallRole.DRAFT)


def _is_copy_missing(answer: Answer) -> bool:
    return answer.status == 503 and b'"CopyMissing"' in answer.body


def _chosen(endpoint: ServedEndpoint, route: Route) -> PublicationVersion:
    if route.role is CallRole.DRAFT and endpoint.draft is not None:
        return endpoint.draft
    return endpoint.version(route.version)


def _values(call: EndpointCall) -> dict[str, msgspec.Raw] | None:
    """Return the parameters in the body of a query; None if they are in the query string.

    Raises:
        Rejected: The body is not a JSON object.
    """
    if not call.body:
        return None
    if call.content_type.partition(";")[0].strip().lower() not in ("", "application/json"):
        hint = "Send the parameters in the query string, or as a JSON object."
        message = f"The content type {call.content_type[:80]!r} is not supported."
        raise rejected(415, "UnsupportedMediaType", message, hint)
    try:
        msgspec.json.decode(call.body)
        return msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        message = f"The body is not a JSON object: {problem}."
        raise rejected(400, "InvalidJson", message, "Send the parameters by name.") from None
