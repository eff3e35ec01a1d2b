"""Requests to an HTTP API: authentication, retries, limits, and readable errors."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx

from jupyter_etl.errors import SourceError
from jupyter_etl.language.sizes import format_size
from jupyter_etl.sources.http.options import HttpTarget

TRIES = 4
MAX_WAIT_S = 120.0
"""Maximum total seconds that one reading waits between tries."""

_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_ACCEPT = "application/json, application/x-ndjson;q=0.9, text/csv;q=0.9, */*;q=0.1"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response, with its body in a file.

    Args:
        url: After redirects.
        content_type: Without its parameters, lower case; "" if missing.
        link: URL of the next page in the ``Link`` header (RFC 8288); "" for none.
        headers: All headers; names in lower case.
        partial: Whether the status is 206 (partial content).
        empty: Whether the status is 204 (no content).
    """

    url: httpx.URL
    content_type: str
    link: str
    headers: Mapping[str, str]
    partial: bool
    empty: bool


class Exchange:
    """An HTTP client for one reading; use it as a context manager.

    Args:
        wait: Sleeps for a number of seconds.
    """

    def __init__(self, target: HttpTarget, *, wait: Callable[[float], None]) -> None:
        self._target = target
        self._wait = wait
        self._waited_s = 0.0
        self._bytes = 0
        self._client = httpx.Client(
            transport=_Signing(target),
            follow_redirects=True,
            max_redirects=10,
            timeout=target.timeout_s,
            headers={"Accept": _ACCEPT, "User-Agent": "jupyter-etl"},
        )

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def get(self, url: httpx.URL, body: Path) -> Answer:
        """Fetch a page, and retry if that may help.

        Args:
            body: File to write the decoded body to.

        Raises:
            SourceError: There is no response, an error response, or one larger than allowed.
        """
        for number in range(1, TRIES + 1):
            try:
                return self._once(url, body)
            except SourceError as problem:
                # Full jitter, so that runs that failed together do not retry together.
                pause = float(
                    str(problem.data.get("retry_after_s") or random.uniform(0.1, 2.0**number))
                )
                if not problem.retryable or number == TRIES:
                    raise
                if self._waited_s + pause > MAX_WAIT_S:
                    raise
                self._waited_s += pause
                self._wait(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, url: httpx.URL, body: Path) -> Answer:
        before = self._bytes
        try:
            with self._client.stream("GET", url) as response:
                if not response.is_success:
                    raise self._refused(response)
                with body.open("wb") as file:
                    for chunk in response.iter_bytes():
                        self._bytes += len(chunk)
                        self._refuse_size()
                        file.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            self._bytes = before
            raise self._unreachable(url, problem) from problem
        return Answer(
            url=response.url,
            content_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
            link=_next_link(response),
            headers=response.headers,
            partial=response.status_code == 206,
            empty=response.status_code == 204,
        )

    def _refuse_size(self) -> None:
        limit = self._target.max_bytes
        if self._bytes > limit:
            raise SourceError(
                f"Source '{self._target.name}': the response is larger than {format_size(limit)}.",
                hint="Ask for less in the URL, or allow more: --option size=4GB.",
                retryable=False,
                data={"max_bytes": limit},
            )

    def _refused(self, response: httpx.Response) -> SourceError:
        status, host = response.status_code, response.url.host
        message = f"{status} {response.reason_phrase}".strip()
        where = f"{host}{response.url.path}"
        data: dict[str, object] = {"host": host, "status": status}
        after = _retry_after_s(response.headers.get("retry-after", ""))
        if after is not None:
            data["retry_after_s"] = after
        hints = {
            401: self._about_secret(),
            403: self._about_secret(),
            404: "Check the address.",
            429: "It limits the rate of requests; schedule the notebook less often, or request "
            "larger pages.",
        }
        wants = f", and requests a wait of {after:.0f} s" if after else ""
        return SourceError(
            f"Source '{self._target.name}': {self._target.masked(where)} answered {message}{wants}.",
            hint=hints.get(status, ""),
            retryable=status in _LATER,
            data=data,
        )

    def _about_secret(self) -> str:
        if not self._target.secret:
            return "It requires authentication: pass the key with --secret NAME."
        return (
            f"It does not accept the secret, sent as {self._target.auth}; set it again, or set "
            "how it is sent: --option auth=bearer, basic, header:NAME or query:NAME."
        )

    def _unreachable(self, url: httpx.URL, problem: Exception) -> SourceError:
        host = url.host
        what = self._target.masked(str(problem)) or type(problem).__name__
        message = f"{host} cannot be reached: {what}"
        hint, later = "The server may be available later; check its address.", True
        if isinstance(problem, httpx.TimeoutException):
            message = f"{host} sent nothing for {self._target.timeout_s:g} s"
            hint = "Ask for smaller pages, or allow more: --option timeout=2m."
        elif isinstance(problem, httpx.RemoteProtocolError | httpx.ReadError):
            message = f"{host} closed the connection during its response: {what}"
        elif isinstance(problem, httpx.DecodingError):
            message = f"{host} sent an invalid response: {what}"
        elif isinstance(problem, httpx.UnsupportedProtocol | httpx.InvalidURL):
            message, hint, later = f"{host} redirects to a URL that is not http or https", "", False
        elif isinstance(problem, httpx.TooManyRedirects):
            message, hint, later = f"{host} redirects in a circle", "Check the address.", False
        elif "CERTIFICATE_VERIFY_FAILED" in what:
            hint = "Its certificate is not trusted; set SSL_CERT_FILE to a file with trusted ones."
            later = False
        return SourceError(
            f"Source '{self._target.name}': {message.rstrip('.')}.",
            hint=hint,
            retryable=later,
            data={"host": host},
        )


class _Signing(httpx.BaseTransport):
    """Adds the secret to requests to the declared server, and to no others.

    It works below the client, so that redirects and links to another host never contain the secret,
    and the client's log never shows it in a URL.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        self._origin = _origin(httpx.URL(target.url))
        host, scheme = httpx.URL(target.url).host, httpx.URL(target.url).scheme
        proxy = None if proxy_bypass(host) else getproxies().get(scheme)
        self._inner = httpx.HTTPTransport(proxy=proxy, verify=_trusted())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._target.secret and _origin(request.url) == self._origin:
            request = self._signed(request)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()

    def _signed(self, request: httpx.Request) -> httpx.Request:
        # A copy: errors contain the request.
        url, headers = request.url, request.headers.copy()
        kind, _, name = self._target.auth.partition(":")
        if kind == "query":
            url = url.copy_set_param(name, self._target.secret)
        elif kind == "header":
            headers[name] = self._target.secret
        elif kind == "basic":
            headers["Authorization"] = f"Basic {self._target.credentials}"
        else:
            headers["Authorization"] = f"Bearer {self._target.secret}"
        return httpx.Request(
            request.method,
            url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )


@cache
def _trusted() -> ssl.SSLContext:
    # Loaded once: loading certificates takes longer than a request.
    return httpx.create_ssl_context()


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _next_link(response: httpx.Response) -> str:
    for link in response.links.values():
        named = {name.lower(): value for name, value in link.items()}
        if "next" in named.get("rel", "").lower().split():
            # Sentry announces an empty next page.
            return "" if named.get("results") == "false" else named.get("url", "")
    return ""


def _retry_after_s(text: str) -> float | None:
    """Parse ``Retry-After``: seconds or a date.

    Source: RFC 9110, 10.2.3.
    """
    if text.strip().isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
