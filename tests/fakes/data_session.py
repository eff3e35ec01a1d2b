"""The data session of a notebook, as fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_etl.notebook.kernel_state import data_session
from jupyter_etl.notebook.session import DataSession


@pytest.fixture
def names() -> dict[str, Any]:
    """The variables of the notebook."""
    return {}


@pytest.fixture
def session(home: Path, here: Path, names: dict[str, Any]) -> DataSession:
    """The data session of a notebook with these variables."""
    return data_session(names)
