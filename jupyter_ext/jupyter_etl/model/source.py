"""Declared inputs, and the circuit breakers of those that do not respond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from jupyter_etl.model.publication import Column, Freshness

CONNECTIONS = 4
"""Default for the maximum number of runs that read one database at once."""

FAILURES = 3
"""Consecutive failures after which the breaker opens."""

PROBE_S = 30.0
"""Seconds between two probe runs."""


class SourceKind(StrEnum):
    """The built-in kinds of source; installed connectors may add others."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"
    JSONL = "jsonl"
    EXCEL = "excel"
    HTTP = "http"
    SQL = "sql"
    FRAME = "frame"
    PUBLICATION = "publication"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A declared input: a name, a kind, a location, and the names of its secrets.

    Args:
        name: Unique in the catalogue.
        kind: A value of `SourceKind`, or the kind of an installed connector.
        location: Absolute path, folder, glob, URL or SQLAlchemy URL without password; the name
            of a publication; the name of a variable for a frame.
        declared: The location as written, before it was resolved against the notebook's folder.
        secrets: Names of secrets, never values; the first is the password of a URL.
        readonly: Whether writes are rejected.
        options: Further options of the kind (``sheet``, ``delimiter`` ...), as text.
        freshness: The promised maximum age.
        limit: Maximum number of runs that read it at once; None for the default of `runs_at_once`.
        owner: Who declared it.
        notebook: Absolute path of the notebook that declares it, or "" for the command line.
        declared_at: When it was last declared, UTC.
    """

    name: str
    kind: str
    location: str
    declared: str = ""
    secrets: tuple[str, ...] = ()
    readonly: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    freshness: Freshness | None = None
    limit: int | None = None
    owner: str = ""
    notebook: str = ""
    declared_at: datetime | None = None

    @property
    def runs_at_once(self) -> int | None:
        """Maximum concurrent readers: as declared, else 4 for a database; None for any number."""
        if self.limit is None and self.kind == SourceKind.SQL:
            return CONNECTIONS
        return self.limit


@dataclass(frozen=True, kw_only=True)
class TableInfo:
    """One table of a source, as described by its connector.

    Args:
        name: Name in ``%etl load SOURCE.NAME``; "" for a source that is one table.
        columns: Names and Arrow types in order; empty if reading them would need a scan.
        rows: Number of rows if the source knows it without counting.
        notes: See `Reading.notes`; also why the types of the columns were chosen.
    """

    name: str
    columns: tuple[Column, ...] = ()
    rows: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """Consecutive failures of a source; while the breaker is open, runs wait for the source.

    Source: M. Nygard, "Release It!", 2nd edition, 2018, chapter 5: Circuit Breaker.

    Args:
        source: Name of the source.
        failures: Number of consecutive failures.
        retry_at: When the next run may try, UTC; None while the breaker is closed.
    """

    source: str
    failures: int = 0
    retry_at: datetime | None = None

    def failed(self, now: datetime) -> Breaker:
        """Return the breaker after one more failure."""
        failures = self.failures + 1
        due = now + timedelta(seconds=PROBE_S) if failures >= FAILURES else None
        return replace(self, failures=failures, retry_at=due)

    def admits(self, now: datetime) -> bool:
        """Return whether a run that reads the source may start."""
        return self.retry_at is None or self.retry_at <= now

    def probed(self, now: datetime) -> Breaker:
        """Return the breaker after a probe run was admitted: the next run waits for its result."""
        if self.retry_at is None:
            return self
        return replace(self, retry_at=now + timedelta(seconds=PROBE_S))
