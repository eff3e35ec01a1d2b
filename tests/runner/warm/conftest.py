"""Real runs with a fork server that prestarts the next runner; one for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.shared_runners import SharedRunners
from jupyter_etl.runner import local_executor
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import Settings


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def runners() -> Iterator[SharedRunners]:
    """A fork server with the next runner prestarted."""
    shared = SharedRunners()
    yield shared
    shared.end()


@pytest.fixture
def etl(here: Path, runners: SharedRunners, monkeypatch: pytest.MonkeyPatch) -> Iterator[Etl]:
    monkeypatch.setattr(local_executor, "WarmRunners", lambda **_: runners)
    opened = Etl.open(Settings.from_env())
    yield opened
    opened.close()
