"""A folder to stage outputs in."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for staged files."""
    made = tmp_path / "stage"
    made.mkdir()
    return made
