"""Ledgers of older versions: lineage, files of versions and watermarks after the migration."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from contracts.store_values import NOW, an_output
from jupyter_etl.language.notebooks.bundle import bundle_of
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.model import PublicationVersion, Read
from ledger.old_ledgers import MIGRATIONS, make_old_ledger

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
SAID = (
    '[{"source":"wh","table":"orders","version":"","rows":2,"bytes":16,"note":"x"},'
    '{"source":"wh","table":"orders","version":"","rows":3,"bytes":null},'
    '{"source":"sales.daily","version":"7"}]'
)


@pytest.fixture(params=["sqlite", POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path}/ledger.sqlite"


def test_reads_of_runs_that_succeeded_are_taken_over(url: str) -> None:
    make_old_ledger(url)
    ledger = Ledger(url)
    with ledger.writing() as connection:
        connection.execute(text("UPDATE runs SET reads = :said"), {"said": SAID})
    ledger.close()
    store = open_store(url)
    reads = [one.reads for one in store.load_lineage([1, 2, 3, 4])]
    assert reads == [
        (
            Read(source="wh", table="orders", rows=5),
            Read(source="sales.daily", version="7"),
        ),
        (),
        (),
        (),
    ]
    assert store.load_readers("wh") == [1]
    store.close()


@pytest.mark.parametrize(
    ("revision", "query", "gone"),
    [
        ("0005", "SELECT name FROM sqlite_master", "run_reads"),
        ("0007", "SELECT name FROM pragma_table_info('publication_versions')", "watermarks"),
    ],
)
def test_there_is_a_way_back(tmp_path: Path, revision: str, query: str, gone: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    open_store(url).close()
    ledger = Ledger(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with ledger.writing() as connection:
        config.attributes["connection"] = connection
        assert gone in set(connection.scalars(text(query)))
        command.downgrade(config, revision)
        assert gone not in set(connection.scalars(text(query)))
    ledger.close()


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


def test_old_versions_are_unknown_and_new_names_are_not(url: str) -> None:
    make_old_ledger(url)
    store = open_store(url)

    def publish(name: str, owner: str) -> PublicationVersion:
        return store.publish(
            an_output(name), owner=owner, pipeline="", notebook="", draft=False, now=NOW
        )

    (old,) = store.load_publication_versions("sales.daily")
    assert old.watermarks is None
    assert publish("sales.daily", old.owner).watermarks is None
    assert publish("another", "ada").watermarks == ()
    store.close()
