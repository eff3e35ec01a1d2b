"""The ledger's part about lineage."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import RunLineage


class LineageStore(Protocol):
    """Lineage. It is recorded by what makes a run's outputs visible, in that transaction."""

    def load_lineage(self, run_ids: Collection[int]) -> list[RunLineage]:
        """Return what these runs have read and written, by id.

        Runs that did not succeed, and drafts, have read and written nothing.
        """
        ...

    def load_readers(self, source: str, *, table: str | None = None) -> list[int]:
        """Return of each pipeline the newest run that has read a source or publication, by id.

        Args:
            source: Its name.
            table: Only this table inside of it; None for any.
        """
        ...

    def prune_lineage(self, *, before: datetime, keep: int, dry_run: bool) -> int:
        """Forget the lineage of old runs that none of the versions kept comes from.

        Args:
            before, keep: As for `Store.load_old_runs`.
            dry_run: Change nothing.

        Returns:
            Of how many runs.
        """
        ...
