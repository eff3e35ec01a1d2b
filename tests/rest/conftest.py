"""Server fixtures, only for this folder.

pytest-jupyter has autouse fixtures that own the event loop, and Playwright's sync API
runs a loop of its own: ``pytest_plugins`` in the root conftest would join the two.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from tornado.httpclient import HTTPResponse

from fakes.etl import FakeEtl
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.service import EtlService


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


@pytest.fixture
def jp_server_config():
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_etl": True, "jupyter_server_terminals": False},
            "allow_unauthenticated_access": False,
            "reraise_server_extension_failures": True,
        },
        "EtlExtensionApp": {"autostart": False},
    }


@pytest.fixture
def etl(jp_root_dir: Path) -> FakeEtl:
    (jp_root_dir / "lake").mkdir()
    (jp_root_dir / "delays.ipynb").write_text("{}")
    return FakeEtl(jp_root_dir)


@pytest.fixture
def server(jp_serverapp, etl: FakeEtl):
    """A Jupyter server whose routes call the fake."""
    jp_serverapp.web_app.settings[SERVICE] = EtlService(lambda: etl)
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
