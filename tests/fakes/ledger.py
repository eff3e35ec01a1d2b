"""Ledgers that need neither migrations nor disk syncs."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from jupyter_etl.ledger import connection, open_store
from jupyter_etl.ledger.schema.tables import metadata
from jupyter_etl.ledger.store import SqlStore


def new_ledger(folder: Path) -> str:
    """Create an empty SQLite ledger in a folder and return its URL."""
    path = folder / "ledger.sqlite"
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_empty())
    return f"sqlite:///{path}"


def ledger_in(folder: Path) -> str:
    """Return the URL of the SQLite ledger in a folder; create an empty one if there is none."""
    path = folder / "ledger.sqlite"
    return f"sqlite:///{path}" if path.exists() else new_ledger(folder)


def empty(store: SqlStore) -> None:
    """Empty a ledger; its compiled statements are kept."""
    ledger = store._ledger
    tables = [table.name for table in reversed(metadata.sorted_tables) if table.name != "identity"]
    with ledger.writing() as opened:
        if ledger.is_sqlite:
            for name in tables:
                opened.execute(text(f"DELETE FROM {name}"))
        else:
            opened.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"))


def never_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make SQLite in this process write without syncing: no test simulates a power cut with it."""
    set_up = connection._set_up

    def set_up_unsynced(opened: Any, record: object) -> None:
        set_up(opened, record)
        opened.execute("PRAGMA synchronous = OFF")

    monkeypatch.setattr(connection, "_set_up", set_up_unsynced)


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()
