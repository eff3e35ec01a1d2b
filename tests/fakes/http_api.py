"""A local server with responses set by the test; it records its requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class ReceivedRequest:
    """A request."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A response; with ``cut``, the connection is closed after that many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


def json_reply(value: object, **headers: str) -> Reply:
    named = {key.replace("_", "-"): text for key, text in headers.items()}
    return Reply(
        body=json.dumps(value).encode(), headers={"Content-Type": "application/json", **named}
    )


@dataclass
class Api:
    """Its address, its responses and its requests."""

    url: str = ""
    answer: Callable[[ReceivedRequest], Reply] = field(default=lambda asked: Reply(status=404))
    asked: list[ReceivedRequest] = field(default_factory=list)


@contextmanager
def api_server() -> Iterator[Api]:
    """Run a server until the block ends."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = ReceivedRequest(
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={key.lower(): value for key, value in self.headers.items()},
            )
            api.asked.append(asked)
            said = api.answer(asked)
            self.send_response(said.status)
            for key, value in said.headers.items():
                self.send_header(key, value)
            if said.status != 204:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body[: said.cut])
            if said.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
