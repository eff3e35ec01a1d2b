"""Origins of columns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ColumnOrigin:
    """The origin of an output column, as far as SQL shows it.

    Args:
        column: Column of the output.
        source: Name of the source or publication.
        table: Table in the source, or "".
        source_column: Column there.
    """

    column: str
    source: str
    table: str
    source_column: str

    @property
    def label(self) -> str:
        """The origin as text: ``wh.orders.amount``."""
        return ".".join(part for part in (self.source, self.table, self.source_column) if part)
