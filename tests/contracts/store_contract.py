"""Tests of every ledger; its test class inherits them and adds the fixture ``store``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.store_bundles import BundlesContract
from contracts.store_claims import ClaimsContract
from contracts.store_commits import CommitsContract
from contracts.store_declared import DeclaredContract
from contracts.store_due_times import DueTimesContract
from contracts.store_endpoints import EndpointsContract
from contracts.store_ends import EndsContract
from contracts.store_holds import HoldsContract
from contracts.store_lineage import LineageContract
from contracts.store_planning import PlanningContract
from contracts.store_publications import PublicationsContract
from contracts.store_runs import RunsContract
from contracts.store_tokens import TokensContract
from contracts.store_watermarks import WatermarksContract
from jupyter_etl.ports import Store


class StoreContract(
    DeclaredContract,
    BundlesContract,
    PlanningContract,
    DueTimesContract,
    ClaimsContract,
    RunsContract,
    EndsContract,
    PublicationsContract,
    CommitsContract,
    HoldsContract,
    WatermarksContract,
    LineageContract,
    EndpointsContract,
    TokensContract,
):
    """The suite of `jupyter_etl.ports.Store`."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Yield a new, empty ledger and close it."""
        raise AssertionError("a ledger's test class gives its own fixture")
