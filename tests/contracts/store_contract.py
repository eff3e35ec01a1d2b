"""What every ledger does. A ledger's test class inherits this and adds the fixture ``store``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.store_declared import DeclaredContract
from contracts.store_publications import PublicationsContract
from contracts.store_runs import RunsContract
from jupyter_etl.ports import Store


class StoreContract(DeclaredContract, RunsContract, PublicationsContract):
    """The suite of `jupyter_etl.ports.Store`."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Yield a new, empty ledger and close it."""
        raise AssertionError("a ledger's test class gives its own fixture")
