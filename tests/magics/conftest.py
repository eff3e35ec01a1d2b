"""A shell with `%etl`, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.shell import Notebook, notebook_shell


@pytest.fixture
def notebook(
    home: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Notebook]:
    """A new shell that belongs to ``sales.ipynb``."""
    monkeypatch.setenv("JPY_SESSION_NAME", "sales.ipynb")
    with notebook_shell(here / "sales.ipynb", capsys) as opened:
        yield opened
