"""The ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from contracts.store_contract import StoreContract
from fakes.ledger import empty
from fakes.postgres import PostgresServer
from jupyter_etl.ledger.connection import plan_once
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.ports import Store

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


def test_what_is_asked_is_planned_for_its_values(opened: SqlStore) -> None:
    """The server's plan for any values reads all pipelines to find that none is due."""
    with opened._ledger.reading() as connection:
        assert connection.exec_driver_sql("SHOW plan_cache_mode").scalar() == "force_custom_plan"
    with opened._ledger.writing() as connection:
        plan_once(connection)
        assert connection.exec_driver_sql("SHOW plan_cache_mode").scalar() == "auto"
    with opened._ledger.writing() as connection:
        assert connection.exec_driver_sql("SHOW plan_cache_mode").scalar() == "force_custom_plan"


def test_the_server_shows_the_time(opened: SqlStore) -> None:
    reported = [datetime.now(UTC), opened.load_time(), datetime.now(UTC), opened.load_time()]
    assert None not in reported
    # The server of the tests is on this machine.
    assert reported == sorted(reported)
