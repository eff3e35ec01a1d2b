"""The interval of data a run is responsible for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The half-open interval ``[start, end)``.

    Args:
        start: First instant inside, aware, UTC.
        end: First instant after, aware, UTC; equal to ``start`` for a run without an extent.
    """

    start: datetime
    end: datetime
