"""Ledgers as an older version left them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from jupyter_etl.ledger import migration
from jupyter_etl.ledger.connection import Ledger

MIGRATIONS = Path(migration.__file__).parent / "schema" / "migrations"
ROWS = Path(__file__).with_name("ledger_0001.sql")


def make_old_ledger(url: str) -> None:
    """Make a ledger with schema 0001 and the rows of ``ledger_0001.sql``."""
    ledger = Ledger(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with ledger.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in statements(sqlite=ledger.is_sqlite):
            connection.exec_driver_sql(statement)
        if not ledger.is_sqlite:
            connection.execute(text("SELECT setval('runs_id_seq', 4)"))
    ledger.close()


def statements(*, sqlite: bool) -> list[str]:
    """Return the inserts, in the words of one database."""
    written = [line for line in ROWS.read_text().splitlines() if not line.startswith("--")]
    said = "\n".join(written).replace("AS BLOB", "AS BLOB" if sqlite else "AS BYTEA")
    return [part for part in said.split(";\n") if part.strip()]
