"""New ledgers that cost no migration."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from jupyter_etl.store import open_store


def new_ledger(folder: Path) -> str:
    """Put an empty SQLite ledger into a folder and return its URL."""
    path = folder / "ledger.sqlite"
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_empty())
    return f"sqlite:///{path}"


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()
