"""One bench for attempts, on a ledger of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.attempts import AttemptBench
from jupyter_etl.store import open_store


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[AttemptBench]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    store = open_store(url)
    yield AttemptBench(tmp_path, store, url)
    store.close()
