"""A PostgreSQL server for the tests that are marked so, and an API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.http_api import Api, Reply, api_server
from fakes.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="module")
def http_server() -> Iterator[Api]:
    """A server that runs as long as the tests of a module."""
    with api_server() as running:
        yield running


@pytest.fixture
def api(http_server: Api) -> Api:
    """The server, which has been asked nothing yet and has no answers."""
    http_server.asked.clear()
    http_server.answer = lambda asked: Reply(status=404)
    return http_server
