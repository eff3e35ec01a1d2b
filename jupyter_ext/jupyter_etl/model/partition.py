"""The interval of data a run is responsible for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Grain(StrEnum):
    """Length of a backfill's partition, in the calendar and local time of a time zone.

    Source: R. Kimball, M. Ross, "The Data Warehouse Toolkit", 3rd edition, 2013: grain.
    """

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The half-open interval ``[start, end)``.

    Args:
        start: First instant inside, aware, UTC.
        end: First instant after, aware, UTC; equal to ``start`` for a run without an extent.
    """

    start: datetime
    end: datetime
