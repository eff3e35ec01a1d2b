"""One bench for attempts, on a ledger of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.attempts import AttemptHarness
from fakes.ledger import new_ledger
from jupyter_etl.ledger import open_store


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[AttemptHarness]:
    url = new_ledger(tmp_path)
    store = open_store(url)
    yield AttemptHarness(tmp_path, store, url)
    store.close()
