"""The ledger: what is declared, planned, running, done and published, in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.ports import Store

if TYPE_CHECKING:
    from jupyter_etl.ledger.inspection import LedgerFacts


def open_store(url: str) -> Store:
    """Open the ledger; create it or migrate its schema if necessary.

    Args:
        url: ``sqlite:////absolute/path/ledger.sqlite`` or ``postgresql://user@host/database``.

    Returns:
        The ledger. It may be used by several threads, and by a process forked from this one.

    Raises:
        StoreError: It cannot be reached, is not a ledger, or was written by a newer version.
        MissingDependency: PostgreSQL's driver is not installed.
    """
    # Importing SQLAlchemy takes a tenth of a second, which `import jupyter_etl` saves.
    from jupyter_etl.ledger.store import SqlStore

    return SqlStore(url)


@contextmanager
def elsewhere(store: Store, path: Path) -> Iterator[Store]:
    """Use the ledger in another file for a while, for a warm-up.

    Args:
        store: From `open_store`.
        path: A ledger in SQLite that is up to date.
    """
    from jupyter_etl.ledger.store import SqlStore

    assert isinstance(store, SqlStore)  # noqa: S101 - `open_store` makes no other
    with store.elsewhere(path) as other:
        yield other


def inspect_ledger(url: str) -> LedgerFacts:
    """Inspect a ledger completely; it is neither created nor migrated.

    Args:
        url: As for `open_store`.

    Raises:
        StoreError: It cannot be reached, or is not a ledger.
        MissingDependency: PostgreSQL's driver is not installed.
    """
    from jupyter_etl.ledger.inspection import look_at

    return look_at(url)


def repair_journal(facts: LedgerFacts) -> None:
    """Set the safe journal mode; raises `StoreError` while others use the file."""
    from jupyter_etl.ledger.migration import set_journal_mode

    if facts.path is not None:
        set_journal_mode(facts.path, facts.safe_journal, wait_s=5.0)
