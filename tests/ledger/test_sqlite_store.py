"""The ledger in a SQLite file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.store_contract import StoreContract
from fakes.ledger import empty, new_ledger
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.ports import Store


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    store = SqlStore(new_ledger(tmp_path_factory.mktemp("ledger")))
    yield store
    store.close()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, opened: SqlStore) -> Store:
        empty(opened)
        return opened
