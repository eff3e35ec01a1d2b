"""What the parts of the store have in common."""

from __future__ import annotations

from jupyter_etl.store.connection import Ledger


class Part:
    """One group of the store's methods, over the same ledger.

    Args:
        ledger: Where it reads and writes.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
