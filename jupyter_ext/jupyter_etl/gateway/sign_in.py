"""Sign-in for browsers: the token is sent once, in a form, and exchanged for a cookie."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response

from jupyter_etl.gateway.responses import sign_in_page
from jupyter_etl.gateway.tokens import NO_TOKEN, OPERATOR, Access, Decision, Refusal
from jupyter_etl.model import AccessToken

COOKIE = "jupyter-etl-serve"
SIGN_IN_PATH, SIGN_OUT_PATH = "/sign-in", "/sign-out"
_LIFETIME_S = 7 * 24 * 3600
_MOST_FORM_BYTES = 16_384


@dataclass(frozen=True, kw_only=True)
class Cookies:
    """Creates and checks session cookies.

    A cookie contains its expiry time, the name of the token of a consumer, and an HMAC of both and
    the token's digest with the operator's token as the key. It does not reveal a token, and is
    invalid as soon as either token changes.

    Args:
        token: The token of the operator.
    """

    token: str

    def make(self, access: Access = OPERATOR) -> str:
        """Return a cookie that is valid for seven days, and no longer than its token."""
        expires = str(int(time.time()) + _LIFETIME_S)
        if access.token is None:
            return f"{expires}.{self._signature(expires)}"
        name = access.token.name.encode().hex()
        return f"{expires}.{name}.{self._signature(expires, access.token)}"

    def access(self, headers: Headers, find: Callable[[str], AccessToken | None]) -> Access | None:
        """Return what the cookie of a request allows, if it has a valid one.

        Navigations from other sites, such as a link in a mail, are accepted: the other site cannot
        read the response. Other cross-site requests, which scripts make, are not.

        Args:
            find: Returns the token of a consumer by name, also an expired or revoked one.
        """
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
        if site not in ("none", "same-origin") and mode != "navigate":
            return None
        value = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        expires, _, rest = value.partition(".")
        name, dot, signature = rest.rpartition(".")
        token = find(_from_hex(name)) if dot else None
        if dot and token is None:
            return None
        if not hmac.compare_digest(signature.encode(), self._signature(expires, token).encode()):
            return None
        return Access(token=token) if int(expires) > time.time() else None

    def _signature(self, expires: str, token: AccessToken | None = None) -> str:
        whose = "" if token is None else f" with {token.digest}"
        text = f"browser until {expires}{whose}".encode()
        return hmac.new(self.token.encode(), text, hashlib.sha256).hexdigest()


def _from_hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""


def wants_page(headers: Headers) -> bool:
    """Return whether the client is a browser that requests a page, not a program with a token."""
    return "text/html" in headers.get("accept", "") and "authorization" not in headers


async def sign_in(
    request: Request, cookies: Cookies, decide: Callable[[str], Awaitable[Decision]]
) -> Response:
    """Check the token of the sign-in form; return a session cookie, or the form again.

    Args:
        decide: Returns what a token allows, or why it is refused.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM_BYTES:
            return sign_in_page("/", message="The request is too long.", status=413)
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    given, path = form.get("token", [""])[0].strip(), local_path(form.get("next", ["/"])[0])
    decision = await decide(given)
    if isinstance(decision, Refusal):
        unknown = decision is NO_TOKEN
        message = "This is not a token of the service." if unknown else decision.message
        return sign_in_page(path, message=message, status=decision.status)
    answer = RedirectResponse(path, status_code=303)
    answer.set_cookie(
        COOKIE,
        cookies.make(decision),
        max_age=_LIFETIME_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


async def sign_out(request: Request) -> Response:
    """Remove the cookie."""
    answer = RedirectResponse("/", status_code=303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return answer


def local_path(path: str) -> str:
    """Return a path of this service; ``/`` for anything that leads elsewhere."""
    local = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if local and path.isprintable() else "/"
