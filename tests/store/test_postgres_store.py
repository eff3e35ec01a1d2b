"""The ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.store_contract import StoreContract
from fakes.ledger import empty
from fakes.postgres import PostgresServer
from jupyter_etl.ports import Store
from jupyter_etl.store.sql_store import SqlStore

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def opened(postgres_server: PostgresServer) -> Iterator[SqlStore]:
    store = SqlStore(postgres_server.create_database())
    yield store
    store.close()


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, opened: SqlStore) -> Store:
        empty(opened)
        return opened
