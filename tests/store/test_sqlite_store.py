"""The ledger in a SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.store_contract import StoreContract
from fakes.ledger import new_ledger
from jupyter_etl.ports import Store
from jupyter_etl.store import open_store


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        opened = open_store(new_ledger(tmp_path))
        yield opened
        opened.close()
