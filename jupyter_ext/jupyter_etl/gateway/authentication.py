"""The check of tokens and cookies, before routing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from hmac import compare_digest
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.responses import failure, sign_in_page
from jupyter_etl.gateway.sign_in import SIGN_IN_PATH, Cookies, sign_in, wants_page
from jupyter_etl.gateway.tokens import (
    NO_TOKEN,
    OPERATOR,
    Access,
    Decision,
    KnownTokens,
    Refusal,
    unauthorized,
)
from jupyter_etl.services.tokens import digest_of, looks_like_token

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_IN_QUERY = frozenset({"token", "access_token", "api_key"})
_READING = frozenset({"GET", "HEAD"})
"""Methods allowed with a cookie."""
_LOG = logging.getLogger(__name__)
_IN_URL = unauthorized(
    "A token in the URL is not accepted.", "Send it as Authorization: Bearer TOKEN."
)


class TokenGate:
    """Accepts requests only with ``Authorization: Bearer TOKEN`` or a browser's cookie.

    It precedes the routes, so that without a token no client can find out which paths exist, and
    sets ``request.state.access``. A token in the query string is rejected even if it is right,
    because URLs end up in logs and histories.

    Args:
        app: The protected application.
        operator: Returns the token of the operator, or raises `EtlError`.
        tokens: The tokens of consumers.
    """

    def __init__(self, app: ASGIApp, operator: Callable[[], str], tokens: KnownTokens) -> None:
        self._app = app
        self._operator = operator
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with 401, 429, or 503 if tokens cannot be checked."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        try:
            operator = self._operator()
        except EtlError as problem:
            _LOG.warning("All requests are refused: %s", problem)
            hint = "Ask its operator; it is logged."
            return failure(503, "ServiceUnavailable", "The service has no valid token.", hint)
        if scope["method"] == "POST" and scope["path"] == SIGN_IN_PATH:
            cookies = Cookies(token=operator)
            return await sign_in(Request(scope, receive), cookies, partial(self._decide, operator))
        decision = await self._decision(scope, operator)
        if isinstance(decision, Access):
            scope.setdefault("state", {})["access"] = decision
            return None
        return _refused(scope, decision)

    async def _decision(self, scope: Scope, operator: str) -> Decision:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name.lower() in _IN_QUERY or looks_like_token(value) for name, value in query):
            return _IN_URL
        headers = Headers(scope=scope)
        if scope["method"] in _READING:
            access = Cookies(token=operator).access(headers, self._tokens.named)
            if access is not None:
                return access if access.token is None else self._tokens.admit(access.token)
        values = headers.getlist("authorization")
        scheme, _, given = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        return (
            await self._decide(operator, given.strip()) if scheme.lower() == "bearer" else NO_TOKEN
        )

    async def _decide(self, operator: str, value: str) -> Decision:
        # Digests have equal length: the comparison time reveals nothing about the token's.
        if compare_digest(digest_of(value), digest_of(operator)):
            return OPERATOR
        decision = self._tokens.decide(value)
        if decision is NO_TOKEN and looks_like_token(value):
            await self._tokens.refresh_for_new()
            decision = self._tokens.decide(value)
        return decision


def _refused(scope: Scope, refusal: Refusal) -> Response:
    if refusal.status == 401 and wants_page(Headers(scope=scope)):
        message = "" if refusal is NO_TOKEN else refusal.message
        answer = sign_in_page(Request(scope).url.path, message=message)
    else:
        answer = failure(refusal.status, refusal.kind, refusal.message, refusal.hint)
    if refusal.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="jupyter-etl"'
    if refusal.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after_s)
    return answer
