"""Alerts as JSON to a webhook."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urljoin, urlsplit

from jupyter_etl.alerts.addresses import AllowList, connect
from jupyter_etl.errors import DeclarationError, EtlError, PermissionDenied
from jupyter_etl.model import Run

TIMEOUT_S = 10.0
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}


class WebhookNotifier:
    """Posts every message as JSON: ``text title body severity run``.

    Only public addresses can be reached, unless others are allowed. This is checked for the address
    of the connection, and again after every redirect. Proxy settings of the environment are
    ignored.

    Args:
        url: ``http`` or ``https``. It may contain a token; messages show only the host.
        allow: Internal hosts, addresses and networks that may be reached.
    """

    def __init__(self, url: str, *, allow: Sequence[str] = ()) -> None:
        self._url = url
        self._allowed = AllowList.of(allow)
        _host_of(urlsplit(url))

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Post one message.

        Raises:
            PermissionDenied: The address is neither public nor allowed.
            EtlError: It could not be delivered.
        """
        message = {
            "text": f"{title}\n{body}".strip(),
            "title": title,
            "body": body,
            "severity": severity,
            "run": None if run is None else _about(run),
        }
        content = json.dumps(message).encode()
        url = self._url
        for _ in range(_MAX_REDIRECTS + 1):
            status, location = self._post(urlsplit(url), content)
            if status not in _REDIRECTS or not location:
                break
            url = _next(url, location)
        host = urlsplit(self._url).hostname
        if not 200 <= status < 300:
            raise EtlError(
                f"The alert was refused by {host}: HTTP {status}.",
                hint="Check the webhook's address.",
                retryable=status >= 500,
            )

    def _post(self, target: SplitResult, content: bytes) -> tuple[int, str]:
        host = _host_of(target)
        connection = _connection(target, host, self._allowed)
        path = target.path or "/"
        try:
            connection.request(
                "POST",
                f"{path}?{target.query}" if target.query else path,
                body=content,
                headers={"Content-Type": "application/json", "User-Agent": "jupyter-etl"},
            )
            response = connection.getresponse()
            return response.status, response.getheader("Location") or ""
        except (OSError, http.client.HTTPException) as problem:
            raise EtlError(
                f"The alert could not be sent to {host}: {type(problem).__name__}: {problem}.",
                retryable=True,
            ) from problem
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection over an existing socket."""

    def __init__(self, host: str, port: int, opened: socket.socket) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self.sock = opened


def _connection(target: SplitResult, host: str, allowed: AllowList) -> _Connection:
    port = target.port or _PORTS[target.scheme]
    opened = connect(host, port, allowed, timeout_s=TIMEOUT_S)
    if target.scheme == "https":
        try:
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
        except OSError as problem:
            opened.close()
            raise EtlError(f"The TLS connection to {host} failed: {problem}.") from problem
    return _Connection(host, port, opened)


def _host_of(target: SplitResult) -> str:
    try:
        port_is_valid = target.port is None or target.port > 0
    except ValueError:
        port_is_valid = False
    if target.scheme not in _PORTS or not target.hostname or not port_is_valid:
        raise DeclarationError(
            f"A webhook's address starts with http:// or https://, not {target.scheme!r}, and "
            "names a host.",
            hint="Write https://HOST/PATH.",
        )
    return target.hostname


def _next(url: str, location: str) -> str:
    following = urljoin(url, location)
    if urlsplit(url).scheme == "https" and urlsplit(following).scheme != "https":
        raise PermissionDenied(
            f"{urlsplit(url).hostname} redirects to an address without https; not followed."
        )
    return following


def _about(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "pipeline": run.new.pipeline,
        "state": run.state,
        "outcome": run.outcome,
        "error": run.error,
        "due_at": run.new.due_at.isoformat(),
        "owner": run.new.owner,
    }
