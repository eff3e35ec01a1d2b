"""Lineage: the inputs and outputs of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_etl.model.publication import ColumnOrigin
from jupyter_etl.model.run import Read


@dataclass(frozen=True, kw_only=True)
class Written:
    """A live version that a run published.

    Args:
        name: Name of the publication.
        number: Number of the version.
        rows: Row count of the whole output; None if unknown.
    """

    name: str
    number: int
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunLineage:
    """The inputs and outputs of a successful run.

    Args:
        run_id: The run.
        pipeline: Its pipeline.
        version: Deployed version; None for a notebook that was run by its path.
        owner: The accountable owner.
        finished_at: UTC; None while it is being retried.
        reads: One for each source, table and version.
        written: The published versions.
        origins: Origins of the published columns, by publication; a publication is absent if
            they are unknown.
    """

    run_id: int
    pipeline: str
    version: int | None
    owner: str
    finished_at: datetime | None
    reads: tuple[Read, ...] = ()
    written: tuple[Written, ...] = ()
    origins: Mapping[str, tuple[ColumnOrigin, ...]] = field(default_factory=dict)
