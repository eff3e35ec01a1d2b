"""The tokens of consumers: their scopes, states and rates, from a copy of the ledger's table."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hmac import compare_digest
from typing import TypeAlias

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.catalogue import absent
from jupyter_etl.language.scopes import covers, format_rate
from jupyter_etl.model import AccessToken, Publication, PublicationKind
from jupyter_etl.services.tokens import TokenState, digest_of, state_of

REFRESH_S = 0.4
"""Seconds between two queries of the ledger: a revocation takes effect within a second."""

STALE_S = 30.0
"""How long the last known tokens are accepted while the ledger does not answer, in seconds."""

_NEW_TOKEN_S = 0.05
"""Seconds between two queries of the ledger that unknown tokens cause."""

_WAIT_S = 1.0
_NOTE_S = 5.0
_READABLE = frozenset({PublicationKind.TABLE, PublicationKind.FILE, PublicationKind.REPORT})
_REFRESH = "Tokens cannot be refreshed"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Access:
    """What the sender of a request may see.

    Args:
        token: The token of a consumer; None for that of the operator, which allows everything.
    """

    token: AccessToken | None = None

    def may_read(self, name: str) -> bool:
        """Return whether it allows reading the table, file or report of this name."""
        return self.token is None or covers(self.token.read, name)

    def may_call(self, name: str) -> bool:
        """Return whether it allows calling the query or function of this name."""
        return self.token is None or covers(self.token.call, name)

    def may_see(self, publication: Publication) -> bool:
        """Return whether listings contain a publication."""
        readable = publication.kind in _READABLE
        return (self.may_read if readable else self.may_call)(publication.name)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a request is not answered.

    Args:
        status: 401, 429 or 503.
        kind, message, hint: As in `failure`.
        retry_after_s: After how many seconds the same request may succeed; None for never.
    """

    status: int
    kind: str
    message: str
    hint: str
    retry_after_s: int | None = None


Decision: TypeAlias = Access | Refusal

OPERATOR = Access()


def unauthorized(message: str, hint: str) -> Refusal:
    """Return the refusal of a token that is missing or invalid."""
    return Refusal(status=401, kind="Unauthorized", message=message, hint=hint)


NO_TOKEN = unauthorized(
    "This needs a token of the service.",
    "Send it as Authorization: Bearer TOKEN; its operator creates one: jupyter etl token create.",
)
_STALE = Refusal(
    status=503,
    kind="ServiceUnavailable",
    message="Tokens cannot be checked at present, because the ledger does not answer.",
    hint="Try again. If it persists, ask the operator.",
    retry_after_s=1,
)


def access_of(request: Request) -> Access:
    """Return what the sender of a request may see, as the `TokenGate` has found out."""
    access: Access = request.state.access
    return access


def require_read(request: Request, name: str) -> None:
    """Raise for a name beyond the token's scope the `NotFound` of a name that does not exist."""
    if not access_of(request).may_read(name):
        raise absent(name)


@dataclass
class _Bucket:
    """A token bucket: the requests that may be sent at once, refilled at the rate."""

    left: float
    at: float


@dataclass
class KnownTokens:
    """The tokens in the ledger, queried in the background and not for each request.

    Args:
        load: Returns all tokens; called in a thread.
        note: Records the last uses of tokens by name; called in a thread.
        now: Returns the time, UTC.
        monotonic: Returns monotonic seconds.
    """

    load: Callable[[], Sequence[AccessToken]] = tuple
    note: Callable[[Mapping[str, datetime]], None] = lambda uses: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    _tokens: Mapping[str, AccessToken] = field(default_factory=dict)
    _known_at: float = -math.inf
    _uses: dict[str, datetime] = field(default_factory=dict)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    @asynccontextmanager
    async def refreshed(self) -> AsyncIterator[None]:
        """Query the ledger at the start of the block and then regularly, until it ends."""
        self._lock = anyio.Lock()
        await self._attempt(_REFRESH, self.refresh)
        async with anyio.create_task_group() as group:
            group.start_soon(self._refresh_regularly)
            group.start_soon(self._note_regularly)
            yield
            group.cancel_scope.cancel()

    def refresh(self) -> None:
        """Query the ledger once; raises `StoreError`."""
        asked_at = self.monotonic()
        tokens = {token.name: token for token in self.load()}
        # A slow query must not replace the result of one that began later.
        if asked_at >= self._known_at:
            self._tokens, self._known_at = tokens, asked_at

    async def refresh_for_new(self) -> None:
        """Query the ledger for a token that may have been created since the last query.

        Requests that wait at the same time share one query, and their number does not matter to the
        ledger. While it does not answer, nothing is queried here.
        """
        asked_at = self.monotonic()
        with anyio.move_on_after(_WAIT_S):
            async with self._lock:
                if self._known_at < asked_at and _REFRESH not in self._failed:
                    wait_s = self._known_at + _NEW_TOKEN_S - self.monotonic()
                    await anyio.sleep(max(0.0, wait_s))
                    await self._attempt(_REFRESH, self.refresh)

    def named(self, name: str) -> AccessToken | None:
        """Return the token of a name."""
        return self._tokens.get(name)

    def decide(self, value: str) -> Decision:
        """Return what the value of a token allows now, or why it is refused."""
        digest, found = digest_of(value), None
        # All are compared: the time depends neither on the digest nor on the place of its token.
        for token in self._tokens.values():
            if compare_digest(token.digest, digest):
                found = token
        if found is not None:
            return self.admit(found)
        return NO_TOKEN if self._are_known() else _STALE

    def admit(self, token: AccessToken) -> Decision:
        """Return what a known token allows now, or why it is refused; counts as a use."""
        if not self._are_known():
            return _STALE
        now = self.now()
        state = state_of(token, now)
        if state is not TokenState.VALID:
            ended = token.revoked_at or token.expires_at
            verb = "was revoked" if state is TokenState.REVOKED else "expired"
            return unauthorized(
                f"The token {token.name!r} {verb} on {ended:%Y-%m-%d at %H:%M} UTC.",
                f"Ask {token.owner}, who created it, for a new one.",
            )
        minute = now.replace(second=0, microsecond=0)
        if token.last_used_at is None or token.last_used_at < minute:
            self._uses[token.name] = minute
        wait_s = self._take(token)
        if not wait_s:
            return Access(token=token)
        return Refusal(
            status=429,
            kind="TooManyRequests",
            message=f"The token {token.name!r} allows {format_rate(token.rate or 0)} (requests per "
            "second).",
            hint=f"Try again in {wait_s} s.",
            retry_after_s=wait_s,
        )

    def _are_known(self) -> bool:
        return self.monotonic() - self._known_at <= STALE_S

    def _take(self, token: AccessToken) -> int:
        """Count a request; return how many seconds to wait if it is one too many, otherwise 0."""
        if token.rate is None:
            return 0
        most, now = max(1.0, token.rate), self.monotonic()
        bucket = self._buckets.setdefault(token.name, _Bucket(most, now))
        bucket.left = min(most, bucket.left + (now - bucket.at) * token.rate)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return 0
        return max(1, math.ceil((1 - bucket.left) / token.rate))

    async def _refresh_regularly(self) -> None:
        while True:
            await anyio.sleep(REFRESH_S)
            await self._attempt(_REFRESH, self.refresh)

    async def _note_regularly(self) -> None:
        while True:
            await anyio.sleep(_NOTE_S)
            uses, self._uses = self._uses, {}
            if uses:
                # Not in the task that refreshes: a write may wait for the lock of the ledger.
                await self._attempt("Uses of tokens cannot be recorded", partial(self.note, uses))

    async def _attempt(self, failed: str, step: Callable[[], None]) -> None:
        """Take a step in a thread; log a failure, but the same one not every time."""
        try:
            # A limiter of its own: requests that fill the pool of threads must not delay it.
            await run_sync(step, limiter=anyio.CapacityLimiter(1), abandon_on_cancel=True)
        except Exception as problem:  # noqa: BLE001 - the task must continue, and it is logged
            if failed not in self._failed:
                unforeseen = not isinstance(problem, EtlError)
                _LOG.warning("%s: %s", failed, problem, exc_info=unforeseen)
            self._failed.add(failed)
        else:
            self._failed.discard(failed)
