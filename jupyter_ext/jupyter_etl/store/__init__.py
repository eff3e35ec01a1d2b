"""The ledger: what is declared, planned, running, done and published, in SQLite or PostgreSQL."""

from __future__ import annotations

from jupyter_etl.ports import Store


def open_store(url: str) -> Store:
    """Open the ledger; create it, or bring its schema up to date, where that is due.

    Args:
        url: ``sqlite:////absolute/path/ledger.sqlite`` or ``postgresql://user@host/database``.

    Returns:
        The ledger. It may be used by several threads, and by a process forked from this one.

    Raises:
        StoreError: It cannot be reached, is no ledger, or was written by a newer version.
        MissingDependency: PostgreSQL's driver is not installed.
    """
    # SQLAlchemy costs a tenth of a second that `import jupyter_etl` need not pay.
    from jupyter_etl.store.sql_store import SqlStore

    return SqlStore(url)
