"""Lineage: what runs read and what they made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_etl.model.origin import ColumnOrigin
from jupyter_etl.model.run import Read


@dataclass(frozen=True, kw_only=True)
class Written:
    """A live version that a run made visible.

    Args:
        name: Of the publication.
        number: Of the version.
        rows: Of the whole output; None where unknown.
    """

    name: str
    number: int
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunLineage:
    """What a run that succeeded has read and written.

    Args:
        run_id: Which.
        pipeline: Its name.
        version: Deployed version; None for a notebook that was run by its path.
        owner: Accountable for the run.
        finished_at: UTC; None where it is made again.
        reads: One for each source, table and version.
        written: What it made visible.
        origins: Of the columns of what it wrote, by publication; absent where unknown.
    """

    run_id: int
    pipeline: str
    version: int | None
    owner: str
    finished_at: datetime | None
    reads: tuple[Read, ...] = ()
    written: tuple[Written, ...] = ()
    origins: Mapping[str, tuple[ColumnOrigin, ...]] = field(default_factory=dict)
