"""Versions of an old ledger have no recorded watermarks; later ones do."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from contracts.store_values import NOW, an_output
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.model import PublicationVersion
from ledger.old_ledgers import MIGRATIONS, make_old_ledger

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


@pytest.fixture(params=["sqlite", POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path}/ledger.sqlite"


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


def test_there_is_a_way_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    open_store(url).close()
    ledger = Ledger(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with ledger.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0007")
        columns = connection.execute(text("PRAGMA table_info(publication_versions)")).all()
        assert "watermarks" not in {row.name for row in columns}
    ledger.close()
