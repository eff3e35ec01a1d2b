"""A ledger of an older version gets the table of the files that snapshots list."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_etl.language.notebooks.bundle import bundle_of
from jupyter_etl.ledger import open_store
from ledger.old_ledgers import make_old_ledger

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


@pytest.mark.parametrize("database", ["sqlite", POSTGRES])
def test_old_versions_have_no_files_and_new_ones_do(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    if database == "postgres":
        url = request.getfixturevalue("postgres_url")
    make_old_ledger(url)
    store = open_store(url)
    old = store.load_pipeline("orders")
    assert bundle_of(store.load_snapshot(old.content_hash)).files == ()
    saved = store.save_bundle("{}", [b"x = 1"])
    assert store.load_snapshot(saved) == "{}"
    store.close()
