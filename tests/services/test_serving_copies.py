"""Copies of published versions: built by a child that checks the lake as every read does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.published_table import PublishedTable
from fakes.served_queries import SALES, SECRET, body, call_table
from jupyter_etl.errors import LimitExceeded, StorageError
from jupyter_etl.runner.limited_calls import CallLimits
from jupyter_etl.services.serving.copies import ServingCopies, schema_of
from jupyter_etl.serving.queries.tables import LoadedTables


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[ServingCopies]:
    made = ServingCopies(tmp_path / "copies")
    yield made
    made.close()


def test_a_version_is_copied_as_published_and_a_damaged_lake_is_reported(
    copies: ServingCopies, tmp_path: Path
) -> None:
    published = PublishedTable(tmp_path)
    published.publish(SALES)
    first = published.live
    published.publish(SALES.slice(0, 2))
    assert first is not None
    assert published.live is not None
    assert schema_of(first).names == SALES.schema.names
    old, new = copies.ensure(first, ["cust"]), copies.ensure(published.live)
    tables = LoadedTables(folder=tmp_path / "copies", secret=SECRET, limit=100)
    assert body(call_table(tables, old, [], "t"))["rows"] == SALES.to_pylist()
    assert len(body(call_table(tables, new, [], "t"))["rows"]) == 2
    assert copies.drop_unused([]) == []
    shutil.rmtree(published.lake)
    assert copies.ensure(first, ["cust"]) == old
    with pytest.raises(StorageError):
        copies.ensure(first, ["region"])


def test_the_build_has_limits(tmp_path: Path) -> None:
    published = PublishedTable(tmp_path)
    published.publish(SALES)
    assert published.live is not None
    limited = ServingCopies(tmp_path / "copies", CallLimits(seconds=0.001))
    try:
        with pytest.raises(LimitExceeded, match="serving copy of 't' version 1"):
            limited.ensure(published.live)
    finally:
        limited.close()
    assert {path.suffix for path in (tmp_path / "copies").iterdir()} == {".lock"}
