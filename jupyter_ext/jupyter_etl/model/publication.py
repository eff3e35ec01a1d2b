"""Publications and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jupyter_etl.model.endpoint import Endpoint
from jupyter_etl.model.watermark import VersionWatermark


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


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The maximum age that an owner promises.

    Args:
        warn_s: Age in seconds from which it is late; None if only an error is declared.
        error_s: Age in seconds from which the promise is broken; None if only a warning is
            declared.
    """

    warn_s: float | None = None
    error_s: float | None = None


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


class PublicationKind(StrEnum):
    """Kind of an output."""

    TABLE = "table"
    FILE = "file"
    REPORT = "report"
    API = "api"


class PublishMode(StrEnum):
    """How new rows are combined with existing ones.

    ``replace`` replaces the whole table, or with ``partition_by`` the partitions that occur in the
    new rows; ``append`` adds; ``upsert`` replaces the rows with the same key and adds the rest.
    """

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"


class Contract(StrEnum):
    """Allowed schema changes: ``freeze`` rejects any change, ``evolve`` allows new columns."""

    EVOLVE = "evolve"
    FREEZE = "freeze"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its name, its Arrow type as text (``int64``, ``timestamp[us, tz=UTC]``)."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Identity of appended rows, so that they are never in a table twice.

    An append removes the rows that an earlier append of the same batch added. Batches with the same
    ``key`` and intervals are the same if the later interval contains the earlier one.

    Args:
        key: The pipeline's name if there is an interval, else unique to the batch.
        interval: The data interval; None for a batch that is not identified by time.
        apart: Whether its partitions must be new to the table, because nothing else
            distinguishes it from an existing batch.
    """

    key: str
    interval: Partition | None = None
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Staged:
    """An output that has been staged and is not visible yet.

    Args:
        name: Name of the publication.
        kind: Kind of the output.
        folder: Absolute path of the folder that contains only the staged files.
        files: Relative paths inside ``folder``, in order.
        mode, key, partition_by, contract: As declared.
        rows: Number of rows; None for a report.
        bytes: Size of the staged files.
        columns: Schema; empty for a report or an opaque file.
        title: Title of a report; else "".
        options: Further options of the kind, as text (``hide_code``, ``path`` ...).
        batch: Identity of the rows of an append; None if unspecified.
        approved: Whether a user has approved that it violates its contract.
        allow: Columns that may be dropped, become empty or change their type.
        digest: Digest of the rows of an append, equal for equal rows; "" if unknown.
        origins: Origins of its columns, as far as SQL shows them.
        layout: Layout of a file, as its publisher encodes it; "" for a file without rows.
        endpoint: What an API is; None for other kinds.
    """

    name: str
    kind: PublicationKind
    folder: str
    files: tuple[str, ...] = ()
    mode: PublishMode = PublishMode.REPLACE
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    contract: Contract = Contract.EVOLVE
    rows: int | None = None
    bytes: int = 0
    columns: tuple[Column, ...] = ()
    title: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    batch: Batch | None = None
    approved: bool = False
    allow: tuple[str, ...] = ()
    digest: str = ""
    origins: tuple[ColumnOrigin, ...] = ()
    layout: str = ""
    endpoint: Endpoint | None = None


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One entry of a Delta table's log.

    Args:
        version: Version of the Delta table.
        text: Content of its file: one JSON object per line.
    """

    version: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Committed:
    """A committed output; it becomes visible with the ledger's transaction.

    Args:
        name, kind: Of the publication.
        location: Absolute path or URI of the table's folder or of the file.
        delta_version: Its version of the Delta table; None for files and reports.
        rows: Row count of the whole output after the commit.
        changed_rows: Rows written by this commit.
        bytes: Size of the whole output.
        columns: Its schema.
        mode, key, partition_by, contract, title: As staged.
        content_hash: SHA-256 (hex) of a file or report; "" for a table.
        layout: As staged.
        token: Token of the commit in the table's log; "" for files and reports, and for
            versions that predate this field.
        files_hash: SHA-256 (hex) of the paths of a table's data files; "" as for ``token``.
        log: Entries of the table's log since the previous version. The ledger stores them
            separately for repair: empty in a loaded version.
        endpoint: What an API is; None for other kinds.
        promote: Whether an API becomes the live version, unless its traffic is split or it has a
            canary; otherwise it waits to be promoted.
    """

    name: str
    kind: PublicationKind
    location: str
    delta_version: int | None = None
    rows: int | None = None
    changed_rows: int | None = None
    bytes: int = 0
    columns: tuple[Column, ...] = ()
    mode: PublishMode = PublishMode.REPLACE
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    contract: Contract = Contract.EVOLVE
    title: str = ""
    content_hash: str = ""
    layout: str = ""
    token: str = ""
    files_hash: str = ""
    log: tuple[LogEntry, ...] = ()
    endpoint: Endpoint | None = None
    promote: bool = True


@dataclass(frozen=True, kw_only=True)
class PublicationVersion:
    """One version of an output. Live and draft versions are numbered separately, from 1.

    Args:
        name: Name of the publication.
        number: 1 for the first.
        draft: Whether it was published interactively as a draft.
        what: The committed output.
        owner: Owner of the publication at that time.
        pipeline: The pipeline whose run published it; "" interactively.
        run_id: The run; None interactively.
        notebook: Absolute path of the notebook; "" if unknown.
        published_at: UTC.
        pruned_at: When its content was pruned, UTC; None while it can be read.
        note: The user's decision that led to it: ``approved by sam``; else "".
        watermarks: Watermarks of the incremental loads whose rows it contains; empty for a
            draft; None for a version that predates this field.
    """

    name: str
    number: int
    draft: bool
    what: Committed
    owner: str
    pipeline: str
    run_id: int | None
    notebook: str
    published_at: datetime
    pruned_at: datetime | None = None
    note: str = ""
    watermarks: tuple[VersionWatermark, ...] | None = ()


@dataclass(frozen=True, kw_only=True)
class Publication:
    """An output with a name, an owner, a contract and numbered versions.

    Args:
        name: Unique over all kinds.
        kind: Kind of the output.
        owner: The accountable owner.
        pipeline: The pipeline whose run published it last; "" interactively.
        live: The version that consumers get; None while there are only drafts.
        draft: The newest draft, if any.
        freshness: The promised age.
        created_at: UTC.
    """

    name: str
    kind: PublicationKind
    owner: str
    pipeline: str
    live: PublicationVersion | None
    draft: PublicationVersion | None
    freshness: Freshness | None
    created_at: datetime
