"""What earlier runs have said that they read becomes lineage."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.model import Read
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


def test_there_is_a_way_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    open_store(url).close()
    ledger = Ledger(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with ledger.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
        query = text("SELECT count(*) FROM sqlite_master WHERE name LIKE '%run_reads%'")
        assert connection.execute(query).scalar() == 0
    ledger.close()
