"""One bench for attempts, on a ledger of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.attempts import AttemptBench
from fakes.ledger import new_ledger
from jupyter_etl.ledger import open_store


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[AttemptBench]:
    url = new_ledger(tmp_path)
    store = open_store(url)
    yield AttemptBench(tmp_path, store, url)
    store.close()
