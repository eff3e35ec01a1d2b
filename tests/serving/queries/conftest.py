"""Folders with serving copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.served_queries import SALES, Served
from jupyter_etl.serving.queries.pages import CopyRef


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """An empty folder of copies."""
    return Served(tmp_path / "copies")


@pytest.fixture(scope="session")
def sales(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, CopyRef]:
    """``sales.daily`` with 50 rows; tests only read it."""
    made = Served(tmp_path_factory.mktemp("copies"))
    return made, made.table("sales.daily", SALES, keys=("cust",))
