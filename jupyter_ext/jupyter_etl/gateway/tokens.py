"""The token that consumers send; it is checked before routing."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from hmac import compare_digest
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jupyter_etl.errors import DeclarationError, EtlError, PermissionDenied, StoreError
from jupyter_etl.gateway.responses import failure, sign_in_page
from jupyter_etl.gateway.sign_in import SIGN_IN_PATH, Cookies, sign_in, wants_page

_OPEN_PATHS = frozenset({"/healthz"})
_IN_QUERY = frozenset({"token", "access_token", "api_key"})
_READING = frozenset({"GET", "HEAD"})
"""Methods allowed with a cookie."""
_TOKEN_BYTES = 32
_LOG = logging.getLogger(__name__)


def load_or_make_token(path: Path) -> str:
    """Return the token in a file, which is created on first use, readable only by its owner.

    Args:
        path: ``serve.token`` in the home.

    Returns:
        256 random bits as text.

    Raises:
        PermissionDenied: Others can read the file, or it is a symbolic link.
        DeclarationError: The file does not contain a token.
        StoreError: It can neither be read nor created.
    """
    try:
        with suppress(FileExistsError):
            return _make(path)
        return _load(path)
    except OSError as problem:
        raise StoreError(
            f"The token of the service cannot be stored in {path}: {problem.strerror}.",
            hint="Check the permissions of the home folder.",
        ) from problem


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    # Written to a temporary file and linked: other processes never read an empty file.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
        os.link(aside, path)
    finally:
        aside.unlink()
    return token


def _load(path: Path) -> str:
    if path.is_symlink():
        raise PermissionDenied(
            f"{path} is a symbolic link.", hint="Remove it; the service then creates a new token."
        )
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor) as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise PermissionDenied(f"Other users can read {path}.", hint=f"chmod 600 {path}")
        token = file.read().strip()
    if not re.fullmatch(r"[\w-]{20,}", token):
        raise DeclarationError(
            f"{path} contains no token.", hint="Remove it; the service then creates a new token."
        )
    return token


class TokenFile:
    """The token in a file. Changes of the file apply to the next request.

    To revoke the token, delete the file: a new one is created.

    Args:
        path: ``serve.token`` in the home.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[object, str] = (None, "")

    def current(self) -> str:
        """Return the token; errors as in `load_or_make_token`."""
        seen = self._identity()
        if seen is None or seen != self._read[0]:
            token = load_or_make_token(self._path)
            self._read = (seen or self._identity(), token)
        return self._read[1]

    def _identity(self) -> object:
        try:
            facts = self._path.lstat()
        except OSError:
            return None
        return (facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_ctime_ns)


class TokenGate:
    """Accepts requests only with ``Authorization: Bearer <token>`` or a browser's cookie.

    It precedes the routes, so that without a token no client can find out which paths exist. A
    token in the query string is rejected even if it is right, because URLs end up in logs and
    histories.

    Args:
        app: The protected application.
        token: Returns the current token, or raises `EtlError`.
    """

    def __init__(self, app: ASGIApp, token: Callable[[], str]) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with 401, or with 503 if there is no valid token."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        try:
            token = self._token()
        except EtlError as problem:
            _LOG.warning("All requests are refused: %s", problem)
            hint = "Ask its operator; it is logged."
            return failure(503, "ServiceUnavailable", "The service has no valid token.", hint)
        if scope["method"] == "POST" and scope["path"] == SIGN_IN_PATH:
            return await sign_in(Request(scope, receive), Cookies(token=token))
        refusal = _refusal(scope, token)
        if refusal is None:
            return None
        if wants_page(Headers(scope=scope)):
            answer = sign_in_page(Request(scope).url.path)
        else:
            answer = failure(401, "Unauthorized", *refusal)
        answer.headers["WWW-Authenticate"] = 'Bearer realm="jupyter-etl"'
        return answer


def _refusal(scope: Scope, token: str) -> tuple[str, str] | None:
    query = scope.get("query_string", b"").decode("latin-1")
    names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if names & _IN_QUERY:
        return ("A token in the URL is not accepted.", "Send it as Authorization: Bearer TOKEN.")
    headers = Headers(scope=scope)
    if scope["method"] in _READING and Cookies(token=token).accepts(headers):
        return None
    values = headers.getlist("authorization")
    scheme, _, given = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    # Digests have equal length: the comparison time reveals nothing about the token's.
    right = compare_digest(_digest(given.strip()), _digest(token))
    if scheme.lower() == "bearer" and right:
        return None
    return (
        "This needs the service's token.",
        "Send it as Authorization: Bearer TOKEN; the operator finds it in serve.token.",
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
