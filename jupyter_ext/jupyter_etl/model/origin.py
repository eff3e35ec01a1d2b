"""Where columns come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ColumnOrigin:
    """Where a column of an output comes from, as far as SQL tells.

    Args:
        column: Of the output.
        source: Name of the source or publication.
        table: Table inside the source, or "".
        source_column: The column there.
    """

    column: str
    source: str
    table: str
    source_column: str

    @property
    def label(self) -> str:
        """What it comes from: ``wh.orders.amount``."""
        return ".".join(part for part in (self.source, self.table, self.source_column) if part)
