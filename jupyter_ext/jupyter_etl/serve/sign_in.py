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

from jupyter_etl.serve.pages import sign_in_page

COOKIE = "jupyter-etl-serve"
SIGN_IN_PATH, SIGN_OUT_PATH = "/sign-in", "/sign-out"
_LIFETIME_S = 7 * 24 * 3600
_MOST_FORM_BYTES = 16_384


@dataclass(frozen=True, kw_only=True)
class Cookies:
    """Makes and checks cookies that stand for the token.

    A cookie holds the time at which it expires, and a keyed hash of that. So it does not tell the
    token, and it ends with the token.

    Args:
        token: Of the service.
    """

    token: str

    def make(self) -> str:
        """Return a cookie for seven days."""
        expires = str(int(time.time()) + _LIFETIME_S)
        return f"{expires}.{self._signature(expires)}"

    def accepts(self, headers: Headers) -> bool:
        """Tell whether a request carries a valid cookie and comes from a page of this service.

        A navigation may come from anywhere, as a link in a mail does: its answer is shown to the
        person, not to the site that has the link.
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
    """Tell whether a person's browser asks, not a program."""
    return "text/html" in headers.get("accept", "") and "authorization" not in headers


async def sign_in(request: Request, cookies: Cookies) -> Response:
    """Answer to the form of the sign-in page: a cookie, or the page again."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM_BYTES:
            return sign_in_page("/", message="The request is too long.", status=413)
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    given, path = form.get("token", [""])[0].strip(), local_path(form.get("next", ["/"])[0])
    digests = (hashlib.sha256(text.encode()).digest() for text in (given, cookies.token))
    if not hmac.compare_digest(*digests):
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
