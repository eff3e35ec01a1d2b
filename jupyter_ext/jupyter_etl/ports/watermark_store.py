"""The ledger's part about incremental loads."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from jupyter_etl.model import Cursor, CursorValue, Watermark


class WatermarkStore(Protocol):
    """Watermarks. Runs move them by `RunStore.finish_attempt`, and by nothing else."""

    def load_watermarks(self, pipeline: str | None = None) -> list[Watermark]:
        """Return those of a pipeline, or of all; by pipeline and cursor."""
        ...

    def load_watermark(self, pipeline: str, cursor: Cursor) -> Watermark | None:
        """Return one; None where no run has published what it read by this cursor."""
        ...

    def set_watermark(
        self, pipeline: str, cursor: Cursor, value: CursorValue | None, *, by: str, now: datetime
    ) -> Watermark:
        """Set it by hand, and begin its next era.

        Runs in hand, which have read by the old one, do not move it any more.

        Args:
            pipeline: Whose loads; it need not be deployed.
            cursor: The column; it need not have a watermark.
            value: Rows up to here are not read again; None for a start from the first row.
            by: Who sets it.
            now: UTC.

        Raises:
            PermissionDenied: The pipeline belongs to somebody else.
        """
        ...
