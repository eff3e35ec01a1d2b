"""Server fixtures, only for this folder and that of security.

pytest-jupyter has autouse fixtures that own the event loop, and Playwright's sync API
runs a loop of its own: ``pytest_plugins`` in the root conftest would join the two.
Its fixtures make a Jupyter server for each test; those below replace them, and make one for each file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupyter_core.paths
import pytest
from jupyter_core.utils import ensure_event_loop
from jupyter_server.serverapp import ServerApp
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.pytest_tornasync import AsyncHTTPServerClient
from tornado.httpclient import HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets.config import Config

from jupyter_etl.services import Etl
from rest.example import Example, serve

CONFIG = {
    "ServerApp": {
        "jpserver_extensions": {"jupyter_etl": True, "jupyter_server_terminals": False},
        "allow_unauthenticated_access": False,
        "reraise_server_extension_failures": True,
    },
    "IdentityProvider": {"token": "0123456789abcdef"},
    "NotebookNotary": {"db_file": ":memory:"},
    "EtlExtensionApp": {"autostart": False},
}


@dataclass(frozen=True)
class Answer:
    """What came back: also for statuses that a client would raise for."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return Example(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module", autouse=True)
def jp_asyncio_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = ensure_event_loop(prefer_selector_loop=True)
    yield loop
    loop.close()


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Leave the server to `jp_serverapp`."""


@pytest.fixture(scope="module")
def jp_base_url() -> str:
    return "/a%40b/"


@pytest.fixture(scope="module")
def http_server_port() -> Iterator[tuple[Any, int]]:
    socket, port = bind_unused_port()
    yield socket, port
    socket.close()


@pytest.fixture(scope="module")
def jp_http_port(http_server_port: tuple[Any, int]) -> int:
    return http_server_port[1]


@pytest.fixture(scope="module")
def jp_serverapp(
    example: Example,
    jp_asyncio_loop: asyncio.AbstractEventLoop,
    jp_base_url: str,
    jp_http_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerApp]:
    """A Jupyter server that sees no configuration but ours, and shows the example's notebooks."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patched.setenv(name, str(folder))
        for name in ("SYSTEM_CONFIG_PATH", "ENV_CONFIG_PATH"):
            patched.setattr(jupyter_core.paths, name, [str(folder)])
        ServerApp.clear_instance()
        app = ServerApp.instance(
            port=jp_http_port,
            port_retries=0,
            open_browser=False,
            base_url=jp_base_url,
            root_dir=str(example.root),
            allow_root=True,
            config=Config(CONFIG),
        )
        app.init_signal = lambda: None

        async def initialize() -> None:
            app.initialize(argv=[], new_httpserver=False)

        jp_asyncio_loop.run_until_complete(initialize())
        # Let pytest see what is logged.
        app.log.propagate = True
        app.log.handlers = []
        app.start_app()
        yield app
        jp_asyncio_loop.run_until_complete(app._cleanup())
        app.kernel_manager.context.destroy()
        # A cursor of SQLite must not be left to the garbage collection of another thread.
        app.session_manager.close()
        ServerApp.clear_instance()


@pytest.fixture(scope="module")
def http_server(
    jp_serverapp: ServerApp,
    http_server_port: tuple[Any, int],
    jp_asyncio_loop: asyncio.AbstractEventLoop,
) -> Iterator[HTTPServer]:
    async def listen() -> HTTPServer:
        server = HTTPServer(jp_serverapp.web_app)
        server.add_socket(http_server_port[0])
        return server

    server = jp_asyncio_loop.run_until_complete(listen())
    yield server
    server.stop()
    jp_asyncio_loop.run_until_complete(server.close_all_connections())


@pytest.fixture(scope="module")
def http_server_client(
    http_server: HTTPServer, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[AsyncHTTPServerClient]:
    async def connect() -> AsyncHTTPServerClient:
        return AsyncHTTPServerClient(http_server=http_server)

    with closing(jp_asyncio_loop.run_until_complete(connect())) as client:
        yield client


@pytest.fixture
def jp_root_dir(example: Example) -> Path:
    """The folder that the server shows, empty."""
    example.clear()
    return example.root


@pytest.fixture
def etl(example: Example, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Etl]:
    """The facade on the example as it was made, whose home is also the environment's."""
    example.restore()
    monkeypatch.setenv("JUPYTER_ETL_HOME", str(example.home))
    opened = example.open()
    yield opened
    opened.close()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Etl]:
    """The facades that a test has closed."""
    made: list[Etl] = []
    close = Etl.close

    def close_and_note(self: Etl) -> None:
        made.append(self)
        close(self)

    monkeypatch.setattr(Etl, "close", close_and_note)
    return made


@pytest.fixture
def server(jp_serverapp: ServerApp, etl: Etl) -> ServerApp:
    """A Jupyter server whose routes call the facade; `reached` records whether one did."""
    serve(jp_serverapp, etl)
    return jp_serverapp


@pytest.fixture
def ask(server, http_server_client, jp_base_url: str, jp_auth_header) -> Ask:
    """Ask a route by its raw path below ``etl/v1``; nothing is normalised on the way."""

    async def ask(
        path: str,
        method: str = "GET",
        *,
        body: object = None,
        headers: dict[str, str] | None = None,
        login: bool = True,
        prefix: str = "etl/v1",
    ) -> Answer:
        sent: Any = body
        given = {**(jp_auth_header if login else {}), **(headers or {})}
        if isinstance(body, dict):
            sent = json.dumps(body)
            given.setdefault("Content-Type", "application/json")
        response: HTTPResponse = await http_server_client.fetch(
            f"{jp_base_url}{prefix}{path}",
            method=method,
            body=sent,
            headers=given,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        return Answer(response.code, response.headers, response.body or b"")

    return ask
