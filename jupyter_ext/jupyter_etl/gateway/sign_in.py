"""Sign-in for browsers: the token is sent once, in a form, and exchanged for a cookie."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response

from jupyter_etl.gateway.responses import sign_in_page

COOKIE = "jupyter-etl-serve"
SIGN_IN_PATH, SIGN_OUT_PATH = "/sign-in", "/sign-out"
_LIFETIME_S = 7 * 24 * 3600
_MOST_FORM_BYTES = 16_384


@dataclass(frozen=True, kw_only=True)
class Cookies:
    """Creates and checks session cookies.

    A cookie contains its expiry time and an HMAC of it with the token as the key. It does not
    reveal the token, and is invalid as soon as the token changes.

    Args:
        token: The token of the service.
    """

    token: str

    def make(self) -> str:
        """Return a cookie that is valid for seven days."""
        expires = str(int(time.time()) + _LIFETIME_S)
        return f"{expires}.{self._signature(expires)}"

    def accepts(self, headers: Headers) -> bool:
        """Return whether a request has a valid cookie and is not a cross-site request of a script.

        Navigations from other sites, such as a link in a mail, are accepted: the other site cannot
        read the response.
        """
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
        if site not in ("none", "same-origin") and mode != "navigate":
            return False
        value = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        expires, _, signature = value.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(expires).encode()):
            return False
        return int(expires) > time.time()

    def _signature(self, expires: str) -> str:
        text = f"browser until {expires}".encode()
        return hmac.new(self.token.encode(), text, hashlib.sha256).hexdigest()


def wants_page(headers: Headers) -> bool:
    """Return whether the client is a browser that requests a page, not a program with a token."""
    return "text/html" in headers.get("accept", "") and "authorization" not in headers


async def sign_in(request: Request, cookies: Cookies) -> Response:
    """Check the token of the sign-in form; return a session cookie, or the form again."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM_BYTES:
            return sign_in_page("/", message="The request is too long.", status=413)
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    given, path = form.get("token", [""])[0].strip(), local_path(form.get("next", ["/"])[0])
    if not hmac.compare_digest(given.encode(), cookies.token.encode()):
        return sign_in_page(path, message="This is not the token of the service.")
    answer = RedirectResponse(path, status_code=303)
    answer.set_cookie(
        COOKIE,
        cookies.make(),
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
