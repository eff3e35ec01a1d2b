"""Fixtures of a PostgreSQL server, for the tests marked so, and of a notebook's data session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.postgres import postgres_server, postgres_url
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.session import DataSession

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def names() -> dict[str, Any]:
    """The variables of the notebook."""
    return {}


@pytest.fixture
def session(home: Path, here: Path, names: dict[str, Any]) -> DataSession:
    """What is behind `%etl` in a notebook that has these variables."""
    return kernel_state.data_session(names)
