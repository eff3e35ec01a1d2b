"""What can be found out of a ledger without changing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LedgerFacts:
    """What a look at a ledger found.

    Args:
        place: The ledger as people know it, without a password.
        newest: The schema that this version makes.
        path: Of a SQLite file; None for PostgreSQL.
        revision: Of its schema; None where there is no ledger yet.
        damages: What the database says of itself that should not be, a few at most.
        journal: Journal mode of a SQLite file; "" for PostgreSQL.
        safe_journal: The one that is safe with this version of SQLite.
        network: Type of the network file system it lies on; "" for none.
        now: The time of the database's server, UTC; None for SQLite, which has no server.
        asked_at, answered_at: This machine's time before and after that was asked.
    """

    place: str
    newest: str
    path: Path | None = None
    revision: str | None = None
    damages: tuple[str, ...] = ()
    journal: str = ""
    safe_journal: str = ""
    network: str = ""
    now: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
