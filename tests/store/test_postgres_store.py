"""The ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.store_contract import StoreContract
from fakes.postgres import PostgresServer
from jupyter_etl.ports import Store
from jupyter_etl.store import open_store

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def template(postgres_server: PostgresServer) -> str:
    """Return the name of a database with an empty ledger, which is quick to copy."""
    url = postgres_server.create_database()
    open_store(url).close()
    return url.split("@/")[1].split("?")[0]


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, postgres_server: PostgresServer, template: str) -> Iterator[Store]:
        opened = open_store(postgres_server.create_database(template=template))
        yield opened
        opened.close()
